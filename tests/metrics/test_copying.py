"""C_T against Mann & Whitney's test and a plain loop, authenticity against a plain loop, and both on known copies."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu, norm, ranksums

from fergan_core.errors import UsageError
from fergan_core.metrics import copying
from fergan_core.metrics.bins import closest
from fergan_core.metrics.intervals import groups_of


def some_faces(count: int, seed: int = 0, width: int = 8) -> torch.Tensor:
    """Draw faces from four clusters."""
    generator = torch.Generator().manual_seed(seed)
    which = torch.randint(4, (count,), generator=generator)
    return torch.randn(count, width, generator=generator, dtype=torch.float64) + 4 * torch.eye(width)[which]


def scores_of(reference: copying.TrainingSet, fake: torch.Tensor) -> copying.Copying:
    return copying.copying(reference, fake, groups_of(len(fake)))


@pytest.fixture(scope="module")
def train() -> torch.Tensor:
    return some_faces(2000)


@pytest.fixture(scope="module")
def reference(train: torch.Tensor) -> copying.TrainingSet:
    return copying.training_set(train, some_faces(600, 1), cells=6)


def test_z_score_by_hand() -> None:
    # Fakes at 0.5 and 2.5 beat 0 and 2 of the unseen at 1, 2, 3: U = 2 of 3 expected, variance 2 * 3 * 6 / 12.
    two, three = (torch.tensor(count, dtype=torch.float64) for count in (2, 3))
    assert float(copying.z_score(two, two, three)) == pytest.approx(-1 / math.sqrt(3))


def test_one_cell_is_mann_and_whitneys_test(train: torch.Tensor) -> None:
    test, fake = some_faces(90, 1), some_faces(120, 2) * 0.97
    scores = scores_of(copying.training_set(train, test, cells=1), fake)
    near_test, near_fake = (cdist(faces, train).min(1) for faces in (test, fake))
    p = mannwhitneyu(near_fake, near_test, alternative="less", method="asymptotic", use_continuity=False).pvalue
    assert scores.ct == pytest.approx(norm.ppf(p), rel=1e-9)
    assert abs(scores.ct) > 0.1


def test_ties_count_half_and_leave_the_variance(train: torch.Tensor) -> None:
    # Half of the unseen and a third of the fakes are training faces: all at distance 0.
    test, fake = some_faces(80, 1), some_faces(90, 2)
    test[:40], fake[:30] = train[:40], train[40:70]
    scores = scores_of(copying.training_set(train, test, cells=1), fake)
    near_test, near_fake = (cdist(faces, train).min(1) for faces in (test, fake))
    assert scores.ct == pytest.approx(ranksums(near_fake, near_test).statistic, rel=1e-9)


def test_cells_are_averaged_by_their_unseen_faces(train: torch.Tensor, reference: copying.TrainingSet) -> None:
    fake = torch.cat([some_faces(400, 2), train[:50] + 0.01])
    test, centres = some_faces(600, 1), reference.centres
    in_cell, fake_cell = (cdist(faces, centres).argmin(1) for faces in (test, fake))
    near_test, near_fake = (cdist(faces, train).min(1) for faces in (test, fake))
    total, weight, used = 0.0, 0, 0
    for cell in range(len(centres)):
        ours, theirs = near_fake[fake_cell == cell], near_test[in_cell == cell]
        if len(ours) >= 20:
            total += len(theirs) * ranksums(ours, theirs).statistic
            weight += len(theirs)
            used += 1
    assert used > 2
    assert scores_of(reference, fake).ct == pytest.approx(total / weight, rel=1e-9)


def test_a_cell_with_too_few_fakes_does_not_count(reference: copying.TrainingSet) -> None:
    fake = some_faces(900, 2)
    cells = closest(fake, reference.centres)[1]
    fullest = int(cells.mode().values)
    in_cell, few = fake[cells == fullest], fake[cells != fullest][:19]
    assert scores_of(reference, torch.cat([in_cell, few])).ct == scores_of(reference, in_cell).ct
    expected = ranksums(
        scores_of(reference, in_cell).distances, reference.unseen_distances[reference.unseen_cells == fullest]
    ).statistic
    assert scores_of(reference, in_cell).ct == pytest.approx(expected, rel=1e-9)


def test_twenty_fakes_in_a_cell_are_enough_and_nineteen_are_not(train: torch.Tensor) -> None:
    reference = copying.training_set(train, some_faces(90, 1), cells=1)
    interval = copying.interval_of_ct([copying.copying(reference, some_faces(20, 2), torch.arange(20))])
    assert interval.low < interval.value < interval.high
    with pytest.raises(UsageError, match="19 fakes put 20 in none of 1"):
        copying.copying(reference, some_faces(19, 2), torch.arange(19))


def test_fakes_that_copy_training_faces_are_far_below_0_and_none_is_authentic(
    train: torch.Tensor, reference: copying.TrainingSet
) -> None:
    for fake in (train[:500], train[:10].repeat(50, 1), train[:500] + 1e-3):
        scores = scores_of(reference, fake)
        assert scores.ct < -8
        assert float(scores.authentic.mean()) == 0


def test_the_same_distribution_is_about_0_and_a_mixture_with_half_copies_is_not(
    train: torch.Tensor, reference: copying.TrainingSet
) -> None:
    for seed in range(2, 8):
        fresh = scores_of(reference, some_faces(600, seed))
        mixed = scores_of(reference, torch.cat([some_faces(300, seed), train[100 * seed : 100 * seed + 300]]))
        assert abs(fresh.ct) < 2
        assert mixed.ct < -3
        assert float(mixed.authentic.mean()) == pytest.approx(float(fresh.authentic.mean()) / 2, abs=0.05)


def test_unseen_faces_themselves_are_at_0(reference: copying.TrainingSet) -> None:
    assert scores_of(reference, some_faces(600, 1)).ct == pytest.approx(0, abs=1e-12)


def test_faces_farther_off_than_real_ones_are_above_0_and_authentic(reference: copying.TrainingSet) -> None:
    scores = scores_of(reference, 3 * some_faces(600, 2))
    assert scores.ct > 5
    assert float(scores.authentic.mean()) > 0.9


def test_values_without_a_group_are_the_values_of_the_rest(train: torch.Tensor, reference: copying.TrainingSet) -> None:
    # Enough fakes for each cell to count in all draws: least and most are then C_T itself.
    fake = torch.cat([some_faces(600, 2), train[:50] + 0.01])
    groups = groups_of(650)
    scores = copying.copying(reference, fake, groups)
    assert int(torch.bincount(closest(fake, reference.centres)[1]).min()) > 45
    assert torch.equal(scores.least, scores.most)
    assert float(scores.most[0]) == pytest.approx(scores.ct, rel=1e-12)
    for group in range(20):
        others = groups != group
        scores_of_others = scores_of(reference, fake[others])
        assert scores.most[1 + group].item() == pytest.approx(scores_of_others.ct, rel=1e-10)
        assert torch.equal(scores.authentic[others], scores_of_others.authentic)
    assert len(set(scores.most.tolist())) > 10


def test_where_a_cell_counts_in_some_draws_only_least_and_most_are_with_and_without_it() -> None:
    # Two clusters; in the second 20 fakes of 200, all copies, in the first faces like unseen ones.
    far = torch.tensor([100.0] + [0.0] * 7, dtype=torch.float64)
    train, test = (
        torch.cat([some_faces(300), some_faces(300, 1) + far]),
        torch.cat([some_faces(150, 2), some_faces(150, 3) + far]),
    )
    reference = copying.training_set(train, test, cells=2)
    first, copies = some_faces(180, 4), train[300:320]
    scores = {few: scores_of(reference, torch.cat([first, copies[:few]])) for few in (0, 2, 12, 19, 20)}
    without = scores_of(copying.training_set(train, test[:150], cells=2), first).ct
    for few in (0, 2):  # never 20
        assert scores[few].least[0].item() == scores[few].most[0].item() == pytest.approx(without)
    with_it, one_less = scores[20], scores[19]
    assert with_it.ct < -2 < one_less.ct == pytest.approx(without)
    # 20 of 200 may be 12 to 30 in other draws: rarely or almost always enough.
    assert with_it.least[0] < with_it.ct + 0.3
    assert with_it.most[0] > without - 0.3
    for one in (with_it, one_less):
        interval = copying.interval_of_ct([one])
        assert interval.low < with_it.ct < without < interval.high
    assert scores_of(reference, torch.cat([first, copies[:12]])).least[0] < without - 0.3  # perhaps more next time


def test_order_of_faces_and_a_shift_of_all_do_not_matter(train: torch.Tensor, reference: copying.TrainingSet) -> None:
    fake = some_faces(500, 2)
    expected = scores_of(reference, fake)
    turned = scores_of(reference, fake.flip(0))
    assert turned.ct == pytest.approx(expected.ct, rel=1e-12)
    assert torch.equal(turned.authentic.flip(0), expected.authentic)
    moved = scores_of(copying.training_set(train + 100, some_faces(600, 1) + 100, cells=6), fake + 100)
    assert moved.ct == pytest.approx(expected.ct, rel=1e-9)
    assert torch.equal(moved.authentic, expected.authentic)


def test_nearest_training_faces_and_authenticity_agree_with_a_plain_loop(
    train: torch.Tensor, reference: copying.TrainingSet
) -> None:
    fake = some_faces(300, 2)
    scores = scores_of(reference, fake)
    among, to_train = cdist(train, train), cdist(fake, train)
    gaps = np.sort(among, 1)[:, 1]
    closest_face = to_train.argmin(1)
    assert scores.indices.tolist() == closest_face.tolist()
    assert scores.distances.numpy() == pytest.approx(to_train.min(1), rel=1e-10)
    expected = [float(row.min() > gaps[face]) for row, face in zip(to_train, closest_face, strict=True)]
    assert scores.authentic.tolist() == expected
    assert 0.1 < sum(expected) / 300 < 0.9


def test_authenticity_by_hand_also_where_a_training_face_is_there_twice() -> None:
    # 0 and 1 are each other's nearest, at 1; 10 is 9 from 1. The twin of 0 is not another face, and changes nothing.
    line = torch.tensor([[0.0], [1.0], [10.0]], dtype=torch.float64)
    fake = torch.tensor([[-0.5], [-1.0], [-1.5], [2.5], [18.0], [19.5], [0.0]], dtype=torch.float64)
    expected = [0, 0, 1, 1, 0, 1, 0]
    for faces in (line, torch.cat([line, line[:1]])):
        reference = copying.TrainingSet(faces, line[:1], torch.ones(20, dtype=torch.float64), torch.zeros(20).long())
        scores = scores_of(reference, fake.repeat(10, 1))
        assert scores.authentic.tolist() == expected * 10


def test_a_training_face_that_is_there_twice_changes_no_distance(train: torch.Tensor) -> None:
    test, fake = some_faces(300, 1), some_faces(300, 2)
    once = scores_of(copying.training_set(train, test, cells=1), fake)
    twice = scores_of(copying.training_set(torch.cat([train, train[:900]]), test, cells=1), fake)
    assert twice.ct == pytest.approx(once.ct, rel=1e-12)
    assert torch.equal(twice.distances, once.distances)
    assert torch.equal(twice.authentic, once.authentic)


def test_cells_without_enough_unseen_faces_are_given_up() -> None:
    # Two clusters of training faces; only six unseen faces lie in the second.
    far = torch.tensor([100.0] + [0.0] * 7, dtype=torch.float64)
    train, test = torch.cat([some_faces(300), some_faces(300, 1) + far]), some_faces(106, 2)
    test[:6] += far
    reference = copying.training_set(train, test, cells=2)
    assert len(reference.centres) == 1
    assert reference.unseen_cells.tolist() == [0] * 106
    test[:20] += far
    test[:6] -= far
    assert len(copying.training_set(train, test, cells=2).centres) == 2


def test_bad_input_is_refused_in_one_sentence(train: torch.Tensor, reference: copying.TrainingSet) -> None:
    cases = [
        (lambda: copying.training_set(train, some_faces(19, 1), cells=1), "19 unseen faces put 20 in none of 1"),
        (lambda: copying.training_set(train, some_faces(60, 1, 9), cells=1), "shapes"),
        (lambda: copying.training_set(train.log(), some_faces(60, 1), cells=1), "NaN"),
        (lambda: copying.training_set(train[:5], some_faces(60, 1), cells=6), "5 different faces do not fill 6"),
        (lambda: scores_of(reference, some_faces(60, 2)), "none of"),
        (lambda: scores_of(reference, some_faces(60, 2).log()), "NaN"),
        (lambda: scores_of(reference, some_faces(60, 2, 9)), "shapes"),
        (lambda: copying.copying(reference, some_faces(60, 2), torch.zeros(60).long()), "groups"),
    ]
    for call, word in cases:
        with pytest.raises(UsageError, match=word) as refused:
            call()
        assert "\n" not in str(refused.value)
