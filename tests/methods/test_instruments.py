"""Instruments by textbook arithmetic; they see what is there, and leave the training as it would have been."""

import math

import pytest
import torch
from torch import Tensor, nn

from fergan_core import recipe as recipes
from fergan_core.experiment.hooks.instruments import InstrumentHook, gpu_use
from fergan_core.methods import build_learner
from fergan_core.methods.adversarial import AdversarialLearner
from fergan_core.methods.instruments import KEPT_AT_ONCE, OLD, DiscriminatorProbe, FakeHistory, Spectra, update_ratio
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
        found = spectra.measure()
    matrices = {
        "spectral_d/0": network[0].weight.flatten(1),
        "spectral_d/1": network[1].weight.transpose(0, 1).flatten(1),
        "spectral_d/2": network[2].weight,
        "spectral_d/norm": norm.scale.weight,
    }
    assert found.keys() == matrices.keys()
    for name, matrix in matrices.items():
        assert float(found[name]) == pytest.approx(float(torch.linalg.matrix_norm(matrix.detach(), 2)), rel=1e-4)


def test_a_bounded_layer_is_measured_before_it_is_bounded() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(20, 6))
    with torch.no_grad():
        network[0].weight.mul_(5)
    largest = float(torch.linalg.matrix_norm(network[0].weight.detach(), 2))
    spectra = Spectra(bound_spectrally(network), "d")
    for _ in range(60):
        found = spectra.measure()
    assert float(found["spectral_d/0"]) == pytest.approx(largest, rel=1e-4)


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
    old = FakeHistory(CPU)
    times = OLD // KEPT_AT_ONCE + 3
    for time in range(times):
        old.keep(torch.full((20, 1, 48, 48), time / 127), torch.full((20,), time % 3))
    faces, classes = old.known()
    kept = sorted({round(float(value) * 127) for value in faces.amax((1, 2, 3))})
    assert kept == list(range(3, times))
    assert torch.equal((faces[:, 0, 0, 0] * 127).round().long() % 3, classes)
    again = FakeHistory(CPU)
    again.load_state_dict(old.state_dict())
    again.keep(torch.zeros(20, 1, 48, 48), torch.zeros(20, dtype=torch.int64))
    assert again.times == times + 1


def test_looking_on_changes_neither_the_network_nor_the_random_numbers() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(4 * 46 * 46, 1)
    )

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network

        def forward(self, faces: Tensor, classes: Tensor) -> Tensor:
            logits: Tensor = self.inner(faces).squeeze(1)
            return logits

    watched = Two()
    onlooker = DiscriminatorProbe(watched)
    before = {name: value.clone() for name, value in watched.state_dict().items()}
    batch = (torch.randn(6, 1, 48, 48), torch.zeros(6, dtype=torch.int64))
    state = torch.random.get_rng_state()
    first = onlooker.logits(batch)[0]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in watched.state_dict().items())
    with torch.no_grad():
        network[4].bias.add_(1.0)  # it follows the network
    assert torch.allclose(onlooker.logits(batch)[0], first + 1, atol=1e-5)


@pytest.mark.parametrize("method", [{}, {"network": "pytorch-gan"}, {"spectral_norm": "both", "d_batch_norm": False}])
def test_a_measured_training_is_the_training(method: dict[str, object]) -> None:
    images, labels = some(64, 1)
    plain, watched = learner_of(**method), learner_of(**method)
    told: dict[int, dict[str, float]] = {}

    class Keep(engine.Hook):
        def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
            told[progress.step] = {name: float(value) for name, value in scalars.items()}

    watch = InstrumentHook(watched, (images, labels), some(32, 2), every=3)
    engine.fit(plain, images, labels, batch_size=8, epochs=1, seed=0)
    engine.fit(watched, images, labels, batch_size=8, epochs=1, seed=0, hooks=[watch, Keep()])
    for network in ("generator", "discriminator"):
        ours, theirs = plain.state_dict()[network], watched.state_dict()[network]
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    own = {"d_accuracy_held_out", "r_t", "r_v", "update_ratio_d", "update_ratio_g", "memory_mib"}
    assert [own <= row.keys() for row in told.values()] == [step % 3 == 0 for step in told]
    assert "d_accuracy_old" not in told[3]  # nothing is old yet
    assert 0 <= told[6]["d_accuracy_old"] <= 1
    assert any(name.startswith("spectral_g/") for name in told[6])
    assert told[6]["memory_mib"] > 100


def test_a_gpus_use_is_a_share_and_no_number_without_one() -> None:
    used = gpu_use()
    assert 0 <= used <= 1 if torch.cuda.is_available() else math.isnan(used)


def test_r_t_and_r_v_by_hand() -> None:
    """D by a rule of thumb, brightness: then all that D says of three flat sets of faces is known."""
    learner = learner_of()

    class Bright(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, faces: Tensor, classes: Tensor) -> Tensor:
            return faces.mean((1, 2, 3)) * self.weight

    learner._onlooker = DiscriminatorProbe(Bright())
    codes = torch.full((40,), 3)
    train, unseen = torch.full((40, 1, 48, 48), 0.6), torch.full((40, 1, 48, 48), 0.2)
    train[:10] = -0.4  # three of four training faces are taken for real: r_t = 0.5
    unseen[:30] = -0.2
    found = learner.measure((train, codes), (unseen, codes))
    fakes = learner._untold.generate(learner._untold.latents(40, 0), codes).mean()
    assert float(found["r_t"]) == pytest.approx(0.5)
    assert float(found["d_accuracy_held_out"]) == pytest.approx(0.25)
    assert float(found["r_v"]) == pytest.approx((0.35 + 0.1) / (0.35 - float(fakes)), rel=1e-4)
