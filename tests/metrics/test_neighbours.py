"""Neighbours and what they say of two sets, by closed forms, references, known collapse, and groups left out."""

import numpy as np
import pytest
import torch
import torch_fidelity.metric_prc as fidelity
from prdc import compute_prdc
from scipy.spatial.distance import cdist

from fergan_core.errors import UsageError
from fergan_core.metrics import distances, neighbours
from fergan_core.metrics.intervals import groups_of


def some_faces(count: int = 300, width: int = 16, seed: int = 0, shift: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=generator, dtype=torch.float64) + shift


def clusters(which: range, each: int, seed: int) -> torch.Tensor:
    """Draw faces about some of eight far corners."""
    centres = 100 * torch.eye(8, dtype=torch.float64)
    return torch.cat([centres[c] + some_faces(each, 8, seed * 8 + c) for c in which])


def scores(real: torch.Tensor, fake: torch.Tensor) -> tuple[float, float, float, float]:
    found = neighbours.neighbourhoods(real, fake, torch.arange(len(fake)) % 2)
    return float(found.precision.mean()), found.recall, float(found.density.mean()), found.coverage


def test_chunks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = some_faces(101), some_faces(90, seed=1)
    groups = groups_of(90)
    whole = neighbours.neighbourhoods(real, fake, groups)
    nearest = distances.nearest(real, real, 3, exclude_self=True)
    monkeypatch.setattr(distances, "CHUNK", 7 * 90)
    parts = neighbours.neighbourhoods(real, fake, groups)
    for name in vars(whole):
        assert torch.equal(torch.as_tensor(getattr(parts, name)), torch.as_tensor(getattr(whole, name)))
    torch.testing.assert_close(distances.nearest(real, real, 3, exclude_self=True), nearest, rtol=1e-12, atol=0)


@pytest.mark.parametrize("shift", [0.0, 0.5])
@pytest.mark.parametrize(("real_count", "fake_count"), [(300, 260), (150, 400)])
def test_agrees_with_prdc(real_count: int, fake_count: int, shift: float) -> None:
    real, fake = some_faces(real_count, 8), some_faces(fake_count, 8, 1, shift)
    three, five = (compute_prdc(real.numpy(), fake.numpy(), nearest_k=k) for k in (3, 5))
    expected = (three["precision"], three["recall"], five["density"], five["coverage"])
    assert all(score > 0 for score in expected)
    assert scores(real, fake) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_agrees_with_torch_fidelity(shift: float) -> None:
    real, fake = some_faces(300, 8), some_faces(260, 8, 1, shift)
    found = fidelity.prc_features_to_metric(
        fake, real, prc_neighborhood=3, prc_batch_size=128, save_cpu_ram=False, verbose=False
    )
    precision, recall, _, _ = scores(real, fake)
    assert precision == pytest.approx(found[fidelity.KEY_METRIC_PRECISION], abs=1e-6)
    assert recall == pytest.approx(found[fidelity.KEY_METRIC_RECALL], abs=1e-6)


def test_faces_on_a_line_have_their_scores_by_hand() -> None:
    # Real radii are 3 2 2 2 2 3 for k = 3 and 5 4 3 3 4 5 for k = 5; of the fakes, only 8's ball (radius 3) meets a
    # real face, 5, and that on its surface, which belongs to it.
    real, fake = torch.arange(6.0)[:, None], torch.arange(8.0, 14.0)[:, None]
    found = neighbours.neighbourhoods(real, fake, torch.arange(6) // 2)
    assert found.precision.tolist() == [1, 0, 0, 0, 0, 0]
    assert found.density.tolist() == [2 / 5, 1 / 5, 1 / 5, 0, 0, 0]
    assert found.recall == pytest.approx(1 / 6)
    assert found.coverage == pytest.approx(2 / 6)


def test_a_set_against_itself_has_all_scores_full() -> None:
    faces = some_faces(200, shift=1e3)
    # A real ball holds its centre and the five nearest, the last on its surface.
    assert scores(faces, faces) == (1, 1, pytest.approx(6 / 5), 1)


def test_faces_repeated_so_often_that_balls_have_no_radius_still_find_themselves() -> None:
    faces = some_faces(20, shift=1e3).repeat(7, 1)
    assert scores(faces, faces) == (1, 1, pytest.approx(7 / 5), 1)
    assert scores(faces, faces + 1e-3) == (0, 0, 0, 0)


def test_sets_far_apart_have_nothing_in_common() -> None:
    assert scores(some_faces(), some_faces(seed=1, shift=100.0)) == (0, 0, 0, 0)


def test_fakes_that_show_half_of_the_clusters_cover_and_recall_half() -> None:
    real = clusters(range(8), 100, seed=1)
    all_modes, half = (scores(real, clusters(range(n), 800 // n, seed=2)) for n in (8, 4))
    assert half[1] == pytest.approx(all_modes[1] / 2, abs=0.05)
    assert half[3] == pytest.approx(all_modes[3] / 2, abs=0.05)
    assert half[1] <= 0.5
    assert half[3] <= 0.5
    assert half[0] == pytest.approx(all_modes[0], abs=0.1)


def test_one_fake_that_is_far_off_beyond_measure_changes_no_other() -> None:
    real, fake = some_faces(), some_faces(100, seed=1)
    found = neighbours.neighbourhoods(real, fake, groups_of(100))
    wild = neighbours.neighbourhoods(real, torch.cat([fake, 1e9 * fake[:1]]), groups_of(101))
    assert torch.equal(wild.precision[:100], found.precision)
    assert torch.equal(wild.density[:100], found.density)
    assert wild.precision[100] == wild.density[100] == 0
    assert wild.coverage == found.coverage
    both = torch.cat([fake, 1e9 * fake[:1]])
    assert torch.equal(distances.nearest(both, both, 3, True)[0][:100], distances.nearest(fake, fake, 3, True)[0])


def test_one_fake_over_and_over_is_precise_and_recalls_nothing() -> None:
    real = some_faces(300)
    precision, recall, density, coverage = scores(real, real.mean(0).repeat(300, 1))
    assert precision == 1
    assert density > 2
    assert recall == 0
    assert coverage < 0.5


def test_density_of_the_same_distribution_is_about_one() -> None:
    # Each ball holds k of the other N - 1 real faces, so k M / (N - 1) of M fakes are expected in it.
    densities = [scores(some_faces(400, 4, seed), some_faces(400, 4, 100 + seed))[2] for seed in range(20)]
    assert np.mean(densities) == pytest.approx(400 / 399, abs=3 * np.std(densities) / np.sqrt(20))
    assert np.std(densities) < 0.1


def test_order_of_faces_and_a_turn_of_the_space_do_not_matter() -> None:
    real, fake = some_faces(), some_faces(250, seed=1, shift=0.3)
    generator = torch.Generator().manual_seed(2)
    order = torch.randperm(250, generator=generator)
    turn = torch.linalg.qr(torch.randn(16, 16, generator=generator, dtype=torch.float64)).Q
    found = neighbours.neighbourhoods(real, fake, torch.arange(250) % 2)
    moved = neighbours.neighbourhoods(real.flip(0) @ turn + 3, fake[order] @ turn + 3, torch.arange(250) % 2)
    assert torch.equal(moved.precision, found.precision[order])
    assert torch.equal(moved.density, found.density[order])
    assert (moved.recall, moved.coverage) == (found.recall, found.coverage)


@pytest.mark.parametrize("kind", ["dealt", "one empty", "near faces together", "unequal"])
def test_scores_without_a_group_are_the_scores_of_the_rest(kind: str) -> None:
    real, fake = clusters(range(8), 30, seed=1), clusters(range(8), 25, seed=2)
    groups = {
        "dealt": groups_of(200),
        "one empty": 2 * groups_of(200, groups=5),
        # All of a face's nearest leave with it, or with its neighbours in the second half of a cluster.
        "near faces together": torch.arange(200) // 13,
        "unequal": (torch.arange(200) >= 190).long(),
    }[kind]
    found = neighbours.neighbourhoods(real, fake, groups)
    for group in range(int(groups.max()) + 1):
        left = groups != group
        rest = neighbours.neighbourhoods(real, fake[left], torch.arange(int(left.sum())) % 2)
        assert found.recall_without[group].item() == rest.recall
        assert found.coverage_without[group].item() == rest.coverage
        assert float(found.precision[left].mean()) == pytest.approx(float(rest.precision.mean()), rel=1e-12)
        assert float(found.density[left].mean()) == pytest.approx(float(rest.density.mean()), rel=1e-12)
    assert len(found.recall_without) == len(found.coverage_without) == int(groups.max()) + 1


def test_neighbours_beyond_those_kept_are_found_again() -> None:
    # 20 fakes in one tight knot, and all but three of it in one group: without it their nearest are far away.
    fake = torch.cat([some_faces(20) * 0.01, some_faces(60, seed=1)])
    groups = torch.cat([torch.zeros(17), torch.ones(63)]).long()
    radii = neighbours._radii(fake, groups, 2)
    expected = torch.from_numpy(np.sort(cdist(fake[17:], fake[17:]), 1)[:, 3])
    torch.testing.assert_close(radii[1, 17:], expected.square(), rtol=1e-10, atol=0)
    assert bool((radii[1, :17] == -torch.inf).all())
    assert bool((radii[1, 17:20] > 1).all())
    assert bool((radii[0, :20] < 0.1).all())


@pytest.mark.parametrize(
    ("real", "fake", "word"),
    [
        (some_faces(5), some_faces(30), "5 faces are too few"),
        (some_faces(30), some_faces(5), "5 faces are too few"),
        (some_faces(30), some_faces(30, 8), "shapes"),
        (some_faces(30)[:, 0], some_faces(30), "shapes"),
        (some_faces(30), some_faces(30).log(), "NaN"),
    ],
)
def test_bad_features_are_refused_in_one_sentence(real: torch.Tensor, fake: torch.Tensor, word: str) -> None:
    with pytest.raises(UsageError, match=word) as refused:
        neighbours.neighbourhoods(real, fake, torch.arange(len(fake)) % 2)
    assert "\n" not in str(refused.value)
    assert "neighbourhoods" in str(refused.value)


@pytest.mark.parametrize(
    ("groups", "word"),
    [
        (torch.zeros(29).long(), "29"),
        (torch.zeros(30), "float32"),
        (torch.zeros(30).long(), "from 0 to 0"),
        (torch.arange(30) - 1, "from -1"),
        ((torch.arange(30) < 27).long(), "without group 1 there are 3"),
    ],
)
def test_bad_groups_are_refused(groups: torch.Tensor, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        neighbours.neighbourhoods(some_faces(30, seed=1), some_faces(30), groups)
