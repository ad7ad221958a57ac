"""Compiled networks: the same losses and the same buffers as the networks themselves."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from fergan_core import recipe as recipes
from fergan_core.methods import build_learner
from fergan_core.methods.compiling import compiled
from tests.support.commands import Started

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

CPU = torch.device("cpu")
GAN = {
    "kind": "gan", "width": 4, "network": "dcgan", "spectral_norm": "both", "g_ema": 0.9, "matching_aware": True,
    "lecam": 0.1, "augment": "ada",
}  # fmt: skip


def losses(*, compile: bool) -> list[dict[str, float]]:
    """Train two steps of 6 faces; return the scalars of each."""
    torch._dynamo.reset()
    plan = recipes.from_dict({"emotions": ["disgust", "happy", "neutral"], "compile": compile, "method": GAN})
    learner = build_learner(plan, CPU, steps=100, bfloat16=False)
    faces = torch.rand(6, 1, 48, 48, generator=torch.Generator().manual_seed(2)) * 2 - 1
    codes = torch.tensor([1, 3, 6] * 2)
    torch.manual_seed(3)
    return [{name: float(value) for name, value in learner.step(faces, codes).items()} for _ in range(2)]


def test_two_passes_before_the_backward_pass_compile_under_spectral_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the real compiler, which saves the memory of the power iteration's vectors for the backward pass."""
    # For two small graphs, what makes many large ones fast takes longer than it saves.
    for name, value in (("compile_threads", 1), ("cpp_cache_precompile_headers", False), ("pattern_matcher", False)):
        monkeypatch.setattr(torch._inductor.config, name, value)
    monkeypatch.setattr(torch._inductor.config.cpp, "simdlen", 1)
    torch.manual_seed(0)
    network = nn.Sequential(spectral_norm(nn.Linear(6, 4)), nn.BatchNorm1d(4))
    ours = nn.Sequential(spectral_norm(nn.Linear(6, 4)), nn.BatchNorm1d(4))
    ours.load_state_dict(network.state_dict())
    run = compiled(ours)
    real, fake = torch.randn(8, 6), torch.randn(8, 6)
    (network(real)[:, 0].mean() - network(fake)[:, 1].square().mean()).backward()
    (run(real)[:, 0].mean() - run(fake)[:, 1].square().mean()).backward()
    for one, other in zip(network.parameters(), ours.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-5)
    for one, other in zip(network.buffers(), ours.buffers(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_a_compiled_gan_tells_the_losses_of_a_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced and differentiated as for the compiler, but run by PyTorch itself: seconds in place of minutes."""
    compile = torch.compile
    monkeypatch.setattr(torch, "compile", lambda call: compile(call, backend="aot_eager"))
    for plain, ours in zip(losses(compile=False), losses(compile=True), strict=True):
        assert ours == pytest.approx(plain, rel=2e-3, abs=1e-4)


def test_without_a_compiler_the_training_says_so_in_a_sentence(tmp_path: Path, small_data: Path) -> None:
    words = ("--data", small_data, "--compile", "--width", 4, "--images", 64, "--registry", tmp_path / "runs.db")
    found_nowhere = {"PATH": str(tmp_path), "HOME": str(tmp_path), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    training = Started("trainers.dcgan", *words, out=tmp_path / "printed.txt", environment=found_nowhere)
    assert training.finish() == 2
    assert "--compile: PyTorch cannot compile" in training.printed()
    assert "Traceback" not in training.printed()
