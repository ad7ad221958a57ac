"""Generators that draw a face in one pass, as one network of latents and mixed emotions, and its ONNX file, with which
a browser draws faces without Python."""

import copy
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from fergan_core.browser import Network, network_file
from fergan_core.emotions import emotion_code
from fergan_core.errors import CheckpointError
from fergan_core.files import atomic_write
from fergan_core.methods.protocols import Generator, Samplable

TOLERANCE = 1e-4  # between the file's faces and the generator's, whose pixels are from -1 to 1
INPUTS, OUTPUT = ("latents", "emotions"), "faces"
_FACES_CHECKED = 14


@runtime_checkable
class InOnePass(Generator, Protocol):
    """A generator whose faces take one pass of a network.

    `normal` tells that its latents are standard normal numbers; otherwise they are uniform from -1 to 1.
    """

    normal: bool

    def one_pass(self) -> nn.Module:
        """Return the network in evaluation mode: (latents [n,...], shares of the trained emotions [n,K]) -> faces
        [n,1,48,48]; a row of shares sums to 1, and between two emotions lies a mixture of what the network knows of
        each. UsageError where as it is set the generator takes several passes."""
        ...


class Mixture(nn.Module):
    """An embedding of a mixture of the first K classes: the mean of their rows, weighted by shares [n,K]."""

    def __init__(self, embedding: nn.Embedding, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(embedding.weight[:count].detach().clone(), requires_grad=False)

    def forward(self, shares: Tensor) -> Tensor:
        return shares @ self.weight


def of_mixtures(network: nn.Module, count: int) -> nn.Module:
    """Return a copy of a network which takes shares float [n,count] of its first classes in place of one class [n]."""
    mixed = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(mixed.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Embedding):
                setattr(module, name, Mixture(child, count))
    return mixed


def write_onnx(generator: InOnePass, path: Path) -> float:
    """Write a generator's network as an ONNX file with the inputs latents [n,...] and emotions [n,K] and the output
    faces [n,1,48,48], all float32; return by how much its faces differ at most from the generator's.

    Both draw the same latents of all emotions, the file by ONNX Runtime. Raises CheckpointError, and leaves no file,
    where a pixel differs by more than TOLERANCE.
    """
    network, count = generator.one_pass().float().cpu(), len(generator.emotions)
    place = torch.arange(_FACES_CHECKED) % count
    latents, shares = generator.latents(_FACES_CHECKED, 0).cpu(), torch.eye(count)[place]
    with atomic_write(path) as temporary:
        _export(network, latents, shares, temporary)
        codes = torch.tensor([emotion_code(name) for name in generator.emotions])
        drawn, expected = _drawn_by(temporary, latents, shares), generator.generate(latents, codes[place]).cpu()
        difference = float((drawn - expected).abs().max())
        if not difference <= TOLERANCE:  # NaN is none either
            raise CheckpointError(
                f"the ONNX file draws other faces (by up to {difference:.2g} of a pixel from -1 to 1); "
                "draw with PyTorch instead"
            )
    return difference


def as_one_pass(generator: Generator) -> InOnePass | None:
    """Return a generator that draws in one pass, None where its method cannot; one that draws in several steps or in
    one, such as MeanFlow's, is set to one."""
    if isinstance(generator, InOnePass) and isinstance(generator, Samplable):
        generator = generator.resampled(replace(generator.sampling, steps=1))
    return generator if isinstance(generator, InOnePass) else None


def browser_network(generator: Generator, sha256: str, folder: Path) -> Network:
    """Return a generator for a browser to draw with; its file is kept in `folder` by `sha256`, that of its weights.

    A method that can draw in several steps draws in one. Raises CheckpointError where the method cannot.
    """
    one_pass = as_one_pass(generator)
    if one_pass is None:
        raise CheckpointError(
            f"a face of this run takes {generator.nfe} passes of its network, too many for a browser; draw its faces "
            "on the page Checkpoints, or by `fergan sample`"
        )
    file = network_file(folder, sha256)
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_onnx(one_pass, file)
    shape = tuple(one_pass.latents(1, 0).shape[1:])
    return Network(sha256, file.read_bytes(), one_pass.emotions, shape, one_pass.normal)


def _export(network: nn.Module, latents: Tensor, shares: Tensor, path: Path) -> None:
    batch = torch.export.Dim("n", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what PyTorch's exporter is still to learn
        exported = torch.export.export(network, (latents[:2], shares[:2]), dynamic_shapes=({0: batch}, {0: batch}))
        # In simpler operations: ONNX's attention wants heads, which ours has none of.
        program = torch.onnx.export(
            exported.run_decompositions(), dynamo=True, verbose=False, input_names=list(INPUTS), output_names=[OUTPUT]
        )
    assert program is not None
    program.save(path, external_data=False)


def _drawn_by(path: Path, latents: Tensor, shares: Tensor) -> Tensor:
    import onnxruntime  # not above: it is needed for this alone

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    (faces,) = session.run([OUTPUT], dict(zip(INPUTS, (latents.numpy(), shares.numpy()), strict=True)))
    return torch.from_numpy(faces)
