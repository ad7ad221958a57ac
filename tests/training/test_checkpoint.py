"""Checkpoints: equal weights are equal files, states come back whole, and damage is told in a sentence."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from fergan_core import recipe as recipes
from fergan_core.errors import CheckpointError
from fergan_core.methods import build_learner, load_generator
from fergan_core.methods.adversarial import AdversarialLearner
from fergan_core.training import checkpoint, engine

CPU = torch.device("cpu")
RECIPE = recipes.from_dict({"batch_size": 4, "method": {"kind": "gan", "width": 4, "d_conditioning": "projection"}})


def trained(steps: int = 2) -> AdversarialLearner:
    learner = build_learner(RECIPE, CPU, steps=10, bfloat16=False)
    images = torch.randint(0, 256, (8, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    engine.fit(learner, images, torch.arange(8) % 7, batch_size=4, epochs=(steps + 1) // 2, seed=3)
    return learner


def test_equal_weights_are_equal_files_without_metadata(tmp_path: Path) -> None:
    first, _ = checkpoint.save_checkpoint(tmp_path / "a", 2, trained().state_dict(), ("generator", "discriminator"))
    second, _ = checkpoint.save_checkpoint(tmp_path / "b", 2, trained().state_dict(), ("generator", "discriminator"))
    assert first.sha256 == second.sha256 == checkpoint.file_sha256(second.path)
    with safe_open(first.path, "pt") as file:
        assert file.metadata() is None
        assert {name.partition(".")[0] for name in file.keys()} == {"generator", "discriminator"}  # noqa: SIM118


def test_a_state_comes_back_whole(tmp_path: Path) -> None:
    learner = trained()
    weights, state = checkpoint.save_checkpoint(tmp_path, 2, learner.state_dict(), learner.networks)
    other = build_learner(RECIPE, CPU, steps=10, bfloat16=False)
    other.load_state_dict(checkpoint.load_checkpoint(weights.path, state.path, learner.networks))
    again, _ = checkpoint.save_checkpoint(tmp_path / "again", 2, other.state_dict(), other.networks)
    assert again.sha256 == weights.sha256
    for before, after in zip(learner._g.parameters(), other._g.parameters(), strict=True):
        moments = other._g_optimiser.state[after]
        assert moments["exp_avg"].stride() == after.stride()
        assert torch.equal(moments["exp_avg"], learner._g_optimiser.state[before]["exp_avg"])
        assert float(moments["step"]) == 2.0


@pytest.mark.parametrize("damage", ["missing", "cut off", "another file"])
def test_damage_is_told_in_one_sentence(tmp_path: Path, damage: str) -> None:
    learner = trained()
    weights, state = checkpoint.save_checkpoint(tmp_path, 2, learner.state_dict(), learner.networks)
    if damage == "missing":
        weights.path.unlink()
    elif damage == "cut off":
        weights.path.write_bytes(weights.path.read_bytes()[:-100])
    else:
        weights.path.write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(CheckpointError, match=r"step-00000002\.safetensors"):
        checkpoint.load_checkpoint(weights.path, state.path, learner.networks)
    with pytest.raises(CheckpointError, match=r"step-00000002\.safetensors"):
        load_generator(recipes.to_dict(RECIPE), weights.path)


def test_weights_of_another_recipe_are_refused(tmp_path: Path) -> None:
    weights, _ = checkpoint.save_checkpoint(tmp_path, 2, trained().state_dict(), ("generator", "discriminator"))
    other = recipes.to_dict(recipes.from_dict({"method": {"kind": "gan", "width": 8}}))
    with pytest.raises(CheckpointError, match="no generator of this recipe"):
        load_generator(other, weights.path)


def test_what_is_loaded_begins_in_memory_where_what_is_new_does(tmp_path: Path) -> None:
    """A product of the same numbers is rounded otherwise where they begin elsewhere: a resumed run would differ."""
    learner = trained()
    weights, state = checkpoint.save_checkpoint(tmp_path, 2, learner.state_dict(), learner.networks)

    def begins(value: object) -> set[int]:
        if isinstance(value, torch.Tensor):
            return {value.data_ptr() % 64} if value.numel() else set()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
        return set().union(*map(begins, inner))

    with safe_open(state.path, "pt") as file:
        assert begins({name: file.get_tensor(name) for name in file.keys()}) != {0}  # noqa: SIM118 - not a dict
    assert begins(checkpoint.load_checkpoint(weights.path, state.path, learner.networks)) == {0}


def test_a_failed_write_leaves_nothing_half_made(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(CheckpointError, match="taken"):
        checkpoint.write_atomically(tmp_path / "taken", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_weights_that_are_no_numbers_are_noticed() -> None:
    learner = trained()
    assert checkpoint.finite(learner.state_dict(), learner.networks)
    with torch.no_grad():
        next(learner._d.parameters()).view(-1)[0] = float("nan")
    assert not checkpoint.finite(learner.state_dict(), learner.networks)


def test_a_loaded_generator_draws_what_the_trained_one_draws(tmp_path: Path) -> None:
    learner = trained()
    weights, _ = checkpoint.save_checkpoint(tmp_path, 2, learner.state_dict(), learner.networks)
    loaded = load_generator(recipes.to_dict(RECIPE), weights.path)
    labels = torch.arange(7)
    assert torch.equal(loaded.sample(labels, 9), learner.generator.sample(labels, 9))
    assert not torch.equal(loaded.sample(labels, 9), loaded.sample(labels, 10))
