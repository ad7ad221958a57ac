"""Scores by neighbours of two sets, by closed forms, references and known collapse."""

import numpy as np
import pytest
import torch

from fergan_core.errors import UsageError
from fergan_core.metrics import distances, neighbours


def some_faces(count: int = 300, width: int = 16, seed: int = 0, shift: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=generator, dtype=torch.float64) + shift


def clusters(which: range, each: int, seed: int) -> torch.Tensor:
    """Draw faces about some of eight far corners."""
    centres = 100 * torch.eye(8, dtype=torch.float64)
    return torch.cat([centres[c] + some_faces(each, 8, seed * 8 + c) for c in which])


def scores(real: torch.Tensor, fake: torch.Tensor) -> tuple[float, float, float, float]:
    near = neighbours.neighbourhoods(real, fake)
    return float(near.precision.mean()), near.recall.share, float(near.density.mean()), near.coverage.share


def test_chunks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = some_faces(101), some_faces(90, seed=1)
    in_one_chunk = neighbours.neighbourhoods(real, fake)
    nearest = distances.nearest(real, real, 3, exclude_self=True)
    monkeypatch.setattr(distances, "CHUNK", 7 * 90)
    in_many_chunks = neighbours.neighbourhoods(real, fake)
    for name in vars(in_one_chunk):
        ours, theirs = getattr(in_many_chunks, name), getattr(in_one_chunk, name)
        assert torch.equal(ours, theirs) if isinstance(ours, torch.Tensor) else ours == theirs
    torch.testing.assert_close(distances.nearest(real, real, 3, exclude_self=True), nearest, rtol=1e-12, atol=0)


@pytest.mark.parametrize("shift", [0.0, 0.5])
@pytest.mark.parametrize(("real_count", "fake_count"), [(300, 260), (150, 400)])
def test_agrees_with_prdc(real_count: int, fake_count: int, shift: float) -> None:
    from prdc import compute_prdc  # not above: it imports scikit-learn

    real, fake = some_faces(real_count, 8), some_faces(fake_count, 8, 1, shift)
    three, five = (compute_prdc(real.numpy(), fake.numpy(), nearest_k=k) for k in (3, 5))
    expected = (three["precision"], three["recall"], five["density"], five["coverage"])
    assert all(score > 0 for score in expected)
    assert scores(real, fake) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_agrees_with_torch_fidelity(shift: float) -> None:
    import torch_fidelity.metric_prc as fidelity  # not above: it imports torchvision

    real, fake = some_faces(300, 8), some_faces(260, 8, 1, shift)
    theirs = fidelity.prc_features_to_metric(
        fake, real, prc_neighborhood=3, prc_batch_size=128, save_cpu_ram=False, verbose=False
    )
    precision, recall, _, _ = scores(real, fake)
    assert precision == pytest.approx(theirs[fidelity.KEY_METRIC_PRECISION], abs=1e-6)
    assert recall == pytest.approx(theirs[fidelity.KEY_METRIC_RECALL], abs=1e-6)


def test_faces_on_a_line_have_their_scores_by_hand() -> None:
    # Real radii are 3 2 2 2 2 3 for k = 3 and 5 4 3 3 4 5 for k = 5; of the fakes, only 8's ball (radius 3) meets a
    # real face, 5, and that on its surface, which belongs to it.
    real, fake = torch.arange(6.0)[:, None], torch.arange(8.0, 14.0)[:, None]
    near = neighbours.neighbourhoods(real, fake)
    assert near.precision.tolist() == [1, 0, 0, 0, 0, 0]
    assert near.density.tolist() == [2 / 5, 1 / 5, 1 / 5, 0, 0, 0]
    assert near.recall.share == pytest.approx(1 / 6)
    assert near.coverage.share == pytest.approx(2 / 6)


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
    near = neighbours.neighbourhoods(real, fake)
    wild = neighbours.neighbourhoods(real, torch.cat([fake, 1e9 * fake[:1]]))
    assert torch.equal(wild.precision[:100], near.precision)
    assert torch.equal(wild.density[:100], near.density)
    assert wild.precision[100] == wild.density[100] == 0
    assert wild.coverage.share == near.coverage.share
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
    near = neighbours.neighbourhoods(real, fake)
    moved = neighbours.neighbourhoods(real.flip(0) @ turn + 3, fake[order] @ turn + 3)
    assert torch.equal(moved.precision, near.precision[order])
    assert torch.equal(moved.density, near.density[order])
    assert (moved.recall.share, moved.coverage.share) == (near.recall.share, near.coverage.share)


def test_fakes_that_reach_faces_in_lots_are_worth_fewer_trials_than_there_are_faces() -> None:
    # Four fakes, each in the six balls of a knot of six real faces of its own, of ten such knots: clusters of six,
    # and one of the best fake's six and five more for the fake that was not sampled.
    real = torch.cat([1000 * knot + some_faces(6, 2, knot) for knot in range(10)])
    fake = torch.cat([1000 * knot + some_faces(1, 2, 50 + knot) * 0.1 for knot in range(4)] + [-1e6 + some_faces(4, 2)])
    coverage = neighbours.neighbourhoods(real, fake).coverage
    assert coverage.share == pytest.approx(24 / 60)
    assert coverage.trials == pytest.approx(60 * (24 + 11) / (4 * 36 + 121))
    # Four times the same fakes share the same faces: no cluster gets larger.
    assert neighbours.neighbourhoods(real, fake.repeat(4, 1)).coverage.trials > coverage.trials


def test_interval_of_no_face_reached_knows_that_faces_are_reached_in_lots() -> None:
    none = neighbours.neighbourhoods(some_faces(300), some_faces(300, seed=1, shift=100.0))
    assert (none.coverage.share, none.coverage.trials) == (0, 300 / 5)
    interval = neighbours.interval_of_reached([none.coverage, none.coverage])
    assert (interval.value, interval.low) == (0, 0)
    assert interval.high == pytest.approx(1 - 0.025 ** (1 / 120))


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
        neighbours.neighbourhoods(real, fake)
    assert "\n" not in str(refused.value)
    assert "neighbourhoods" in str(refused.value)
