"""`fergan rate` as a person types it: a study of a real run, its results, export, and one person's deletion."""

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from fergan_core.registry import Reader, ratings
from fergan_core.registry.schema import RaterRow, RatingItemRow, RatingRow
from tests.support.commands import run_module
from tests.support.rating_study import add_study, rate


def fergan(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return run_module("trainers.cli", "rate", *words)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


def test_results_export_and_forget(url: str, tmp_path: Path) -> None:
    study = add_study(url)
    for name in ("Ada", "Bob", "Cy"):
        rate(url, study, name, right=name != "Cy")
    rate(url, study, "program", simulated=True)
    listed = json.loads(fergan("list", "--registry", url, "--json").stdout)
    assert [(row["name"], row["raters"], row["answers"]) for row in listed] == [("first", 3, 24)]
    results = json.loads(fergan("results", "first", "--registry", url, "--json").stdout)
    assert results["study"] == {"id": study, "name": "first", "people": 3, "answers": 24}
    (hype,) = results["hype"]
    assert hype["value"] == pytest.approx(1 / 3)  # one of three errs always
    printed = fergan("results", "first", "--registry", url).stdout
    assert "first: 3 people, 24 answers" in printed
    assert "warning: Cy failed" in printed
    out = tmp_path / "first.csv"
    assert fergan("export", "first", "--out", out, "--registry", url).returncode == 0
    table = pd.read_csv(out)
    assert set(table.rater) == {"Ada", "Bob", "Cy"}
    assert set(table.first_kind) == {"real", "generated", "noise"}
    assert fergan("export", study, "--out", out, "--pseudonym", "Ada", "--registry", url).returncode == 0
    assert set(pd.read_csv(out).rater) == {"Ada"}
    assert "Ada is deleted from 1 study" in fergan("forget", "Ada", "--registry", url).stdout
    assert set(ratings.raters(Reader(url), study).pseudonym) == {"Bob", "Cy", "program"}
    again = fergan("forget", "Ada", "--registry", url)
    assert again.returncode == 2
    assert "nobody is called 'Ada'" in again.stderr


def test_a_study_with_answers_is_deleted_only_with_them(url: str) -> None:
    study = add_study(url)
    rate(url, study, "Ada")
    refused = fergan("delete", "first", "--registry", url)
    assert refused.returncode == 2
    assert "8 answers of 1 person" in refused.stderr
    assert len(ratings.studies(Reader(url))) == 1
    assert "the study first is deleted" in fergan("delete", study, "--with-answers", "--registry", url).stdout
    reader = Reader(url)
    assert ratings.studies(reader).empty
    for table in (RatingItemRow, RaterRow, RatingRow):
        assert reader.table(sa.select(table.key)).empty


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("new", "--name", "x"), "name one or more runs"),
        (("new", "nosuch", "--name", "x"), "nosuch"),
        (("new", "nosuch", "--name", "x", "--faces", "0"), "--faces: 0"),
        (("new", "nosuch", "--name", "x", "--exposure", "3"), "--exposure"),
        (("results", "nosuch"), "there is no rating study 'nosuch'"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(url: str, words: tuple[str, ...], sentence: str) -> None:
    add_study(url)
    done = fergan(*words, "--registry", url)
    assert done.returncode == 2
    assert sentence in done.stderr


@pytest.mark.slow
@pytest.mark.thorough
def test_a_study_of_a_run_has_its_faces_real_ones_that_nothing_was_trained_on_and_noise(
    url: str, small_data: Path, few_scored: None
) -> None:
    train = ["--data", str(small_data), "--images", "200", "--epochs", "1", "--eval-every", "0", "--width", "4"]
    assert run_module("trainers.dcgan", *train, "--name", "small", "--device", "cpu", "--registry", url).returncode == 0
    for name in ("first", "second"):
        done = fergan("new", "small@all", "--name", name, "--faces", "14", "--trials", "8", "--registry", url)
        assert done.returncode == 0, done.stderr
    reader = Reader(url)
    second, first = ratings.studies(reader).id
    items = ratings.items(reader, first)
    assert items[items.role == "trial"].kind.value_counts().to_dict() == {"generated": 14, "real": 14}
    assert items[items.kind == "generated"].emotion.value_counts().nunique() == 1
    assert set(items.kind[items.role == "check"]) == {"noise"}
    real = items[items.kind == "real"]
    assert real.data_index.is_unique
    assert real.read_as.notna().all()
    numbers = [int(number) for number in items.number]
    assert ratings.pictures(reader, first, numbers) == ratings.pictures(reader, second, numbers)  # the same seed
    taken = fergan("new", "small", "--name", "first", "--registry", url)
    assert taken.returncode == 2
    assert "'first' already" in taken.stderr
