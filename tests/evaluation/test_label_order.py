"""Labels that number the emotions in another order are detected; bad generators of the right order are not."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fergan_core.data import open_dataset
from fergan_core.emotions import EMOTIONS, LABEL_ORDERS
from fergan_core.evaluation import Protocol, Reading, order_of_labels
from fergan_core.evaluation.label_order import suspected_order
from fergan_core.judges.judge import load_judge
from fergan_core.registry import Reader
from trainers.cli import main

WRONG = {name: order[:7] for name, order in LABEL_ORDERS.items() if order != EMOTIONS}  # contempt comes last
RANDOM = [tuple(EMOTIONS[code] for code in np.random.default_rng(seed).permutation(7)) for seed in range(40)]
SWAPPED = [("fear", "disgust", "angry", *EMOTIONS[3:]), ("angry", "disgust", "sad", "happy", "fear", *EMOTIONS[5:])]


def read_as(confusion: NDArray[np.integer], features: int = 16) -> Reading:
    """Return a reading of different faces whose labels and readings have a confusion matrix."""
    labels, read = np.indices(confusion.shape).reshape(2, -1).repeat(confusion.flatten(), 1)
    random = torch.randn(len(labels), features, generator=torch.Generator().manual_seed(0))
    logits = torch.nn.functional.one_hot(torch.from_numpy(read), 7).double()
    return Reading(torch.zeros(len(labels), 1), torch.from_numpy(labels), logits, random)


def in_order(confusion: NDArray[np.int64], order: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the confusion of the same faces where labels in another order are interpreted as FER2013's."""
    return confusion[[EMOTIONS.index(name) for name in order]]


@pytest.mark.parametrize("judge", ["fer2013", "fer2013-check", "synthfer"])
def test_every_wrong_order_of_real_faces_is_found_and_the_right_one_is_not_doubted(judge: str) -> None:
    confusion = np.array(load_judge(judge).card["report"]["confusion"])
    right = float(np.trace(confusion) / confusion.sum())
    assert suspected_order(read_as(confusion)) is None
    for order in (*WRONG.values(), *SWAPPED, *RANDOM):
        suspected = suspected_order(read_as(in_order(confusion, order)))
        assert suspected is not None
        assert suspected.emotions == order
        assert order not in WRONG.values() or suspected.flag in WRONG
        assert suspected.accuracy == pytest.approx(right)
        assert suspected.as_given < right


def test_an_order_that_was_named_and_is_wrong_is_found_too() -> None:
    confusion = np.array(load_judge("fer2013").card["report"]["confusion"])
    assumed, meant = LABEL_ORDERS["raf-db"], LABEL_ORDERS["alphabetical"]
    misread = confusion[[EMOTIONS.index(meant[assumed.index(name)]) for name in EMOTIONS]]
    suspected = suspected_order(read_as(misread), assumed)
    assert suspected is not None
    assert suspected.flag == "alphabetical"
    assert suspected_order(read_as(confusion), meant) is None


@pytest.mark.slow
def test_no_generator_of_the_showcase_is_taken_for_one_with_other_labels() -> None:
    """100 runs of every quality: untrained, collapsed, diverged and good ones, by their recorded shares."""
    reader = Reader(str(Path(__file__).parents[2] / "runs.db"))
    scores = reader.scores(list(reader.runs()["id"]))
    shares = scores[scores["metric"].str.startswith("read_as_") & scores["emotion"].notna()]
    vendi = scores[(scores["metric"] == "vendi") & scores["emotion"].notna()]
    keys = ["run_id", "step", "judge", "count", "prior"]
    different = vendi.groupby(keys)["value"].min()
    looked_at = 0
    for key, rows in shares.groupby(keys):
        confusion = np.zeros((7, 7), np.int64)
        for row in rows.itertuples():
            place = EMOTIONS.index(row.emotion), EMOTIONS.index(row.metric.removeprefix("read_as_"))
            confusion[place] = round(row.value * 300)
        reading = read_as(confusion)
        if different.get(key, 9.0) < 2:  # a face or two for an emotion: one, as far as a judge sees
            reading.features[:] = torch.nn.functional.one_hot(reading.labels, 16).float()
        assert suspected_order(reading) is None, key
        looked_at += 1
    assert looked_at > 300


def test_few_faces_and_no_labels_are_no_evidence() -> None:
    turned = np.eye(7, dtype=np.int64)[[1, 2, 3, 4, 5, 6, 0]]
    assert suspected_order(read_as(2 * turned)) is None
    assert suspected_order(read_as(12 * turned)) is not None
    plain = read_as(12 * turned)
    assert suspected_order(Reading(plain.images, None, plain.logits, plain.features)) is None


@pytest.mark.slow
@pytest.mark.thorough
def test_the_command_names_the_order_and_takes_it(
    fer2013_layout: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faces = open_dataset(str(fer2013_layout("npz", 1700)))
    images, labels = faces.images[-400:], faces.labels[-400:]
    alphabetical = LABEL_ORDERS["alphabetical"]
    numbers = np.array([alphabetical.index(name) for name in EMOTIONS])[labels]
    np.savez(tmp_path / "theirs.npz", images=images, labels=numbers)

    def evaluate(*words: str) -> tuple[dict[str, object], str]:
        assert main(["evaluate", "--images", str(tmp_path / "theirs.npz"), "--light", "--json", *words]) == 0
        out, err = capsys.readouterr()
        return json.loads(out), err

    report, line = evaluate()
    suspected = report["suspected_label_order"]
    assert isinstance(suspected, dict)
    assert suspected["order"] == "alphabetical"
    assert suspected["emotions"] == list(alphabetical)
    assert "count the emotions in alphabetical order" in line
    assert "--label-order alphabetical" in line
    assert len(line.strip().splitlines()) == 1
    right, quiet = evaluate("--label-order", "alphabetical")
    assert "seem to count" not in quiet
    assert right["suspected_label_order"] is None
    assert right["accuracy"] == suspected["accuracy"]
    assert report["accuracy"] == suspected["accuracy_as_given"] < right["accuracy"]
    assert order_of_labels(images, labels, Protocol("fer2013"), EMOTIONS) is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["some-run", "--label-order", "raf-db"], "--label-order: it is for faces from files"),
        (["--images", "faces.npz", "--label-order", "mine"], "'mine' is not an order of labels"),
        (["--images", "unlabelled.npz", "--label-order", "raf-db"], "has no labels"),
    ],
)
def test_an_order_where_there_is_none_to_give_is_refused(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("unlabelled.npz", images=np.zeros((20, 48, 48), np.uint8))
    assert main(["evaluate", *words]) == 2
    assert message in capsys.readouterr().err
