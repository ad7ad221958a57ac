"""What a judge looks at in a face: integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365).

Each pixel gets its share in how much more the judge reads an emotion in the face than in a picture of one even grey,
the face's mean. The shares add up to exactly that (the paper's completeness, proposition 1), which plain gradients'
do not, and a pixel on which the reading does not depend gets 0.
"""

import torch
from torch import Tensor

from fergan_core.judges.judge import Judge

STEPS = 64  # along the way from grey to the face: the sum is then right to about a hundredth


@torch.enable_grad()
def integrated_gradients(judge: Judge, faces: Tensor, codes: Tensor, steps: int = STEPS) -> Tensor:
    """Return each pixel's share in a judge's evidence for an emotion: float32 [n,48,48], of either sign.

    Faces are uint8 [n,48,48], codes FER2013's, int64 [n]. The integral of equation 1 is a sum over `steps` midpoints;
    the shares of a face add up to its `evidence` less that of even grey.
    """
    shares = []
    for face, code in zip(_in_range(faces), codes.tolist(), strict=True):
        grey = _even_grey(face)
        places = (torch.arange(steps, device=face.device) + 0.5) / steps
        between = torch.lerp(grey, face, places[:, None, None, None]).requires_grad_(True)
        (slopes,) = torch.autograd.grad(_evidence(judge, between)[:, code].sum(), between)
        shares.append(((face - grey) * slopes.mean(0))[0].detach().cpu())
    return torch.stack(shares)


@torch.inference_mode()
def evidence(judge: Judge, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Return a judge's evidence for each emotion in faces uint8 [n,48,48] and in even grey of their means: both
    float32 [n,7].

    It is the emotion's logit less the mean of all seven: what is added to all logits changes no probability.
    """
    images = _in_range(faces)
    greys = torch.stack([_even_grey(face) for face in images])
    return _evidence(judge, images).cpu(), _evidence(judge, greys).cpu()


def _in_range(faces: Tensor) -> Tensor:
    return faces.unsqueeze(1).float() / 127.5 - 1


def _even_grey(face: Tensor) -> Tensor:
    return face.mean().expand_as(face)


def _evidence(judge: Judge, images: Tensor) -> Tensor:
    """Return the evidence [n,7] in images [n,1,48,48] as the judge reads them: with their mirror images."""
    logits: Tensor = judge.network.emotion_head(judge.network.mirrored_features(images)) / judge.temperature
    return logits - logits.mean(1, keepdim=True)
