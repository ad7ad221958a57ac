"""Every page on runs that other scripts recorded: of any size, colours and classes, in steps, without batch size."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import fergan_core as fergan
from dashboard.charts import film_files, sheets, thumbnail
from dashboard.charts.film import Film, FilmRun, Picture, words
from dashboard.charts.film_files import Look
from fergan_core.errors import DataError
from fergan_core.registry import Reader, Registry
from fergan_core.registry.exchange.showcase import write_showcase
from fergan_core.sheets import by_emotion, check_sides, draw_sheet
from fergan_core.sheets import tiles as sheet_tiles
from tests.support.commands import run_module
from tests.support.own_runs import run_example
from tests.support.pages import TITLES, given_to_components, open_page

CLASSES = ("<b>cat</b>", "*dog*")


@pytest.fixture(scope="module")
def own_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """A registry of three runs, and their ids: the example's, one of 64x64 colours that counts steps alone, and one
    without batch size, sheets or checkpoints that died."""
    url = run_example(tmp_path_factory.mktemp("own"), steps=4)
    registry = Registry(url)
    colours = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
    with fergan.start("colours", {"emotions": 5, "method": "mine", "lr": 0.1}, registry=registry, data="pets") as run:
        for step in range(1, 4):
            run.log({"train/loss": 1 / step, "loss_g": float("nan")})
            run.sheet(colours, np.arange(8) % 2, classes=CLASSES)
        run.checkpoint({"net": {"weight": np.ones(3, np.float32)}})
    torn = fergan.start("torn", registry=registry)
    torn.log({"loss": 1}, step=0)
    torn.finish("failed", "it was torn")
    (example,) = Reader(url).runs().query("name == 'own dcgan'").id
    return url, [example, run.id, torn.id]


def page(view: str, own_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    url, ids = own_runs
    app = open_page(view, url, monkeypatch, {"runs": ",".join(ids), "run": ids[1], **query})
    assert [error.value for error in app.error] == []
    return app


def said(app: AppTest) -> str:
    """What a page says in sentences."""
    return " ".join(
        str(part.value).replace("\\", "") for kind in ("info", "caption", "text") for part in getattr(app, kind)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "view",
    [
        view if view in ("overview", "runs", "run") else pytest.param(view, marks=pytest.mark.thorough)
        for view in TITLES
    ],
)
def test_every_page_opens_on_them(view: str, own_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(view, own_runs, monkeypatch)
    if view in ("checkpoints", "compare"):
        (player,) = [one for one in given_to_components(app) if "places" in one]
        of_colours = next(run for run in player["runs"] if run["name"] == "colours")
        assert (of_colours["emotions"], of_colours["columns"], len(of_colours["pictures"])) == ([*CLASSES], 4, 3)
        assert of_colours["words"] == ["step 1", "step 2", "step 3"]
    if view == "run":
        assert "own script on pets, on cpu; 3 steps" in said(app)
        assert "Not looked for" in said(app)
        assert any(("method", "mine") in table.value.itertuples(index=False, name=None) for table in app.dataframe)
    if view in ("checkpoints", "collapse"):
        assert "FerGAN cannot draw from the checkpoints of a script's own network" in said(app)
    if view in ("scores", "inception_score", "overview"):
        assert "No score: FerGAN cannot draw from a script's own network" in said(app)
    if view == "overview":
        assert [image.proto.imgs[0].alt for image in app.get("image")] == [
            f"Newest faces of {name}, one of each emotion" for name in ("colours", "own dcgan")
        ]


def test_a_sheet_in_colour_keeps_its_colours_in_every_picture_of_it() -> None:
    red, blue = np.zeros((2, 1, 3, 64, 64, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 255
    picture = draw_sheet(np.concatenate([red, blue]))
    tiles = sheet_tiles(picture, 3)
    assert tiles.shape == (2, 3, 64, 64, 3)
    assert tiles[:, :, 32, 32].argmax(axis=-1).tolist() == [[0] * 3, [2] * 3]
    small = np.asarray(Image.open(io.BytesIO(thumbnail.thumbnail(picture, 3))).convert("RGB"))
    assert small[24, 24].argmax() == 0
    assert small[24, 74].argmax() == 2
    faces = by_emotion(picture, CLASSES, 3)
    labelled = np.asarray(Image.open(io.BytesIO(sheets.labelled_sheet(faces, "", dark=False))))
    assert labelled[48, -60].argmax() == 0
    run = FilmRun("a", "a", "#4477aa", CLASSES, 3, (Picture(1, words("step", 1), "h", picture),))
    for kind in ("PNG", "GIF"):
        file = film_files.file_of(Film((run,), "step", CLASSES), kind, 1, Look(dark=False), 4)  # type: ignore[arg-type]
        drawn = Image.open(io.BytesIO(file)).convert("RGB")
        right, bottom = drawn.width - 30, drawn.height - 30
        assert np.asarray(drawn)[bottom, right].argmax() == 2


def test_a_sheet_is_known_by_its_columns() -> None:
    picture = draw_sheet(np.zeros((2, 3, 28, 28), np.uint8))
    check_sides(picture, rows=2, columns=3)
    assert sheet_tiles(picture, 3).shape == (2, 3, 28, 28)
    for columns in (4, 100):
        with pytest.raises(DataError, match=f"not a sheet of {columns} columns"):
            check_sides(picture, 2, columns)


@pytest.mark.parametrize("words", [("dcgan", "--resume"), ("cli", "sample", "--out", "faces.png"), ("cli", "evaluate")])
def test_commands_that_need_its_network_say_that_it_is_the_scripts(
    words: tuple[str, ...], own_runs: tuple[str, list[str]]
) -> None:
    url, ids = own_runs
    module, *others = words
    done = run_module(f"trainers.{module}", *others, ids[1], "--registry", url)
    assert done.returncode == 2
    assert "was recorded by a script, or imported" in done.stderr


def test_a_showcase_keeps_their_sheets_and_leaves_out_weights_that_nothing_draws_from(
    own_runs: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, ids = own_runs
    write_showcase(url, tmp_path / "show.db", [ids[1]])
    reader = Reader(str(tmp_path / "show.db"))
    assert len(reader.sheets(ids[1])) == 3
    assert reader.checkpoints(ids[1]).empty


def test_a_run_whose_length_is_not_known_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    with fergan.start("living", registry=registry) as run:
        run.log({"loss": 1}, step=7)
        run.sheet(np.zeros((2, 8, 8), np.uint8))
        app = open_page("run", registry.url, monkeypatch, {"run": run.id})
        assert "Step 7; how many there will be, its script has not said." in said(app)
        assert "own script on own data, on cpu; 7 steps" in said(app)
