"""The GAN's learner: its losses are the papers', its scalars tell what happened, its order is the recipe's."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fergan_core import recipe as recipes
from fergan_core.methods import build_learner
from fergan_core.methods.adversarial import AdversarialLearner, build_discriminator, build_generator

CPU = torch.device("cpu")
EMOTIONS = ["disgust", "happy", "neutral"]


def learner_of(**method: object) -> AdversarialLearner:
    torch.manual_seed(1)
    plan = recipes.from_dict({"emotions": EMOTIONS, "method": {"width": 4, **method}})
    return build_learner(plan, CPU, bfloat16=False)


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(2)
    return torch.rand(12, 1, 48, 48, generator=source) * 2 - 1, torch.tensor([1, 3, 6] * 4)


@pytest.mark.parametrize("matching_aware", [False, True])
def test_the_losses_are_those_of_goodfellow_and_of_reed(batch: tuple[Tensor, Tensor], matching_aware: bool) -> None:
    learner = learner_of(matching_aware=matching_aware)
    images, classes = batch[0], torch.tensor([0, 1, 2] * 4)
    plan = recipes.from_dict({"method": {"width": 4}}).method
    generator, discriminator = build_generator(plan, 3), build_discriminator(plan, 3)
    generator.load_state_dict(learner.state_dict()["generator"])
    discriminator.load_state_dict(learner.state_dict()["discriminator"])
    torch.manual_seed(3)
    told = learner.step(*batch)

    torch.manual_seed(3)
    fake = generator(torch.rand(12, plan.latent_size) * 2 - 1, classes).detach()
    discriminator.requires_grad_(False)
    real, made = discriminator(images, classes).sigmoid(), discriminator(fake, classes).sigmoid()
    expected = -real.log().mean()
    fakes = -(1 - made).log().mean()
    if matching_aware:
        wrong = discriminator(images, (classes + torch.randint(1, 3, (12,))) % 3).sigmoid()
        fakes = (fakes - (1 - wrong).log().mean()) / 2
        assert float(told["d_wrong"]) == pytest.approx(float(wrong.mean()), rel=1e-4)
    assert float(told["loss_d"]) == pytest.approx((expected + fakes).item(), rel=1e-4)
    assert float(told["d_real"]) == pytest.approx(float(real.mean()), rel=1e-4)
    assert float(told["d_fake"]) == pytest.approx(float(made.mean()), rel=1e-4)
    right = ((real > 0.5).float().mean() + (made < 0.5).float().mean()) / 2
    assert float(told["d_accuracy"]) == pytest.approx(float(right))
    assert ("d_wrong" in told) == matching_aware


def test_a_wrong_emotion_is_never_the_right_one_and_each_other_is_as_likely() -> None:
    learner = learner_of(matching_aware=True)
    classes = torch.arange(3).repeat_interleave(2000)
    wrong = learner._wrong(classes)
    assert not (wrong == classes).any()
    counts = torch.bincount(3 * classes + wrong, minlength=9).view(3, 3)
    assert int((counts - 1000).abs()[~torch.eye(3, dtype=torch.bool)].max()) < 120


def test_the_generator_learns_first_where_the_recipe_says_so(batch: tuple[Tensor, Tensor]) -> None:
    """Whoever learns first meets the other one unchanged: G's first loss tells whether D had learned by then."""
    losses = {}
    for first in ("discriminator", "generator"):
        learner = learner_of(first=first)
        plan = recipes.from_dict({"method": {"width": 4}}).method
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
