"""Modes of artificial features by definition, and of synthfer with its judge: noise shows none, real faces theirs."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from fergan_core.data import Dataset, make_dataset, split_parts
from fergan_core.data.synthfer import NUM_IDENTITIES, draw_scene, sample_scene
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError
from fergan_core.judges.judge import Judge, load_judge
from fergan_core.metrics import modes
from fergan_core.metrics.intervals import groups_of
from fergan_core.metrics.modes import Modes, count_without

PER_MODE = 6


@dataclass(frozen=True)
class Read:
    """A judge's reading of faces, and their true identities and emotions."""

    features: Tensor
    emotions_read: Tensor
    identities_read: Tensor
    emotions: Tensor
    identities: Tensor

    @property
    def mode(self) -> Tensor:
        return 7 * self.identities + self.emotions

    @property
    def right(self) -> Tensor:
        return (self.emotions_read == self.emotions) & (self.identities_read == self.identities)

    def shown(self, real_modes: Modes) -> Tensor:
        return real_modes.shown(self.features, self.emotions_read, self.identities_read)


def read(judge: Judge, faces: Dataset) -> Read:
    logits, features = judge.read(faces.images)
    emotions, identities = (torch.from_numpy(a.astype(np.int64)) for a in (faces.labels, faces.factors["identity"]))
    return Read(features, logits.argmax(1), judge.identities(features).argmax(1), emotions, identities)


def first_of_modes(faces: Dataset, most: int) -> NDArray[np.int64]:
    """Return the first training faces of every mode, at most so many of each: int64 [n]."""
    train = split_parts(faces).train
    mode = faces.factors["identity"][train].astype(np.int64) * 7 + faces.labels[train]
    return np.concatenate([train[mode == number][:most] for number in range(448)])


@pytest.fixture(scope="module")
def judge() -> Judge:
    return load_judge("synthfer")


@pytest.fixture(scope="module")
def real(judge: Judge) -> Read:
    """As many faces of every mode, drawn as training faces are."""
    people, emotions = np.divmod(np.repeat(np.arange(448), PER_MODE), 7)
    labels = emotions.astype(np.uint8)
    scene = replace(sample_scene(0, labels), identity=people.astype(np.uint8))
    splits = np.zeros(len(labels), np.uint8)
    return read(judge, make_dataset("synthfer", "synthfer", draw_scene(scene, 0), labels, splits, scene.factors()))


@pytest.fixture(scope="module")
def real_modes(real: Read) -> Modes:
    return Modes(real.features, real.identities, real.emotions)


def codes(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def small() -> Modes:
    """Person 3's happy face at 0, 1, 3 and 6 on a line, angry at 10 and 12; person 5's only happy face at 30."""
    features = torch.tensor([[0.0], [1.0], [3.0], [6.0], [10.0], [12.0], [30.0]])
    return Modes(features, codes(3, 3, 3, 3, 3, 3, 5), codes(3, 3, 3, 3, 0, 0, 3))


def test_the_table_is_synthfers() -> None:
    assert (NUM_IDENTITIES, NUM_IDENTITIES * len(EMOTIONS)) == (modes.IDENTITIES, modes.MODES)
    assert small().known.nonzero().tolist() == [[3, 0], [3, 3], [5, 3]]


def test_a_face_shows_a_mode_within_the_99th_percentile_of_its_own_distances() -> None:
    # Person 3's happy faces are 1, 1, 2 and 3 from their nearest: the 99th percentile is 2.97.
    features = torch.tensor([[-2.96], [-2.98], [4.5], [7.99]])
    face_modes = small().shown(features, codes(3, 3, 3, 3), codes(3, 3, 3, 3))
    assert face_modes.tolist() == [24, -1, 24, 24]


def test_reading_and_nearest_face_must_agree_in_person_and_emotion() -> None:
    features = torch.tensor([[0.5], [0.5], [0.5], [10.5], [10.5]])
    face_modes = small().shown(features, codes(3, 0, 3, 0, 3), codes(3, 3, 5, 3, 3))
    assert face_modes.tolist() == [24, -1, -1, 21, -1]


def test_a_mode_of_one_face_reaches_as_far_as_its_emotions_others() -> None:
    face_modes = small().shown(torch.tensor([[27.1], [26.9]]), codes(3, 3), codes(5, 5))
    assert face_modes.tolist() == [38, -1]
    with pytest.raises(UsageError, match="emotion 2"):
        Modes(torch.tensor([[0.0], [1.0], [2.0]]), codes(1, 1, 1), codes(0, 0, 2))


def test_count_is_the_set_of_modes_shown() -> None:
    features = torch.tensor([[0.5], [1.5], [11.0], [100.0]])
    modes_shown = small().count(features, codes(3, 3, 0, 0), codes(3, 3, 3, 3))
    assert modes_shown.shape == (64, 7)
    assert modes_shown.nonzero().tolist() == [[3, 0], [3, 3]]


def test_leaving_groups_out_counts_the_modes_of_the_others() -> None:
    face_modes = torch.randint(-1, 60, (200,), generator=torch.Generator().manual_seed(0))
    groups = groups_of(200, groups=8)
    expected = [len(set(face_modes[groups != group].tolist()) - {-1}) for group in range(8)]
    assert count_without(face_modes, groups).tolist() == expected
    assert len(set(expected)) > 1


def test_noise_shows_no_mode(judge: Judge, real_modes: Modes) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (500, 48, 48), dtype=np.uint8)
    logits, features = judge.read(noise)
    assert not real_modes.count(features, logits.argmax(1), judge.identities(features).argmax(1)).any()


def test_every_mode_has_a_real_face_that_the_judge_reads_rightly(real: Read, real_modes: Modes) -> None:
    assert bool(real_modes.known.all())
    assert len(real.mode[real.right].unique()) == 448


@pytest.mark.slow
def test_real_faces_less_some_modes_show_exactly_the_others(real: Read, real_modes: Modes) -> None:
    for missing in (0, 1, 50, 300):
        for seed in range(3):
            removed = torch.randperm(448, generator=torch.Generator().manual_seed(seed))[:missing]
            remaining = ~torch.isin(real.mode, removed)
            expected = torch.ones(448, dtype=torch.bool)
            expected[removed] = False
            modes_shown = real_modes.count(
                real.features[remaining], real.emotions_read[remaining], real.identities_read[remaining]
            )
            assert torch.equal(modes_shown.flatten(), expected)


def test_copies_of_one_face_an_emotion_show_one_mode_each(real: Read, real_modes: Modes) -> None:
    first = torch.stack([((real.emotions == code) & real.right).nonzero()[0, 0] for code in range(7)])
    index = first.repeat(30)
    modes_shown = real_modes.count(real.features[index], real.emotions_read[index], real.identities_read[index])
    assert modes_shown.sum(0).tolist() == [1] * 7


def test_training_faces_show_all_modes_and_unseen_ones_theirs(judge: Judge, built_in_faces: Dataset) -> None:
    dataset = built_in_faces
    parts = split_parts(dataset)
    train, report = (read(judge, dataset.take(index)) for index in (first_of_modes(dataset, 30), parts.report[::4]))
    real_modes = Modes(train.features, train.identities, train.emotions)
    assert len(train.mode[train.right].unique()) == 448
    train_modes = train.shown(real_modes)
    # No face shows a mode other than its own, so that removing modes does not create others.
    with_mode = train_modes >= 0
    assert torch.equal(train_modes[with_mode], train.mode[with_mode])
    assert len(train_modes[with_mode].unique()) == 448
    report_modes = report.shown(real_modes)
    in_report, shown_by_unseen = set(report.mode.tolist()), set(report_modes[report_modes >= 0].tolist())
    assert shown_by_unseen <= in_report
    assert len(shown_by_unseen) > 0.97 * len(in_report)
    # A face with a weak emotion may be read as another one of the same person: less than half a percent.
    assert float(((report_modes >= 0) & (report_modes != report.mode)).double().mean()) < 0.005


def test_what_cannot_be_meant_is_refused_in_one_sentence() -> None:
    features = torch.zeros(3, 2)
    cases = [
        (lambda: Modes(features, codes(1, 1), codes(1, 1, 1)), "identities"),
        (lambda: Modes(features, codes(1, 1, 64), codes(1, 1, 1)), "64"),
        (lambda: Modes(features, codes(1, 1, 1), codes(1, 1, 7)), "7"),
        (lambda: Modes(features, codes(1, 1, 1), torch.ones(3)), "emotions"),
        (lambda: Modes(features[:0], codes(), codes()), "0 faces"),
        (lambda: small().count(features, codes(1, 1, 1), codes(1, 1, 1)), "shape"),
        (lambda: small().count(torch.full((1, 1), torch.nan), codes(1), codes(1)), "NaN"),
        (lambda: small().count(torch.zeros(1, 1), codes(-1), codes(1)), "-1"),
        (lambda: count_without(codes(1, 2, 3), codes(0, 1)), "groups"),
    ]
    for call, word in cases:
        with pytest.raises(UsageError, match=word) as refused:
            call()
        assert "\n" not in str(refused.value)
