"""A run on a dataset whose labels count in another order: what is said, what the run remembers, and who uses it."""

import pytest

from fergan_core.data import reopen_dataset
from fergan_core.experiment.run import _enter
from fergan_core.experiment.training_run import prepare
from fergan_core.registry import Registry
from tests.data.wild_layouts import LAYOUTS
from trainers.datasets import open_data
from trainers.flags import parse

SMALL = ["--epochs", "1", "--batch-size", "16", "--width", "4", "--eval-every", "0"]


def test_a_run_says_what_it_read_and_reopens_its_data_in_the_order_that_was_given(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    data = LAYOUTS["AffectNet"].make(tmp_path_factory.mktemp("faces"))
    flags = parse("dcgan", "gan", ["--data", str(data), "--label-order", "affectnet", *SMALL])
    dataset = open_data(str(data), flags.session.label_order)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "data: 98 images from 14 files or folders: train 70, public 28; 6 left out"
    assert "data: 6 pictures in train_set/7/: not one of the seven emotions; left out" in lines
    registry = Registry(str(tmp_path_factory.mktemp("registry") / "runs.db"))
    # As a run is entered before its first step; its training and scores would take long and show nothing more.
    run = prepare(flags.recipe, dataset, registry, "cpu")
    _enter(run, name=None, tags=())
    row = registry.reader.run(run.run_id)
    assert row["dataset"]["label_order"] == "affectnet"
    assert reopen_dataset(row["dataset"]).content_hash == dataset.content_hash
    assert reopen_dataset(row["dataset"], data).content_hash == dataset.content_hash


def test_where_no_image_reports_it_is_said(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = open_data(str(LAYOUTS["image folder"].make(tmp_path_factory.mktemp("faces"))))
    assert dataset.label_order is None
    assert "warning: no images with an emotion outside of split train: scores stand without" in capsys.readouterr().err
