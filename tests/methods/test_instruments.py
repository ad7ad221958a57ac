"""Instruments by textbook arithmetic; they leave the training as it would have been."""

import math
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from fergan_core import recipe as recipes
from fergan_core.experiment.hooks.instruments import InstrumentHook, gpu_use
from fergan_core.methods import build_learner
from fergan_core.methods.adversarial import AdversarialLearner
from fergan_core.methods.instruments import (
    ADDED_AT_ONCE,
    HISTORY_SIZE,
    DiscriminatorProbe,
    FakeHistory,
    Spectra,
    update_ratio,
)
from fergan_core.models.layers import ConditionalBatchNorm2d, bound_spectrally
from fergan_core.training import engine

CPU = torch.device("cpu")
LEARNED = ["disgust", "happy", "neutral"]


def some(count: int, seed: int) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(seed)
    codes = torch.tensor([1, 3, 6])[torch.randint(3, (count,), generator=source)]
    return torch.randint(0, 256, (count, 48, 48), generator=source, dtype=torch.uint8), codes


def learner_of(**method: object) -> AdversarialLearner:
    plan = recipes.from_dict({"emotions": LEARNED, "method": {"kind": "gan", "width": 4, **method}})
    return build_learner(plan, CPU, steps=100, bfloat16=False)


def test_spectra_are_the_largest_singular_values() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ConvTranspose2d(8, 5, 4), nn.Linear(20, 6))
    norm = ConditionalBatchNorm2d(5, 3)
    network.add_module("norm", norm)
    spectra = Spectra(network, "d")
    for _ in range(60):
        scalars = spectra.measure()
    matrices = {
        "spectral_d/0": network[0].weight.flatten(1),
        "spectral_d/1": network[1].weight.transpose(0, 1).flatten(1),
        "spectral_d/2": network[2].weight,
        "spectral_d/norm": norm.scale.weight,
    }
    assert scalars.keys() == matrices.keys()
    for name, matrix in matrices.items():
        assert float(scalars[name]) == pytest.approx(float(torch.linalg.matrix_norm(matrix.detach(), 2)), rel=1e-4)


def test_a_bounded_layer_is_measured_before_it_is_bounded() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(20, 6))
    with torch.no_grad():
        network[0].weight.mul_(5)
    largest = float(torch.linalg.matrix_norm(network[0].weight.detach(), 2))
    spectra = Spectra(bound_spectrally(network), "d")
    for _ in range(60):
        scalars = spectra.measure()
    assert float(scalars["spectral_d/0"]) == pytest.approx(largest, rel=1e-4)


def test_a_matrix_that_starts_at_zero_is_measured_once_it_has_learned() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(20, 6))
    nn.init.zeros_(network[0].weight)
    spectra = Spectra(network, "d")
    assert float(spectra.measure()["spectral_d/0"]) == 0
    nn.init.normal_(network[0].weight)
    for _ in range(60):
        scalars = spectra.measure()
    largest = float(torch.linalg.matrix_norm(network[0].weight.detach(), 2))
    assert float(scalars["spectral_d/0"]) == pytest.approx(largest, rel=1e-4)


def test_update_ratio_is_how_far_the_weights_went() -> None:
    torch.manual_seed(0)
    network = nn.Linear(7, 5)
    adam = torch.optim.Adam(network.parameters(), 0.01, (0.5, 0.999))
    assert float(update_ratio(adam)) == 0
    for _ in range(4):
        before = torch.cat([p.detach().flatten() for p in network.parameters()])
        adam.zero_grad()
        network(torch.randn(9, 7)).square().sum().backward()
        adam.step()
        after = torch.cat([p.detach().flatten() for p in network.parameters()])
    assert float(update_ratio(adam)) == pytest.approx(float((after - before).norm() / after.norm()), rel=1e-3)


def test_old_fakes_are_those_of_the_last_times() -> None:
    history = FakeHistory(CPU)
    times = HISTORY_SIZE // ADDED_AT_ONCE + 3
    for time in range(times):
        history.add(torch.full((20, 1, 48, 48), time / 127), torch.full((20,), time % 3))
    faces, classes = history.earlier()
    remaining = sorted({round(float(value) * 127) for value in faces.amax((1, 2, 3))})
    assert remaining == list(range(3, times))
    assert torch.equal((faces[:, 0, 0, 0] * 127).round().long() % 3, classes)
    restored = FakeHistory(CPU)
    restored.load_state_dict(history.state_dict())
    restored.add(torch.zeros(20, 1, 48, 48), torch.zeros(20, dtype=torch.int64))
    assert restored.times == times + 1


def test_a_few_training_faces_are_enough_to_measure() -> None:
    learner = learner_of()
    images, codes = some(5, 3)
    batch = engine.to_float(images), codes
    for step in range(2):
        torch.manual_seed(step)
        learner.step(*batch)
        scalars = learner.measure(batch, batch)
    assert 0 <= float(scalars["d_accuracy_old"]) <= 1


def test_probing_changes_neither_the_network_nor_the_random_numbers() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(4 * 46 * 46, 1)
    )

    class Discriminator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network

        def forward(self, faces: Tensor, classes: Tensor) -> Tensor:
            logits: Tensor = self.inner(faces).squeeze(1)
            return logits

    discriminator = Discriminator()
    probe = DiscriminatorProbe(discriminator)
    before = {name: value.clone() for name, value in discriminator.state_dict().items()}
    batch = (torch.randn(6, 1, 48, 48), torch.zeros(6, dtype=torch.int64))
    state = torch.random.get_rng_state()
    first = probe.logits(batch)[0]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in discriminator.state_dict().items())
    with torch.no_grad():
        network[4].bias.add_(1.0)  # the copy follows the network
    assert torch.allclose(probe.logits(batch)[0], first + 1, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("method", [{}, {"network": "pytorch-gan"}, {"spectral_norm": "both", "d_batch_norm": False}])
def test_a_measured_training_is_the_training(method: dict[str, object]) -> None:
    images, labels = some(64, 1)
    plain, measured_learner = learner_of(**method), learner_of(**method)
    scalars_at: dict[int, dict[str, float]] = {}

    class Keep(engine.Hook):
        def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
            scalars_at[progress.step] = {name: float(value) for name, value in scalars.items()}

    instruments = InstrumentHook(measured_learner, (images, labels), some(32, 2), every_steps=3)
    engine.fit(plain, images, labels, batch_size=8, epochs=1, seed=0)
    engine.fit(measured_learner, images, labels, batch_size=8, epochs=1, seed=0, hooks=[instruments, Keep()])
    for network in ("generator", "discriminator"):
        expected, actual = plain.state_dict()[network], measured_learner.state_dict()[network]
        assert all(torch.equal(expected[name], actual[name]) for name in expected)
    measured = {"d_accuracy_held_out", "r_t", "r_v", "update_ratio_d", "update_ratio_g", "memory_mib"}
    assert [measured <= row.keys() for row in scalars_at.values()] == [step % 3 == 0 for step in scalars_at]
    assert "d_accuracy_old" not in scalars_at[3]  # there are no earlier fakes yet
    assert 0 <= scalars_at[6]["d_accuracy_old"] <= 1
    assert any(name.startswith("spectral_g/") for name in scalars_at[6])
    assert scalars_at[6]["memory_mib"] > 100


def test_a_gpus_use_is_a_share_and_no_number_without_one() -> None:
    used = gpu_use()
    assert 0 <= used <= 1 if torch.cuda.is_available() else math.isnan(used)


class Bright(nn.Module):
    """A D that returns the brightness, so that its logits of flat faces are known; `zeros` [3] are added by class."""

    def __init__(self, zeros: Sequence[float] = (0.0, 0.0, 0.0)) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.register_buffer("zeros", torch.tensor(zeros))

    def forward(self, faces: Tensor, classes: Tensor) -> Tensor:
        return faces.mean((1, 2, 3)) * self.weight + self.zeros[classes]


def test_r_t_and_r_v_by_hand() -> None:
    learner = learner_of()
    learner._discriminator_probe = DiscriminatorProbe(Bright())
    codes = torch.full((40,), 3)
    train, held_out = torch.full((40, 1, 48, 48), 0.6), torch.full((40, 1, 48, 48), 0.2)
    train[:10] = -0.4  # three of four training faces have a positive logit: r_t = 0.5
    held_out[:30] = -0.2
    scalars = learner.measure((train, codes), (held_out, codes))
    fakes = learner._measured_generator.generate(learner._measured_generator.latents(40, 0), codes).mean()
    assert float(scalars["r_t"]) == pytest.approx(0.5)
    assert float(scalars["d_accuracy_held_out"]) == pytest.approx(0.25)
    assert float(scalars["r_v"]) == pytest.approx((0.35 + 0.1) / (0.35 - float(fakes)), rel=1e-4)


@pytest.mark.parametrize("zeros", [(0.0, 0.0, 0.0), (5.0, -3.0, 90.0)])
def test_of_pairs_each_measure_compares_faces_of_one_emotion(zeros: tuple[float, float, float]) -> None:
    """What D adds to all logits of an emotion changes nothing."""
    learner = learner_of(loss="relativistic")
    learner._discriminator_probe = DiscriminatorProbe(Bright(zeros))
    learner._measured_generator = SimpleNamespace(
        latents=lambda count, seed: torch.zeros(count),
        generate=lambda latents, codes: torch.where(codes == 1, -0.5, 0.1)[:, None, None, None].expand(-1, 1, 48, 48),
    )
    codes = torch.tensor([1, 3] * 10)
    # Disgust's fakes are darker than all real faces, happy ones as bright as half of the training's, none held out.
    train = torch.where(torch.arange(20) % 4 == 3, 0.0, 0.4)[:, None, None, None].expand(-1, 1, 48, 48)
    held_out = torch.zeros(20, 1, 48, 48)
    for _ in range(2):
        scalars = learner.measure((train, codes), (held_out, codes))
    # Training pairs: of disgust 0.9, of happy 0.3 or -0.1. Held out 0.5 and -0.1.
    assert float(scalars["r_t"]) == pytest.approx((1 + 0) / 2)
    assert float(scalars["d_accuracy_held_out"]) == pytest.approx(0.5)
    assert float(scalars["d_accuracy_old"]) == pytest.approx(0.75)
    assert float(scalars["r_v"]) == pytest.approx((0.5 - 0.2) / 0.5, rel=1e-3)
