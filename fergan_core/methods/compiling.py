"""torch.compile for a network that is called more than once before its backward pass."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fergan_core.errors import UsageError


def compiled(network: nn.Module) -> Callable[..., Any]:
    """Return the network as a function of its inputs, compiled at its first call.

    A pass in training changes buffers in place: the vectors of spectral norm's power iteration, the statistics of
    batch norm. Compiled, a pass saves such a buffer itself for the backward pass, where the plain network saves a copy;
    a second pass before it would overwrite what the first one saved. So each pass gets copies of the buffers, whose
    values the network's own take over afterwards.

    The first call raises UsageError where PyTorch cannot compile here, as where there is no C++ compiler.
    """

    from torch._dynamo.exc import TorchDynamoException  # here, for it takes a second of every command's start

    def call(buffers: dict[str, Tensor], *inputs: Tensor) -> Any:
        return functional_call(network, buffers, inputs)

    run = torch.compile(call)

    def with_own_buffers(*inputs: Tensor) -> Any:
        originals = dict(network.named_buffers())
        copies = {name: buffer.clone() for name, buffer in originals.items()}
        try:
            outputs = run(copies, *inputs)
        except TorchDynamoException as error:
            reason = str(error).strip().splitlines()[0]
            raise UsageError(
                f"--compile: PyTorch cannot compile the networks on this machine ({reason}); leave --compile out, "
                "or install a C++ compiler where that is what it misses"
            ) from error
        with torch.no_grad():
            for name, buffer in originals.items():
                buffer.copy_(copies[name])
        return outputs

    return with_own_buffers
