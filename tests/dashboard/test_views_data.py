"""The page Data, run by AppTest on a small dataset of known faces: what it counts, shows, opens and refuses."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.charts import dataset as charts
from dashboard.open_datasets import OpenDataset, Place
from dashboard.sections import dataset_balance, dataset_copies, dataset_judge
from fergan_core.data import open_dataset
from fergan_core.data.summary import copies, summarise
from fergan_core.emotions import EMOTIONS
from fergan_core.registry import Registry
from tests.support.pages import open_page

ANGRY, DISGUST, FEAR, HAPPY = 0, 1, 2, 3


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 faces of coarse blocks: 80 to train on, of which 60 happy and 20 angry, and 20 happy public ones.

    The second face is a copy of the first with another label, the first public face one of a happy training face.
    """
    blocks = np.random.default_rng(5).integers(0, 256, (100, 6, 6), dtype=np.uint8)
    images = np.kron(blocks, np.ones((8, 8), np.uint8))
    labels = np.full(100, HAPPY)
    labels[:20] = ANGRY
    images[20], images[80] = images[0], images[30]
    path = tmp_path_factory.mktemp("faces") / "*few* faces.npz"
    np.savez(path, images=images, labels=labels, usage=np.array(["train"] * 80 + ["public"] * 20))
    return path


def page(url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    """Open the page and wait until a dataset is open or cannot be opened."""
    app = open_page("data", url, monkeypatch, query)
    return opened(app)


def opened(app: AppTest) -> AppTest:
    for _ in range(240):
        if not app.get("status"):
            break
        time.sleep(0.5)
        app.run()
    assert not app.exception
    return app


def text_of(elements) -> str:
    return "\n".join(element.value.replace("\\", "") for element in elements)


def run_on(url: str, path: Path, content_hash: str, name: str = "fer2013") -> str:
    """Enter a run with a checkpoint whose weights are gone, trained on what was at a path."""
    registry = Registry(url)
    run_id = registry.create_run(
        name="mine", method="gan", preset="quick", recipe={"emotions": ["happy"]}, seed=0, provenance={}, epochs=1,
        dataset={"name": name, "source": str(path), "content_hash": content_hash, "images": 80}, steps=9,
    )  # fmt: skip
    weights = f"{run_id}/checkpoints/step-{9:08d}.safetensors"
    registry.add_checkpoint(
        run_id, epoch=1, step=9, images_seen=80, path=weights, sha256="0" * 64, bytes=1, state_path=None
    )
    registry.set_status(run_id, "finished")
    return run_id


def test_a_path_in_the_address_opens_its_faces(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(str(tmp_path / "runs.db"), monkeypatch, path=str(faces))
    numbers = {metric.label: metric.value for metric in app.metric}
    assert numbers == {"Faces": "100", "Train": "80", "Public test": "20", "Exact copies": "2", "Runs": "0"}
    assert "Faces 1 to 70 of 100" in text_of(app.caption)
    app.selectbox(key="emotion").set_value("angry").run()
    assert "Faces 1 to 20 of 20" in text_of(app.caption)
    app.selectbox(key="split").set_value("public").run()
    assert "No angry face in split public test" in text_of(app.info)
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_of_the_address_that_is_not_known_is_named(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "runs.db")
    run_on(url, faces, open_dataset(faces).content_hash)
    app = page(url, monkeypatch, data="*nosuch*")
    assert "the dataset '*nosuch*'" in text_of(app.warning)
    assert app.selectbox(key="dataset shown").value == open_dataset(faces).content_hash[:12]


def test_an_uploaded_file_is_opened_as_one_that_lies_here(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, other = str(tmp_path / "runs.db"), tmp_path / "other.npz"
    run_on(url, faces, open_dataset(faces).content_hash)
    np.savez(other, images=np.zeros((3, 48, 48), np.uint8), labels=[HAPPY, ANGRY, FEAR])
    app = page(url, monkeypatch)
    app.file_uploader[0].upload(other.name, other.read_bytes(), "application/octet-stream").run()
    app = opened(app)
    assert {metric.label: metric.value for metric in app.metric}["Faces"] == "3"
    assert app.selectbox(key="dataset shown").value == open_dataset(other).content_hash[:12]


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "there is no "), (b"", "is empty"), (b"some words\nand more\n", "no column 'pixels'")],
)
def test_what_cannot_be_opened_is_one_sentence_and_another_dataset_can_be_chosen(
    content: bytes | None, words: str, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, wrong = str(tmp_path / "runs.db"), tmp_path / "wrong.csv"
    run_on(url, faces, open_dataset(faces).content_hash)
    if content is not None:
        wrong.write_bytes(content)
    app = page(url, monkeypatch, path=str(wrong))
    (error,) = app.error
    assert words in error.value.replace("\\", "")
    assert "--data" not in error.value.replace("\\", "")
    assert "\n" not in error.value
    assert {metric.label: metric.value for metric in app.metric}["Runs"] == "1"


def test_a_folder_without_faces_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faces: Path) -> None:
    url = str(tmp_path / "runs.db")
    run_on(url, faces, open_dataset(faces).content_hash)
    (tmp_path / "empty").mkdir()
    assert "no face images" in text_of(page(url, monkeypatch, path=str(tmp_path / "empty")).error)


def test_a_dataset_that_has_moved_is_asked_for_and_then_known(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, content = str(tmp_path / "runs.db"), open_dataset(faces).content_hash
    run_on(url, tmp_path / "gone.csv", content)
    app = page(url, monkeypatch, data=content[:12])
    assert app.selectbox(key="dataset shown").value == content[:12]
    assert "they are not at" in text_of(app.markdown)
    app.text_input(key=f"path dataset {content[:12]}").set_value(str(faces)).run()
    app = opened(app)
    assert {metric.label: metric.value for metric in app.metric}["Runs"] == "1"
    assert app.query_params["path"] in (str(faces), [str(faces)])


@pytest.mark.slow
@pytest.mark.thorough
def test_copying_can_be_pointed_at_the_training_faces(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "runs.db")
    run_on(url, tmp_path / "gone.csv", open_dataset(faces).content_hash)
    other = tmp_path / "other.npz"
    np.savez(other, images=np.zeros((2, 48, 48), np.uint8), labels=[HAPPY, ANGRY])
    app = open_page("scores", url, monkeypatch, {"part": "Copying", "search": "true"})
    assert "they are not at" in text_of(app.markdown)
    app.text_input(key="path copying").set_value(str(other)).run()
    assert "holds other faces or labels" in text_of(app.error)
    app.text_input(key="path copying").set_value(str(faces)).run(timeout=300)
    assert not app.text_input
    # The faces are found: what is missing now are the run's weights.
    assert "cannot be read" in text_of(app.error)


def test_mode_collapse_asks_for_the_training_faces_too(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "runs.db")
    run_id = run_on(url, tmp_path / "gone.csv", open_dataset(faces).content_hash)
    app = open_page("collapse", url, monkeypatch, {"runs": run_id})
    app.button(key="draw among").click().run()
    assert app.text_input(key="path among")


def test_balance_counts_faces_by_emotion_and_split(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(str(tmp_path / "runs.db"), monkeypatch, path=str(faces), part="Balance")
    table = app.dataframe[-1].value
    assert table.loc["happy", ["train", "public test", "all", "%"]].tolist() == [60, 20, 80, 80.0]
    assert table.loc["all", ["train", "public test", "all"]].tolist() == [80, 20, 100]
    assert "disgust has none" in text_of(app.caption)
    assert "angry, of 20" in text_of(app.caption)


def test_duplicates_are_shown_by_kind_with_every_place(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(str(tmp_path / "runs.db"), monkeypatch, path=str(faces), part="Duplicates")
    (table,) = [table.value for table in app.dataframe if "exact copies" in table.value]
    assert dict(zip(table["exact copies"], table["number"], strict=True)) == {
        "copies of an earlier face within train": 1,
        "copies of an earlier face within public test": 0,
        "faces of public test that are in train too": 1,
        "pictures with more than one label": 1,
    }
    dataset = open_dataset(faces)
    known = OpenDataset(dataset, Place(str(faces)), summarise(dataset), copies(dataset))
    kinds = {kind: [group.tolist() for group in groups] for kind, groups in dataset_copies.of_kinds(known).items()}
    assert kinds == {
        "in several splits": [[30, 80]], "with several labels": [[0, 20]], "within one split": [[0, 20]]
    }  # fmt: skip
    assert dataset_copies.places(known, known.copies[0]) == "angry, train; happy, train"


def test_a_face_of_the_address_is_enlarged_with_what_is_known_of_it(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(str(tmp_path / "runs.db"), monkeypatch, path=str(faces), face="80")
    assert "The same picture is also face 30 (happy, train)" in text_of(app.markdown)
    wrong = page(str(tmp_path / "runs.db"), monkeypatch, path=str(faces), face="100")
    assert "names face '100', but the faces are 0 to 99" in text_of(wrong.warning)


@pytest.mark.slow
def test_a_judge_reads_the_faces_and_the_surest_misreadings_come_first(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(str(tmp_path / "runs.db"), monkeypatch, path=str(faces), part="Read by a judge")
    assert app.selectbox(key="judged_split").value == "public"
    (button,) = [button for button in app.button if button.label == "Read the faces"]
    app = button.click().run(timeout=300)
    from fergan_core.judges.judge import load_judge

    logits, _ = load_judge("fer2013").read(open_dataset(faces).images[80:])
    right = (logits.argmax(1) == HAPPY).double().mean()
    assert {metric.label: metric.value for metric in app.metric}["Recognised as labelled"] == f"{float(right):.1%}"


def test_misread_faces_are_in_order_of_how_sure_the_judge_is() -> None:
    probabilities = np.full((5, 7), 0.01, np.float32)
    for face, (code, sure) in enumerate([(HAPPY, 0.9), (ANGRY, 0.6), (ANGRY, 0.8), (FEAR, 0.7), (HAPPY, 0.5)]):
        probabilities[face, code] = sure
    reading = dataset_judge.Reading(np.arange(5), np.array([HAPPY, HAPPY, HAPPY, ANGRY, HAPPY]), probabilities)
    reads = probabilities.argmax(1)
    assert dataset_judge.misread(reading, reads, None, None).tolist() == [2, 3, 1]
    assert dataset_judge.misread(reading, reads, "happy", "angry").tolist() == [2, 1]
    assert dataset_judge.misread(reading, reads, "happy", "happy").tolist() == [4, 0]
    assert dataset_judge.misread(reading, reads, "disgust", None).tolist() == []


@pytest.mark.slow
def test_votes_beside_the_data_are_found_and_compared_with_the_labels(
    fer2013_layout: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "fer2013.csv"
    data.write_bytes(fer2013_layout("csv", 600).read_bytes())
    (tmp_path / "fer2013new.csv").write_bytes(fer2013_layout("ferplus", 600).read_bytes())
    app = page(str(tmp_path / "runs.db"), monkeypatch, path=str(data), part="FER+ votes")
    numbers = {metric.label: metric.value for metric in app.metric}
    assert 550 < int(numbers["Faces with votes"]) <= 600
    assert 55 < float(numbers["Majority agrees with the label"].rstrip("%")) < 75
    assert len(app.get("plotly_chart")) == 2


def test_without_votes_the_page_asks_for_them_and_a_wrong_file_is_a_sentence(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(str(tmp_path / "runs.db"), monkeypatch, path=str(faces), part="FER+ votes")
    app.text_input(key="votes").set_value(str(faces)).run()
    (error,) = app.error
    assert "cannot be read as FER+'s CSV" in error.value.replace("\\", "")


@pytest.mark.usefixtures("built_in_faces")
def test_on_an_empty_registry_the_built_in_faces_are_shown_with_their_factors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(str(tmp_path / "runs.db"), monkeypatch, part="Factors")
    assert {metric.label: metric.value for metric in app.metric}["Faces"] == "32,298"
    assert app.selectbox(key="factor").value == "yaw"
    assert len(app.get("plotly_chart")) == 2
    assert list(tmp_path.iterdir()) == []


def test_bars_are_faces_or_their_shares_of_each_split() -> None:
    counts = charts.counts_table({"train": {"angry": 30, "happy": 10}, "test": {"happy": 4, "unlabelled": 4}})
    assert list(counts.index) == [*EMOTIONS, "unlabelled"]
    numbers = charts.balance_figure(counts, shares=False, dark=False).data
    assert [(bar.name, list(bar.y)[ANGRY], list(bar.y)[HAPPY]) for bar in numbers] == [
        ("train", 30, 10),
        ("test", 0, 4),
    ]
    shares = charts.balance_figure(counts, shares=True, dark=True).data
    assert [list(bar.y)[HAPPY] for bar in shares] == [0.25, 0.5]
    assert charts.with_totals(counts).loc["happy"].tolist() == [10, 4, 14, 29.2]
    assert dataset_balance.imbalance(counts.sum(axis=1).loc[list(EMOTIONS)]).startswith(
        "The most frequent emotion is angry, disgust has none"
    )


def test_a_factors_histogram_is_of_its_own_faces_and_votes_stack_to_all() -> None:
    figure = charts.histogram_figure({"happy": np.array([0.0, 0.0, 1.0]), "sad": np.array([1.0])}, "yaw", dark=False)
    assert [sum(line.y) for line in figure.data] == pytest.approx([1, 1])
    assert figure.data[0].y[0] == pytest.approx(2 / 3)
    votes = charts.votes_figure(np.array([0.05, 1.0, 1.0]), np.array([HAPPY, HAPPY, FEAR], np.uint8), dark=False)
    happy = next(bar for bar in votes.data if bar.name == "happy")
    assert (happy.y[0], happy.y[-1]) == (1, 1)
    assert sum(sum(bar.y) for bar in votes.data) == 3
