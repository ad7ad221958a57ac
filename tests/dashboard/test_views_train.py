"""The page Train by AppTest: off by default, the command that a form stands for, and a training from start to fork."""

import itertools
import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import launches
from dashboard.open_datasets import Place
from dashboard.sections import train_command, train_fields
from dashboard.sections.train_command import Session
from fergan_core import recipe as recipes
from fergan_core.errors import UsageError
from fergan_core.recipe import FormField, form_fields, kinds, presets_of
from fergan_core.registry import Reader, Registry
from fergan_core.registry.connect import full_url
from tests.support.commands import command
from tests.support.pages import open_page
from trainers.flags import Flags, parse

PRESETS = [(kind, name) for kind in kinds() for name in presets_of(kind)]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


@pytest.fixture
def allowed(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Switch trainings from the browser on, with logs in a folder of the test's own; end those that still run."""
    monkeypatch.setenv(launches.SWITCH, "1")
    monkeypatch.setenv("FERGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(launches, "COMMAND", tuple(command("tests.support.few_faces")))
    yield
    for launch in launches.launches(full_url(url)):
        if launch.lives():
            with suppress(ProcessLookupError):
                os.kill(launch.process, 9)


def page(view: str, url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page(view, url, monkeypatch, query)


def trained_on(path: Path, url: str) -> str:
    """Record a run that was trained on a dataset, whose path the form then offers; return it."""
    registry = Registry(url)
    about = {"name": path.stem, "source": str(path), "content_hash": "0" * 64, "images": 80}
    run_id = registry.create_run(
        name="earlier", method="gan", preset="quick", recipe={}, dataset=about, seed=0, provenance={}, epochs=1, steps=1
    )
    registry.set_status(run_id, "finished")
    return str(path)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, [(error.message, error.stack_trace) for error in app.exception]
    return app


def shown_command(app: AppTest) -> list[str]:
    """Return the words of the command that a form shows."""
    return next(shlex.split(code.value) for code in reversed(app.code) if code.value.startswith("fergan train"))


def parsed(words: list[str]) -> Flags:
    """Read a command's words as the trainer does."""
    assert words[:2] == ["fergan", "train"]
    return parse("fergan", words[2], words[3:])


def field(app: AppTest, name: str, kind: str = "gan quick") -> Any:
    """Return the widget of a field of the recipe."""
    key = f"{kind} {name}"
    widgets = itertools.chain(app.number_input, app.selectbox, app.toggle, app.multiselect)
    return next(widget for widget in widgets if widget.key == key)


def other_values(about: FormField, value: Any) -> Iterator[Any]:
    """Return values of a field beside the one that it has, at the ends of its range or all its choices."""
    if about.kind == "switch":
        yield not value
    elif about.kind == "choice":
        yield from (choice for choice in about.choices if choice != value)
    elif about.kind == "several":
        yield ["happy"]
    elif about.kind == "whole":
        yield from {int(about.least or 0), value + 1} - {value}
    else:
        high = about.most if about.most is not None else 0.25
        yield from {1e-05, high, *([] if about.least is None else [about.least])} - {value}


def test_it_is_off_by_default_and_says_how_to_switch_it_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(launches.SWITCH, raising=False)
    app = page("train", url, monkeypatch)
    assert "`FERGAN_ALLOW_LAUNCH=1 python -m trainers.open_dashboard`" in app.info[0].value
    assert not [*app.button, *app.code, *app.selectbox]


@pytest.mark.parametrize(
    ("address", "headers", "here"),
    [
        (None, {"Host": "localhost:8501"}, True),
        (None, {"Host": "127.0.0.1:8501"}, True),
        ("::1", {"Host": "[::1]:8501"}, True),
        ("192.168.1.5", {"Host": "localhost:8501"}, False),
        ("no address", {"Host": "localhost"}, False),
        (None, {"Host": "fergan.example.org"}, False),
        (None, {"Host": "localhost:8501", "X-Forwarded-For": "192.168.1.5"}, False),
        (None, {"Host": "localhost:8501", "Forwarded": "for=192.168.1.5"}, False),
        (None, {}, False),
    ],
)
def test_a_browser_is_from_here_by_its_address_its_way_and_its_name_for_the_server(
    address: str | None, headers: dict[str, str], here: bool
) -> None:
    assert launches.is_from_here(address, headers) == here


@pytest.mark.parametrize(("kind", "name"), PRESETS)
def test_a_form_that_was_left_as_it_opens_stands_for_the_preset_alone(kind: str, name: str) -> None:
    preset = presets_of(kind)[name]
    assert recipes.flags(preset) == ["--preset", preset.preset]
    assert parse("fergan", kind, recipes.flags(preset)).recipe == preset


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("last", [False, True])
def test_changed_fields_are_flags_that_the_command_reads_as_the_form_meant_them(kind: str, last: bool) -> None:
    preset = next(iter(presets_of(kind).values()))
    defaults = recipes.flat(recipes.to_dict(preset))
    changes: dict[str, Any] = {}
    for about in form_fields(kind).values():
        for value in list(other_values(about, defaults[about.name]))[:: -1 if last else 1]:
            with suppress(UsageError):  # which it does not go together with what was changed already
                recipe = recipes.changed(preset, {**changes, about.name: value})
                changes[about.name] = value
                break
    assert len(changes) > len(form_fields(kind)) - 8
    words = train_command.of_recipe(recipe, Session(Place("synthfer")), "sqlite:////r.db")
    assert recipes.preset_changes(recipe) == changes
    assert parsed(["fergan", *words]).recipe == recipe


def test_every_field_of_every_method_has_a_group_and_a_help() -> None:
    for kind in kinds():
        fields = form_fields(kind)
        grouped = train_fields.groups(fields)
        assert "Further fields" not in grouped
        names = [one.name for members in grouped.values() for one in members]
        assert sorted([*names, *train_fields.FIRST]) == sorted(fields)
        assert all(one.help.endswith(".") for one in fields.values())


def test_what_is_told_beside_the_recipe_is_read_as_it_was_meant() -> None:
    session = Session(Place("faces; rm -rf x.csv", "alphabetical"), "cpu", " a 'b' $c ", ("d e", "f"))
    words = train_command.of_recipe(recipes.preset("quick"), session, "sqlite:////home/me/my runs.db")
    told = parsed(shlex.split(train_command.as_typed(words))).session
    assert told.data == str(Path.cwd() / "faces; rm -rf x.csv")
    assert (told.label_order, told.device, told.name, told.tags) == ("alphabetical", "cpu", "a 'b' $c", ("d e", "f"))
    assert told.registry == "/home/me/my runs.db"
    for other in (Session(session.place, name="--resume"), Session(session.place, tags=("a", "--fork", "x"))):
        with pytest.raises(UsageError, match="begins with '-'"):
            train_command.of_recipe(recipes.preset("quick"), other, "sqlite:////r.db")
    assert "--registry" not in train_command.of_recipe(recipes.preset("quick"), session, "postgresql://me:secret@h/db")


@pytest.mark.usefixtures("allowed")
def test_the_form_shows_the_command_and_marks_what_was_changed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page("train", url, monkeypatch)
    assert shown_command(app) == ["fergan", "train", "gan", "--preset", "quick", "--registry", url]
    field(app, "epochs").set_value(2)
    field(app, "d_lr").set_value(1e-5)
    field(app, "flip").set_value(True)
    field(app, "emotions").set_value(["sad", "happy"])
    app.text_input(key="train name").set_value("first try")
    app.selectbox(key="train device").set_value("cpu")
    run(app)
    told = parsed(shown_command(app))
    wanted = recipes.changed(
        recipes.preset("quick"), {"epochs": 2, "d_lr": 1e-5, "flip": True, "emotions": "happy,sad"}
    )
    assert told.recipe == wanted
    assert (told.session.name, told.session.device) == ("first try", "cpu")
    marked = [text.value.replace("\\", "") for text in app.markdown if "badge[changed]" in text.value]
    assert sorted(mark.split("[")[2][:-1] for mark in marked) == [
        "The preset has 0.0002.", "The preset has 9.",
        "The preset has angry, disgust, fear, happy, sad, surprise, neutral.", "The preset has off.",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("kind", kinds())
def test_every_preset_opens_with_its_own_values(kind: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page("train", url, monkeypatch, method=kind)
    for name, preset in presets_of(kind).items():
        app.selectbox(key=f"preset of {kind}").set_value(name)
        run(app)
        assert shown_command(app)[2:5] == [kind, "--preset", preset.preset]
        assert shown_command(app)[5] == "--registry"
        assert parsed(shown_command(app)).recipe == preset


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"g_lr": 0.0}, ["--g-lr", "0"]),
        ({"loss": "wgan-gp"}, ["--loss", "wgan-gp"]),
        ({"emotions": ["happy"]}, ["--emotions", "happy"]),
        ({"emotions": []}, None),
    ],
)
def test_what_cannot_be_meant_gets_the_commands_own_sentence_and_cannot_be_started(
    changes: dict[str, Any], flags: list[str] | None, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page("train", url, monkeypatch)
    for name, value in changes.items():
        field(app, name).set_value(value)
    run(app)
    said = app.error[0].value.replace("\\", "").replace("`", "")
    if flags is None:
        assert said == "--emotions: name at least one emotion, and each only once"
    else:
        with pytest.raises(UsageError) as refused:
            parse("fergan", "gan", flags)
        assert said == str(refused.value).replace("`", "")
    assert "start" not in [button.key for button in app.button]


@pytest.mark.usefixtures("allowed")
def test_data_that_cannot_be_read_are_named_before_anything_starts(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_data = tmp_path / "faces.csv"
    no_data.write_text("emotion,pixels\n9,1 2 3\n")
    path = trained_on(no_data, url)
    app = page("train", url, monkeypatch)
    app.selectbox(key="train data").set_value(path)
    run(app)
    app.button(key="start").click()
    run(app)
    assert "faces.csv" in app.error[0].value.replace("\\", "")
    assert launches.launches(full_url(url)) == []


def waited(app: AppTest, holds: Callable[[], bool], seconds: float = 240) -> AppTest:
    """Wait until something holds, and look at the page then."""
    deadline = time.monotonic() + seconds
    while not holds():
        said = [line for launch in launches.launches(launches_url()) for line in launch.last_lines(20)]
        assert time.monotonic() < deadline, said
        time.sleep(0.3)
    return run(app)


def launches_url() -> str:
    return full_url(os.environ["FERGAN_REGISTRY"])


def one_launch() -> launches.Launch:
    """Return the newest training that was started."""
    return launches.launches(launches_url())[0]


def status() -> str:
    reader, run_id = Reader(launches_url()), one_launch().run_id()
    return str(reader.run(run_id)["status"]) if run_id else ""


@pytest.mark.slow
@pytest.mark.usefixtures("allowed")
@pytest.mark.thorough
def test_what_a_failed_training_printed_is_shown_and_its_command(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page("train", url, monkeypatch)
    words = ["train", "gan", "--data", "nosuch.csv"]
    failed = launches.start(words, launches_url())
    assert failed.lives()
    assert launches.launches("sqlite:////another/runs.db") == []
    waited(app, lambda: not failed.lives())
    assert any("Ended before its run began" in text.value for text in app.markdown)
    assert shlex.join(["fergan", *words]) in [code.value for code in app.code]
    assert any("--data: there is no 'nosuch.csv'" in code.value for code in app.code)
    launches.stop(failed)  # which has ended
    assert not one_launch().stopped


@pytest.mark.slow
@pytest.mark.usefixtures("allowed")
def test_the_page_run_offers_what_can_be_done_with_a_run(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trained_on(Path("faces.csv"), url)
    registry, run_id = Registry(url), str(Reader(url).runs().query("not literature").id.iloc[0])
    registry.set_status(run_id, "running")
    said = [caption.value for caption in page("run", url, monkeypatch, run=run_id).caption]
    assert any("was not started from the browser of this machine" in text for text in said)
    registry.set_status(run_id, "interrupted")
    assert not buttons(page("run", url, monkeypatch, run=run_id))  # it has no state to go on from
    registry.add_checkpoint(
        run_id, epoch=1, step=1, images_seen=8, path="a", sha256="0" * 64, bytes=1, state_path="b",
        state_sha256="0" * 64, state_bytes=1,
    )  # fmt: skip
    assert buttons(page("run", url, monkeypatch, run=run_id)) == {"Resume", "Fork"}
    registry.set_status(run_id, "finished")
    assert buttons(page("run", url, monkeypatch, run=run_id)) == {"Fork"}
    monkeypatch.delenv(launches.SWITCH)
    assert not buttons(page("run", url, monkeypatch, run=run_id))


def buttons(app: AppTest) -> set[str]:
    """Return the names of the buttons for trainings that the page Run shows."""
    names = {popover.proto.popover.label for popover in app.get("popover")}
    return names & {"Resume", "Fork"}


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.usefixtures("allowed")
def test_a_training_is_started_seen_stopped_resumed_and_forked(
    url: str, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = trained_on(small_data, url)
    app = page("train", url, monkeypatch)
    small = {"epochs": 40, "images": 64, "batch_size": 8, "width": 4, "eval_every": 0, "watch_every": 0}
    for name, value in small.items():
        field(app, name).set_value(value)
    app.selectbox(key="train data").set_value(path)
    app.text_input(key="train name").set_value("from here")
    run(app)
    app.button(key="start").click()
    run(app)
    assert any("Getting ready" in text.value for text in app.markdown)
    assert "two at once slow each other" in app.warning[0].value.replace("\\", "")

    reader, first = Reader(url), one_launch()
    waited(app, lambda: bool(first.run_id()) and len(reader.checkpoints(first.run_id())) > 1)
    run_id = first.run_id()
    assert reader.run(run_id)["name"] == "from here"
    assert "Epoch" in app.get("progress")[0].proto.text

    app = page("run", url, monkeypatch, run=run_id)
    app.button(key=f"stop {first.id}").click()
    run(app)
    assert one_launch().stopped
    waited(app, lambda: not first.lives())
    assert status() == "interrupted"

    app = page("run", url, monkeypatch, run=run_id)
    app.session_state["resume"] = True  # its popover, opened
    run(app)
    words = parsed(shown_command(app)).session
    assert (words.resume, words.registry) == (run_id, url)
    app.button(key="Resume the run").click()
    run(app)
    again = one_launch()
    assert again.id != first.id
    waited(app, lambda: not again.lives())
    assert status() == "finished"
    assert reader.run(run_id)["epoch"] == 40

    app = page("run", url, monkeypatch, run=run_id)
    app.session_state["fork"] = True
    run(app)
    assert not [button for button in app.button if button.key == "Start the fork"]
    app.selectbox(key="fork epoch").set_value(39)
    app.selectbox(key="fork field").set_value("d_lr")
    run(app)
    app.number_input(key=f"fork {run_id} d_lr").set_value(0.0)
    run(app)
    assert "--d-lr" in app.error[0].value.replace("\\", "")
    app.number_input(key=f"fork {run_id} d_lr").set_value(0.001)
    app.text_input(key="fork name").set_value("branch")
    run(app)
    words = parsed(shown_command(app)).session
    assert (words.fork, words.set, words.name) == (f"{run_id}@39", ("d_lr=0.001",), "branch")
    app.button(key="Start the fork").click()
    run(app)
    branch = one_launch()
    waited(app, lambda: not branch.lives())
    forked = reader.run(branch.run_id())
    assert (forked["parent"], forked["status"], forked["name"]) == (run_id, "finished", "branch")
    assert forked["recipe"]["method"]["d_lr"] == 0.001
