"""The average of a network over its training, which draws better faces than the network (Yazici et al. 2019)."""

import torch
from torch import Tensor, nn


class Ema:
    """A copy of a network that follows it: an exponential moving average of the floats in its state.

    With `fast_start` it follows faster at first, where the network is still worthless: after n steps the decay is
    (1 + n) / (10 + n) at most.
    """

    def __init__(self, network: nn.Module, copy: nn.Module, decay: float, *, fast_start: bool = True) -> None:
        self.network, self._decay, self._fast_start = copy, decay, fast_start
        copy.load_state_dict(network.state_dict())
        copy.requires_grad_(False)
        pairs = zip(copy.state_dict().values(), network.state_dict().values(), strict=True)
        pairs_of_floats = [(average, value) for average, value in pairs if average.is_floating_point()]
        self._averages: list[Tensor] = [average for average, _ in pairs_of_floats]
        self._values: list[Tensor] = [value for _, value in pairs_of_floats]

    @torch.no_grad()
    def follow(self, done: int) -> None:
        """Move towards the network after its `done`-th step; the statistics of its norms are averaged too."""
        decay = min(self._decay, (1 + done) / (10 + done)) if self._fast_start else self._decay
        torch._foreach_lerp_(self._averages, self._values, 1 - decay)
