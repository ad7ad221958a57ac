"""NDB and JS against hand-made counts, SciPy and known collapse; k-means against SciPy's and its documentation."""

import math

import numpy as np
import pytest
import torch
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cdist, jensenshannon
from scipy.stats import chi2_contingency

from fergan_core.errors import UsageError
from fergan_core.metrics import bins
from fergan_core.metrics.intervals import groups_of


def some_faces(count: int, seed: int = 0, width: int = 8) -> torch.Tensor:
    """Draw faces from five overlapping clusters of different spread."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(5, width, generator=torch.Generator().manual_seed(99), dtype=torch.float64) * 3
    which = torch.randint(5, (count,), generator=generator)
    noise = torch.randn(count, width, generator=generator, dtype=torch.float64)
    return centres[which] + noise * (0.5 + 0.3 * which[:, None])


def counts(*values: int) -> torch.Tensor:
    return torch.tensor(values)


@pytest.fixture(scope="module")
def real() -> torch.Tensor:
    return some_faces(6000)


@pytest.fixture(scope="module")
def hundred(real: torch.Tensor) -> bins.Bins:
    return bins.make_bins(real)


def test_a_bins_test_is_the_chi_squared_test_of_its_table() -> None:
    generator = np.random.default_rng(0)
    real = generator.multinomial(5000, generator.dirichlet(np.ones(40) * 5))
    fake = generator.multinomial(900, (real / 5000 + generator.dirichlet(np.ones(40) * 5)) / 2)
    tables = [[[r, 5000 - r], [f, 900 - f]] for r, f in zip(real, fake, strict=True)]
    expected = [chi2_contingency(table, correction=False).pvalue < 0.05 for table in tables]
    assert 5 < sum(expected) < 35
    share = bins.different_share(torch.from_numpy(real), torch.from_numpy(fake))
    assert float(share) == pytest.approx(sum(expected) / 40)


def test_a_difference_counts_from_its_critical_value_on() -> None:
    # Shares 50 % and x of 1000 each: the pooled z of 543 is 1.924, of 544 1.969; both bins differ, or neither does.
    assert float(bins.different_share(counts(500, 500), counts(543, 457))) == 0
    assert float(bins.different_share(counts(500, 500), counts(544, 456))) == 1


def test_bins_that_nobody_or_everybody_fills_do_not_differ() -> None:
    assert float(bins.different_share(counts(0, 70, 30), counts(0, 70, 30))) == 0
    assert float(bins.different_share(counts(0, 100), counts(0, 50))) == 0
    assert float(bins.jensen_shannon(counts(0, 100), counts(0, 50))) == 0


def test_jensen_shannon_has_its_closed_forms() -> None:
    assert float(bins.jensen_shannon(counts(30, 70), counts(3, 7))) == 0
    assert float(bins.jensen_shannon(counts(1, 1, 0, 0), counts(0, 0, 5, 9))) == pytest.approx(math.log(2), rel=1e-14)
    # (1/2, 1/2) against (1, 0): the middle is (3/4, 1/4).
    expected = 0.5 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)) + 0.5 * math.log(1 / 0.75)
    assert float(bins.jensen_shannon(counts(20, 20), counts(7, 0))) == pytest.approx(expected, rel=1e-13)


def test_jensen_shannon_agrees_with_scipy_and_is_symmetric() -> None:
    generator = np.random.default_rng(1)
    p, q = (torch.from_numpy(generator.multinomial(300, generator.dirichlet(np.ones(30)))) for _ in range(2))
    expected = jensenshannon(p.numpy(), q.numpy()) ** 2
    assert float(bins.jensen_shannon(p, q)) == pytest.approx(expected, rel=1e-12)
    assert float(bins.jensen_shannon(q, p)) == pytest.approx(expected, rel=1e-12)


def test_the_real_set_itself_differs_in_nothing(real: torch.Tensor, hundred: bins.Bins) -> None:
    scores = bins.binned(hundred, real, groups_of(len(real)))
    assert (scores.ndb, scores.js) == (0, 0)
    assert int(hundred.counts.sum()) == len(real)
    assert int(hundred.counts.min()) > 0


def test_the_same_distribution_differs_in_about_a_twentieth_of_the_bins() -> None:
    # A share of 100 bins has a standard error of 0.022, the mean of 12 of 0.0063: three of them either way.
    shares = []
    for seed in range(12):
        real, fake = some_faces(3000, 10 + seed), some_faces(3000, 50 + seed)
        shares.append(bins.binned(bins.make_bins(real, seed=seed), fake, groups_of(3000)).ndb)
    assert np.mean(shares) == pytest.approx(0.05, abs=0.019)


def test_collapse_is_seen_in_most_bins(real: torch.Tensor, hundred: bins.Bins) -> None:
    groups = groups_of(2000)
    same = bins.binned(hundred, some_faces(2000, 7), groups)
    one_cluster = bins.binned(hundred, real[(real - real[0]).square().sum(1).argsort()[:20]].repeat(100, 1), groups)
    far_away = bins.binned(hundred, some_faces(2000, 7) + 1000, groups)
    assert one_cluster.ndb > 0.8
    assert far_away.ndb > 0.8
    assert one_cluster.js > 0.5
    assert same.ndb < 0.2
    assert same.js < 0.05


def test_values_without_a_group_are_the_values_of_the_rest(hundred: bins.Bins) -> None:
    fake, groups = some_faces(500, 3) * 1.3, groups_of(500)
    scores = bins.binned(hundred, fake, groups)
    for group in range(20):
        others = groups != group
        scores_of_others = bins.binned(hundred, fake[others], torch.arange(int(others.sum())) % 2)
        assert scores.ndb_without[group].item() == scores_of_others.ndb
        assert scores.js_without[group].item() == pytest.approx(scores_of_others.js, rel=1e-12)
    assert 0 < scores.ndb < 1
    assert len(set(scores.js_without.tolist())) == 20


def test_order_of_faces_and_scale_of_a_dimension_do_not_matter(real: torch.Tensor, hundred: bins.Bins) -> None:
    fake, groups = some_faces(800, 3) * 1.2, groups_of(800)
    expected = bins.binned(hundred, fake, groups)
    shuffled = bins.binned(hundred, fake.flip(0), groups)
    assert (shuffled.ndb, shuffled.js) == (expected.ndb, expected.js)
    scale = torch.tensor([1e3, 1e-3, 1, 1, 1, 1, 1, 1], dtype=torch.float64)
    scaled = bins.binned(bins.make_bins(real * scale), fake * scale, groups)
    assert scaled.ndb == pytest.approx(expected.ndb, abs=1e-12)
    assert scaled.js == pytest.approx(expected.js, abs=1e-12)


def test_a_face_falls_into_the_bin_of_its_closest_centre(real: torch.Tensor, hundred: bins.Bins) -> None:
    fake = some_faces(300, 4)
    scaled = (fake - real.mean(0)) / real.std(0)
    assert bins.assign(hundred, fake).tolist() == cdist(scaled, hundred.centres).argmin(1).tolist()


def test_a_dimension_that_never_changes_is_left_as_it_is() -> None:
    faces = torch.cat([some_faces(200), torch.full((200, 1), 7.0, dtype=torch.float64)], 1)
    scores = bins.binned(bins.make_bins(faces, k=10), faces, groups_of(200))
    assert (scores.ndb, scores.js) == (0, 0)


def test_k_means_costs_no_more_than_scipys(real: torch.Tensor) -> None:
    def cost(centres: np.ndarray) -> float:
        return float((cdist(real, centres).min(1) ** 2).sum())

    theirs = [cost(kmeans2(real.numpy(), 30, iter=50, minit="++", rng=seed)[0]) for seed in range(5)]
    ours = [cost(bins.kmeans(real, 30, seed).numpy()) for seed in range(5)]
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.02)


def test_k_means_repeats_for_a_seed_and_finds_clusters_far_apart() -> None:
    corners = 1000 * torch.eye(8, dtype=torch.float64)
    faces = corners.repeat_interleave(25, 0) + some_faces(200) - some_faces(200).mean(0)
    centres = bins.kmeans(faces, 8, seed=3)
    assert torch.equal(centres, bins.kmeans(faces, 8, seed=3))
    labels = bins.closest(faces, centres)[1].view(8, 25)
    assert bool((labels == labels[:, :1]).all())
    assert sorted(labels[:, 0].tolist()) == list(range(8))
    means = torch.stack([part.mean(0) for part in faces.split(25)])
    torch.testing.assert_close(centres[labels[:, 0]], means)


@pytest.mark.parametrize("seed", range(5))
def test_no_bin_is_empty_where_most_faces_are_one_face(seed: int) -> None:
    faces = torch.cat([some_faces(1).repeat(500, 1), some_faces(40, 1) * 10])
    bins_of_faces = bins.make_bins(faces, k=41, seed=seed)
    assert int(bins_of_faces.counts.min()) > 0
    assert sorted(bins_of_faces.counts.tolist()) == [1] * 40 + [500]


def test_a_centre_that_lost_its_faces_moves_to_the_farthest(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = torch.tensor([[0.0], [1.0], [10.0], [11.0], [30.0]], dtype=torch.float64)
    start = torch.tensor([[0.0], [10.0], [500.0]], dtype=torch.float64)
    monkeypatch.setattr(bins, "_first_centres", lambda *_: start.clone())
    assert bins.kmeans(faces, 3).flatten().tolist() == [0.5, 10.5, 30.0]


def test_bad_input_is_refused_in_one_sentence(hundred: bins.Bins) -> None:
    cases = [
        (lambda: bins.make_bins(some_faces(50), k=51), "50 different faces do not fill 51"),
        (lambda: bins.make_bins(some_faces(3).repeat(50, 1), k=4), "3 different faces do not fill 4"),
        (lambda: bins.make_bins(some_faces(50).log(), k=5), "NaN"),
        (lambda: bins.assign(hundred, some_faces(50, width=9)), "8 dimensions"),
        (lambda: bins.binned(hundred, some_faces(50), groups_of(51)), r"int64 \[50\]"),
        (lambda: bins.binned(hundred, some_faces(50).log(), groups_of(50)), "NaN"),
    ]
    for call, word in cases:
        with pytest.raises(UsageError, match=word) as refused:
            call()
        assert "\n" not in str(refused.value)


def test_a_block_too_small_for_the_bins_tests_has_no_ndb() -> None:
    """In 100 bins of equal shares m faces expect m / 100 each: 5 from m = 500 on, where an empty bin is detected."""
    equal = bins.Bins(torch.zeros(100, 2), torch.full((100,), 50), torch.zeros(2), torch.ones(2))
    bins.check_testable(equal, 500)
    with pytest.raises(UsageError, match="NDB: of a block of 499 faces 0% of the 100 bins expect 5 or more"):
        bins.check_testable(equal, 499)
    collapsed = torch.zeros(2, 100, dtype=torch.int64)
    collapsed[0, 0], collapsed[1, 0] = 500, 100
    shares = bins.different_share(equal.counts, collapsed)
    assert shares[0] == 1
    assert shares[1] <= 0.02  # what 100 black squares got
    small_fifth = bins.Bins(torch.zeros(100, 2), torch.tensor([60] * 80 + [10] * 20), torch.zeros(2), torch.ones(2))
    bins.check_testable(small_fifth, 500)
