"""The GAN's learner: its losses are the papers', its scalars tell what happened, its order is the recipe's."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from fergan_core import recipe as recipes
from fergan_core.errors import UsageError
from fergan_core.methods import build_learner
from fergan_core.methods.adversarial import AdversarialLearner
from fergan_core.methods.networks import build_discriminator, build_generator
from fergan_core.models.layers import Discriminator

CPU = torch.device("cpu")
LEARNED = ["disgust", "happy", "neutral"]


def learner_of(**method: object) -> AdversarialLearner:
    torch.manual_seed(1)
    plan = recipes.from_dict({"emotions": LEARNED, "method": {"kind": "gan", "width": 4, **method}})
    return build_learner(plan, CPU, steps=100, bfloat16=False)


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(2)
    return torch.rand(12, 1, 48, 48, generator=source) * 2 - 1, torch.tensor([1, 3, 6] * 4)


@pytest.mark.parametrize(
    ("conditioning", "matching_aware"), [("concat", False), ("concat", True), ("projection", True)]
)
def test_the_losses_are_those_of_goodfellow_and_of_reed(
    batch: tuple[Tensor, Tensor], conditioning: str, matching_aware: bool
) -> None:
    method = {"d_conditioning": conditioning, "matching_aware": matching_aware}
    learner = learner_of(**method)
    images, classes = batch[0], torch.tensor([0, 1, 2] * 4)
    plan = recipes.from_dict({"method": {"kind": "gan", "width": 4, **method}}).method
    generator, discriminator = build_generator(plan, 3), build_discriminator(plan, 3)
    generator.load_state_dict(learner.state_dict()["generator"])
    discriminator.load_state_dict(learner.state_dict()["discriminator"])
    torch.manual_seed(3)
    scalars = learner.step(*batch)

    torch.manual_seed(3)
    fake = generator(torch.rand(12, plan.latent_size) * 2 - 1, classes).detach()
    discriminator.requires_grad_(False)
    real_probability, fake_probability = (
        discriminator(images, classes).sigmoid(),
        discriminator(fake, classes).sigmoid(),
    )
    real_loss = -real_probability.log().mean()
    fake_loss = -(1 - fake_probability).log().mean()
    if matching_aware:
        wrong_probability = discriminator(images, (classes + torch.randint(1, 3, (12,))) % 3).sigmoid()
        fake_loss = (fake_loss - (1 - wrong_probability).log().mean()) / 2
        assert float(scalars["d_wrong"]) == pytest.approx(float(wrong_probability.mean()), rel=1e-4)
    assert float(scalars["loss_d"]) == pytest.approx((real_loss + fake_loss).item(), rel=1e-4)
    assert float(scalars["d_real"]) == pytest.approx(float(real_probability.mean()), rel=1e-4)
    assert float(scalars["d_fake"]) == pytest.approx(float(fake_probability.mean()), rel=1e-4)
    accuracy = ((real_probability > 0.5).float().mean() + (fake_probability < 0.5).float().mean()) / 2
    assert float(scalars["d_accuracy"]) == pytest.approx(float(accuracy))
    assert ("d_wrong" in scalars) == matching_aware


def test_one_pass_for_right_and_wrong_emotions_trains_as_a_pass_for_each(
    batch: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64: a GAN soon amplifies the rounding of another order of sums."""
    at_once = Discriminator.forward

    def one_by_one(network: Discriminator, images: Tensor, *class_sets: Tensor) -> Tensor | tuple[Tensor, ...]:
        all_logits = tuple(at_once(network, images, classes) for classes in class_sets)
        return all_logits if len(class_sets) > 1 else all_logits[0]

    torch.set_default_dtype(torch.float64)
    try:
        losses = []
        for forward in (at_once, one_by_one):
            monkeypatch.setattr(Discriminator, "forward", forward)
            learner = learner_of(d_conditioning="projection", matching_aware=True)
            rows = steps_of(learner, range(5), (batch[0].double(), batch[1]))
            losses.append([(row["loss_d"], row["loss_g"]) for row in rows])
        ((logits, _),) = learner._logits(batch[0].double(), torch.tensor([0, 1, 2] * 4))
    finally:
        torch.set_default_dtype(torch.float32)
    assert logits.dtype == torch.float64
    assert np.allclose(*losses, rtol=1e-9, atol=0)


@pytest.mark.parametrize("first", ["discriminator", "generator"])
def test_the_relativistic_loss_pairs_each_real_face_with_a_fake_of_its_emotion(
    batch: tuple[Tensor, Tensor], first: str
) -> None:
    method = {"loss": "relativistic", "matching_aware": True, "first": first, "d_batch_norm": False}
    learner = learner_of(**method)
    images, classes = batch[0], torch.tensor([0, 1, 2] * 4)
    plan = recipes.from_dict({"method": {"kind": "gan", "width": 4, **method}}).method
    generator, discriminator = build_generator(plan, 3), build_discriminator(plan, 3)
    generator.load_state_dict(learner.state_dict()["generator"])
    discriminator.load_state_dict(learner.state_dict()["discriminator"])
    torch.manual_seed(3)
    scalars = {name: float(value) for name, value in learner.step(*batch).items()}

    torch.manual_seed(3)
    fake = generator(torch.rand(12, plan.latent_size) * 2 - 1, classes).detach()
    wrong_classes = (classes + torch.randint(1, 3, (12,))) % 3
    with torch.no_grad():
        real, generated = discriminator(images, classes), discriminator(fake, classes)
        wrong = discriminator(images, wrong_classes)
    loss_d = (F.softplus(generated - real) + F.softplus(wrong - real)).mean() / 2
    assert scalars["loss_d"] == pytest.approx(float(loss_d), rel=1e-4)
    assert scalars["d_accuracy"] == pytest.approx(float((real > generated).float().mean()))
    assert scalars["logit_gap"] == pytest.approx(float((real - generated).mean()), rel=1e-3, abs=1e-6)
    assert scalars["logit_spread"] == pytest.approx(float((real - generated).std()), rel=1e-3)
    assert scalars["d_wrong"] == pytest.approx(float((wrong - real).sigmoid().mean()), rel=1e-4)
    # Their zero is arbitrary: nothing is told that depends on it.
    assert not scalars.keys() & {"d_real", "d_fake", "logit_real", "logit_fake", "d_accuracy_real", "d_accuracy_fake"}
    # Both real faces and fakes are judged by D as it is when the generator learns.
    if first == "discriminator":
        discriminator.load_state_dict(learner.state_dict()["discriminator"])
    with torch.no_grad():
        loss_g = F.softplus(discriminator(images, classes) - discriminator(fake, classes)).mean()
    assert scalars["loss_g"] == pytest.approx(float(loss_g), rel=1e-4)


def test_a_wrong_emotion_is_never_the_right_one_and_each_other_is_as_likely() -> None:
    learner = learner_of(matching_aware=True)
    classes = torch.arange(3).repeat_interleave(2000)
    wrong = learner._wrong_classes(classes)
    assert not (wrong == classes).any()
    counts = torch.bincount(3 * classes + wrong, minlength=9).view(3, 3)
    assert int((counts - 1000).abs()[~torch.eye(3, dtype=torch.bool)].max()) < 120


def test_the_generator_learns_first_where_the_recipe_says_so(batch: tuple[Tensor, Tensor]) -> None:
    """Whoever learns first meets the other one unchanged: G's first loss tells whether D had learned by then."""
    losses = {}
    for first in ("discriminator", "generator"):
        learner = learner_of(first=first)
        plan = recipes.from_dict({"method": {"kind": "gan", "width": 4}}).method
        discriminator, generator = build_discriminator(plan, 3), build_generator(plan, 3)
        discriminator.load_state_dict(learner.state_dict()["discriminator"])
        generator.load_state_dict(learner.state_dict()["generator"])
        torch.manual_seed(3)
        losses[first] = float(learner.step(*batch)["loss_g"])
        torch.manual_seed(3)
        classes = torch.tensor([0, 1, 2] * 4)
        fake = generator(torch.rand(12, plan.latent_size) * 2 - 1, classes)
        untaught = F.softplus(-discriminator(fake, classes)).mean().item()
        assert (losses[first] == pytest.approx(untaught, rel=1e-5)) == (first == "generator")


def test_faces_ask_for_trained_emotions_alone() -> None:
    generator = learner_of().generator
    with pytest.raises(ValueError, match="disgust, happy, neutral"):
        generator.sample(torch.tensor([0]), 0)
    faces = generator.sample(torch.tensor([1, 3, 6]), 0)
    assert faces.shape == (3, 1, 48, 48)
    assert torch.equal(faces, generator.sample(torch.tensor([1, 3, 6]), 0))


# One recipe each, between them every piece.
PIECES: dict[str, dict[str, object]] = {
    "saturating": {"loss": "saturating", "label_smoothing": 0.1, "instance_noise": 0.1},
    "lsgan": {"loss": "lsgan", "d_batch_norm": False, "g_batch_norm": False, "lr_decay": True},
    "hinge": {
        "loss": "hinge", "spectral_norm": "both", "d_batch_norm": False, "d_conditioning": "projection", "lecam": 0.3,
        "g_conditioning": "norm", "augment": "ada", "g_ema": 0.9, "r1": 0.1, "r1_every": 2,
    },
    "wgan-gp": {"loss": "wgan-gp", "d_batch_norm": False, "d_steps": 3, "augment": "diffaugment", "latent": "normal"},
    "auxiliary": {"d_conditioning": "auxiliary", "network": "pytorch-gan", "first": "generator"},
    "resnet": {"network": "resnet", "spectral_norm": "discriminator", "d_batch_norm": False, "loss": "hinge"},
    "resnet-norms": {"network": "resnet", "g_conditioning": "norm", "d_conditioning": "projection"},
    "r3gan": {
        "network": "r3gan", "g_batch_norm": False, "d_batch_norm": False, "d_conditioning": "projection",
        "loss": "relativistic", "r1": 0.1, "r2": 0.1, "r1_every": 1, "g_ema": 0.9, "beta1": 0.0,
    },
    "relativistic": {
        "loss": "relativistic", "matching_aware": True, "r2": 0.1, "r1_every": 3, "d_steps": 2, "lecam": 0.1,
        "augment": "ada", "spectral_norm": "both", "d_batch_norm": False, "first": "generator",
    },
    "relativistic-auxiliary": {
        "loss": "relativistic", "d_conditioning": "auxiliary", "network": "pytorch-gan", "instance_noise": 0.1,
    },
}  # fmt: skip


def steps_of(learner: AdversarialLearner, numbers: range, batch: tuple[Tensor, Tensor]) -> list[dict[str, float]]:
    rows = []
    for number in numbers:
        torch.manual_seed(number)
        rows.append({name: float(value) for name, value in learner.step(*batch).items()})
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("name", PIECES)
def test_every_piece_learns_and_goes_on_from_its_state_as_if_nothing_had_happened(
    name: str, batch: tuple[Tensor, Tensor]
) -> None:
    first, second = learner_of(**PIECES[name]), learner_of(**PIECES[name])
    before = {key: value.clone() for key, value in first.state_dict()["generator"].items()}
    rows = steps_of(first, range(4), batch)
    assert all(torch.tensor(list(row.values())).isfinite().all() for row in rows)
    assert any(not torch.equal(before[key], value) for key, value in first.state_dict()["generator"].items())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert steps_of(first, range(4, 8), batch) == steps_of(second, range(4, 8), batch)
    for network in first.networks:
        ours, theirs = first.state_dict()[network], second.state_dict()[network]
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    faces = first.generator.sample(torch.tensor([1, 3, 6]), seed=0)
    assert faces.shape == (3, 1, 48, 48)
    assert float(faces.abs().max()) <= 1


def test_the_generator_has_scalars_only_in_steps_in_which_it_learns(batch: tuple[Tensor, Tensor]) -> None:
    rows = steps_of(learner_of(**PIECES["wgan-gp"]), range(6), batch)
    assert ["loss_g" in row for row in rows] == [False, False, True] * 2
    assert all("penalty_gradient" in row and "d_real" not in row for row in rows)


def test_lazy_r1_comes_every_second_step_where_the_recipe_says_so(batch: tuple[Tensor, Tensor]) -> None:
    rows = steps_of(learner_of(**PIECES["hinge"]), range(4), batch)
    assert ["penalty_r1" in row for row in rows] == [True, False] * 2
    assert all("penalty_lecam" in row and "ada_p" in row for row in rows)


def test_r2_is_r1_at_fakes_and_as_lazy(batch: tuple[Tensor, Tensor]) -> None:
    learner = learner_of(d_batch_norm=False, r1=0.5, r2=2.0, r1_every=3)
    plan = recipes.from_dict({"method": {"kind": "gan", "width": 4, "d_batch_norm": False}}).method
    generator, discriminator = build_generator(plan, 3), build_discriminator(plan, 3)
    generator.load_state_dict(learner.state_dict()["generator"])
    discriminator.load_state_dict(learner.state_dict()["discriminator"])
    rows = steps_of(learner, range(4), batch)
    assert [{"penalty_r1", "penalty_r2"} <= row.keys() for row in rows] == [True, False, False, True]
    torch.manual_seed(0)
    classes = torch.tensor([0, 1, 2] * 4)
    fake = generator(torch.rand(12, plan.latent_size) * 2 - 1, classes).detach()
    for name, weight, faces in (("r1", 0.5, batch[0]), ("r2", 2.0, fake)):
        faces.requires_grad_(True)
        (slopes,) = torch.autograd.grad(discriminator(faces, classes).sum(), faces)
        expected = weight * 3 * float(slopes.square().sum((1, 2, 3)).mean()) / 2
        assert rows[0][f"penalty_{name}"] == pytest.approx(expected, rel=1e-4)


def test_in_bfloat16_the_penalties_keep_float32s_digits(batch: tuple[Tensor, Tensor]) -> None:
    """They take a pass of their own there, which gives what the shared pass of float32 gives."""
    rows = []
    for bfloat16 in (False, True):
        plan = recipes.from_dict({"emotions": LEARNED, "method": {"kind": "gan", "width": 4, **PIECES["r3gan"]}})
        learner = build_learner(plan, CPU, steps=100, bfloat16=bfloat16)
        (row,) = steps_of(learner, range(1), batch)
        rows.append(row)
    assert rows[1]["penalty_r1"] == pytest.approx(rows[0]["penalty_r1"], rel=1e-5)
    assert rows[1]["penalty_r2"] == pytest.approx(rows[0]["penalty_r2"], rel=0.05)  # at fakes that bfloat16 drew


def test_adaptive_augmentation_follows_the_sign_about_the_middle_of_the_game(batch: tuple[Tensor, Tensor]) -> None:
    """lsgan's D is undecided at 0.5: logits of 0.3 are of real faces that it takes for fakes."""
    constant = 0.3

    def logits(images: Tensor, classes: Tensor) -> list[tuple[Tensor, None]]:
        return [(images.mean((1, 2, 3)) * 0 + constant + learner._d.head.logit.bias * 0, None)]

    rises = {}
    for loss, constant in (("lsgan", 0.3), ("lsgan", 0.7), ("non-saturating", 0.3)):
        learner = learner_of(loss=loss, augment="ada")
        learner._logits = logits
        rises[loss, constant] = steps_of(learner, range(8), batch)[-1]["ada_p"] > 0
    assert rises == {("lsgan", 0.3): False, ("lsgan", 0.7): True, ("non-saturating", 0.3): True}


def test_the_average_draws_the_faces_and_follows_the_generator(batch: tuple[Tensor, Tensor]) -> None:
    learner = learner_of(g_ema=0.9)
    start = {key: value.clone() for key, value in learner.state_dict()["average"].items()}
    steps_of(learner, range(1), batch)
    key = "ups.0.weight"
    trained = learner.state_dict()["generator"][key]
    # After the first step the average takes 1 - 2/11 of the way.
    expected = start[key] + (trained - start[key]) * (1 - 2 / 11)
    assert torch.allclose(learner.state_dict()["average"][key], expected, atol=1e-7)
    labels, latents = torch.tensor([1, 3]), learner.generator.latents(2, 0)
    faces = learner.generator.generate(latents, labels)
    network = build_generator(recipes.from_dict({"method": {"kind": "gan", "width": 4}}).method, 3).eval()
    network.load_state_dict(learner.state_dict()["average"])
    with torch.no_grad():
        assert torch.equal(faces, network(latents, torch.tensor([0, 1])))


def test_rates_fall_in_a_straight_line_to_nothing(batch: tuple[Tensor, Tensor]) -> None:
    torch.manual_seed(1)
    plan = recipes.from_dict(
        {"emotions": LEARNED, "method": {"kind": "gan", "width": 4, "lr_decay": True, "g_lr": 1e-3}}
    )
    learner = build_learner(plan, CPU, steps=4, bfloat16=False)
    rates = []
    for number in range(4):
        steps_of(learner, range(number, number + 1), batch)
        rates.append(learner.state_dict()["g_optimiser"]["param_groups"][0]["lr"])
    assert rates == pytest.approx([1e-3, 0.75e-3, 0.5e-3, 0.25e-3])


def test_spectral_norm_bounds_every_weight_matrix() -> None:
    plan = recipes.from_dict({"method": {"kind": "gan", "width": 4, **PIECES["hinge"]}}).method
    for network in (build_discriminator(plan, 3), build_generator(plan, 3)):
        bounded = [layer for layer in network.modules() if parametrize.is_parametrized(layer)]
        weighty = [
            layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
        ]
        assert {*weighty} <= {*bounded}
        network.train()
        for _ in range(60):  # each access is another power iteration
            for layer in bounded:
                weight = layer.weight
        for layer in bounded:
            weight = layer.weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else layer.weight
            largest = torch.linalg.matrix_norm(weight.detach().flatten(1), 2)
            assert float(largest) == pytest.approx(1.0, rel=0.02)


def test_an_auxiliary_classifier_is_taught_and_teaches(batch: tuple[Tensor, Tensor]) -> None:
    learner = learner_of(**PIECES["auxiliary"])
    (scalars,) = steps_of(learner, range(1), batch)
    assert 0 <= scalars["d_emotion_accuracy"] <= 1
    # At the start it guesses among three: its cross-entropy, near ln 3, comes on top of both networks' losses, ln 2.
    assert scalars["loss_d"] == pytest.approx(2 * math.log(2) + math.log(3), abs=0.4)
    assert scalars["loss_g"] == pytest.approx(math.log(2) + math.log(3), abs=0.4)


@pytest.mark.parametrize(
    ("method", "flag"),
    [
        ({"loss": "hinge", "label_smoothing": 0.1}, "--label-smoothing"),
        ({"loss": "relativistic", "label_smoothing": 0.1}, "--label-smoothing"),
        ({"loss": "wgan-gp"}, "--loss wgan-gp.*--no-d-batch-norm"),
        ({"g_conditioning": "norm", "g_batch_norm": False}, "--g-conditioning norm"),
        ({"d_conditioning": "auxiliary", "matching_aware": True}, "--d-conditioning auxiliary"),
        ({"d_conditioning": "none", "matching_aware": True}, "--d-conditioning none"),
    ],
)
def test_pieces_that_do_not_go_together_are_refused_by_name(method: dict[str, object], flag: str) -> None:
    with pytest.raises(UsageError, match=flag):
        recipes.from_dict({"method": {"kind": "gan", **method}})


@pytest.mark.parametrize("penalty", ["r1", "r2"])
def test_a_derivative_of_a_derivative_is_not_compiled(penalty: str) -> None:
    with pytest.raises(UsageError, match=f"--compile.*--{penalty}"):
        recipes.from_dict({"compile": True, "method": {"kind": "gan", penalty: 1.0}})
