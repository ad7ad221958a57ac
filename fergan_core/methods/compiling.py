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
    batch norm. The compiler saves the very memory of such a buffer for the backward pass, where the network itself
    saves a copy, and a second pass before it would overwrite what the first one saved. So each pass gets buffers of
    its own, and the network's take over their values after it.

    The first call raises UsageError where PyTorch cannot compile here, as where there is no C++ compiler.
    """

    from torch._dynamo.exc import TorchDynamoException  # here, for it takes a second of every command's start

    def call(buffers: dict[str, Tensor], *inputs: Tensor) -> Any:
        return functional_call(network, buffers, inputs)

    run = torch.compile(call)

    def with_own_buffers(*inputs: Tensor) -> Any:
        theirs = dict(network.named_buffers())
        own = {name: buffer.clone() for name, buffer in theirs.items()}
        try:
            outputs = run(own, *inputs)
        except TorchDynamoException as error:
            reason = str(error).strip().splitlines()[0]
            raise UsageError(
                f"--compile: PyTorch cannot compile the networks on this machine ({reason}); leave --compile out, "
                "or install a C++ compiler where that is what it misses"
            ) from error
        with torch.no_grad():
            for name, buffer in theirs.items():
                buffer.copy_(own[name])
        return outputs

    return with_own_buffers
