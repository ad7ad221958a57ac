"""Learned directions as files beside a run: written, read, refused, and left alone by `fergan runs verify`."""

import inspect
import json
from pathlib import Path

import pytest
import torch

from fergan_core.errors import CheckpointError
from fergan_core.exploring.directions import Walker
from fergan_core.exploring.learned import COUNT, STEPS, Learned, learn, load_learned, save_learned
from fergan_core.methods import load_generator
from fergan_core.recipe import Gan
from fergan_core.registry import Registry
from fergan_core.registry.derived import directions_path
from fergan_core.registry.verify import verify
from tests.support.commands import run_module
from tests.support.small_run import add_small_run
from trainers import directions_command


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    registry = Registry(str(tmp_path_factory.mktemp("directions") / "runs.db"))
    add_small_run(registry)
    add_small_run(registry, Gan(width=4, latent_size=6), name="other")
    return registry


def walker_of(registry: Registry, name: str) -> Walker:
    reader = registry.reader
    run = reader.run(reader.resolve(name))
    return Walker(load_generator(run["recipe"], reader.file(reader.checkpoints(run["id"]).iloc[-1]["path"])))


@pytest.fixture(scope="module")
def learned(registry: Registry) -> Learned:
    return learn(walker_of(registry, "small"), 3, steps=2, seed=4)


def test_the_same_seed_learns_the_same_and_a_file_holds_it(
    registry: Registry, learned: Learned, tmp_path: Path
) -> None:
    walker = walker_of(registry, "small")
    before = torch.random.get_rng_state()
    again = learn(walker, 3, steps=2, seed=4)
    assert torch.equal(torch.random.get_rng_state(), before)
    save_learned(tmp_path / "one.safetensors", learned)
    read = load_learned(tmp_path / "one.safetensors", walker)
    for other in (again, read):
        assert torch.equal(other.directions.vectors, learned.directions.vectors)
        assert (other.told, other.shift_error, other.steps, other.seed) == (learned.told, learned.shift_error, 2, 4)
        assert other.directions.unit == learned.directions.unit
    assert not torch.equal(learn(walker, 3, steps=2, seed=5).directions.vectors, learned.directions.vectors)


def test_no_more_directions_than_a_latent_has_numbers(registry: Registry) -> None:
    assert len(learn(walker_of(registry, "small"), 20, steps=1).directions) == 8


def test_directions_of_another_generator_and_damaged_files_are_refused(
    registry: Registry, learned: Learned, tmp_path: Path
) -> None:
    path = tmp_path / "one.safetensors"
    save_learned(path, learned)
    with pytest.raises(CheckpointError, match=r"one\.safetensors holds directions of another generator"):
        load_learned(path, walker_of(registry, "other"))
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(CheckpointError, match=r"one\.safetensors cannot be read .*; learn the directions again"):
        load_learned(path, walker_of(registry, "small"))


def test_an_error_of_who_is_told_of_the_progress_ends_the_learning(registry: Registry) -> None:
    def stop(done: int, of: int) -> None:
        assert of == 100
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(walker_of(registry, "small"), 3, steps=100, on_progress=stop)


def test_the_commands_defaults_are_those_of_the_page() -> None:
    given = inspect.signature(directions_command.directions).parameters
    assert (given["count"].default, given["steps"].default) == (COUNT, STEPS)


def test_the_command_keeps_directions_beside_the_run_and_says_what_changes(registry: Registry) -> None:
    words = ("directions", "small", "--count", 3, "--steps", 2, "--registry", registry.url)
    done = run_module("trainers.cli", *words)
    assert done.returncode == 0, done.stderr
    run_id = registry.reader.resolve("small")
    path = directions_path(run_id, registry.reader.checkpoints(run_id).iloc[-1]["sha256"])
    assert f"kept as {path}" in done.stdout
    assert "guessing gives 33%" in done.stdout
    assert len(load_learned(registry.files / path, walker_of(registry, "small")).directions) == 3
    document = json.loads(run_module("trainers.cli", *words, "--json").stdout)
    assert [len(effect["emotions"]) for effect in document["effects"]] == [7, 7, 7]
    assert (document["id"], document["epoch"], document["file"], document["judge"]) == (run_id, 1, path, "synthfer")
    # A file that can be learned again is neither damage nor a stray, unless its run is not here.
    lost = registry.files / "nobody" / "directions" / Path(path).name
    lost.parent.mkdir(parents=True)
    lost.write_bytes(b"")
    report = verify(registry.reader)
    assert report.intact
    assert [(stray.kind, stray.path) for stray in report.strays] == [("unknown", f"nobody/directions/{lost.name}")]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("small", "--count", 1), "--count, --steps: give 2 or more directions"),
        (("small@7",), "has no checkpoint at epoch 7; it has: 1"),
        (("nobody",), "nobody"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(
    registry: Registry, words: tuple[str | int, ...], error: str
) -> None:
    done = run_module("trainers.cli", "directions", *words, "--registry", registry.url)
    assert done.returncode == 2
    assert error in done.stderr
