"""What a judge looks at: exact where the answer is known, complete, and where an emotion shows."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fergan_core.data.synthfer import synthfer
from fergan_core.emotions import EMOTIONS
from fergan_core.exploring.saliency import evidence, integrated_gradients
from fergan_core.judges.judge import Judge, load_judge

PEOPLE = 5


class Linear(nn.Module):
    """A network whose logits are sums of a face's weighted pixels, which sees the mirror image as well."""

    def __init__(self) -> None:
        super().__init__()
        self.emotion_head = nn.Linear(48 * 48, len(EMOTIONS))

    def mirrored_features(self, images: Tensor) -> Tensor:
        return ((images + images.flip(3)) / 2).flatten(1)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return load_judge("synthfer")


def same_people(emotion: str) -> Any:
    """Return the same people in the same pose and light, showing an emotion."""
    return synthfer(seed=3, counts={"train": {emotion: PEOPLE}})


def test_a_linear_judges_weights_are_found() -> None:
    torch.manual_seed(0)
    network = Linear()
    judge: Any = Judge("linear", "", 2.0, {}, network)  # type: ignore[arg-type]
    faces = torch.randint(0, 256, (2, 48, 48), dtype=torch.uint8)
    shares = integrated_gradients(judge, faces, torch.tensor([3, 6]), steps=3)
    weights = network.emotion_head.weight.detach()
    weights = (weights - weights.mean(0)).view(7, 48, 48)
    images = faces.float() / 127.5 - 1
    for row, code in enumerate((3, 6)):
        mirrored = (weights[code] + weights[code].flip(1)) / 2
        expected = (images[row] - images[row].mean()) * mirrored / 2.0
        torch.testing.assert_close(shares[row], expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("emotion", ["happy", "surprise"])
def test_shares_add_up_to_the_evidence(judge: Judge, emotion: str) -> None:
    faces = torch.from_numpy(same_people(emotion).images)
    code = EMOTIONS.index(emotion)
    of_faces, of_grey = evidence(judge, faces)
    shares = integrated_gradients(judge, faces, torch.full((PEOPLE,), code))
    gained = (of_faces - of_grey)[:, code]
    torch.testing.assert_close(shares.sum((1, 2)), gained, rtol=0, atol=0.03 * float(gained.abs().max()))
    # What is shown beside them is what the judge reads.
    torch.testing.assert_close(of_faces.softmax(1), judge.read(faces)[0].softmax(1).float(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("emotion", ["happy", "surprise", "angry"])
def test_what_shows_the_emotion_matters_most(judge: Judge, emotion: str) -> None:
    shown, neutral = same_people(emotion), same_people("neutral")
    assert np.array_equal(shown.factors["identity"], neutral.factors["identity"])
    moved = np.abs(shown.images.astype(int) - neutral.images) > 25  # mouth, brows and eyes
    assert 0.03 < moved.mean() < 0.3
    faces, codes = torch.from_numpy(shown.images), torch.full((PEOPLE,), EMOTIONS.index(emotion))
    weight = integrated_gradients(judge, faces, codes).abs().numpy()
    assert weight[moved].mean() > 2 * weight[~moved].mean()


def test_no_gradient_is_left_in_the_judge(judge: Judge) -> None:
    integrated_gradients(judge, torch.from_numpy(same_people("happy").images[:1]), torch.tensor([3]), steps=2)
    assert all(weight.grad is None for weight in judge.network.parameters())
