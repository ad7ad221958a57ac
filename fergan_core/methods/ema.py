"""The average of a network over its training, which draws better faces than itself (Yazici et al. 2019)."""

import torch
from torch import Tensor, nn


class Ema:
    """A copy of a network that follows it: an exponential moving average of the floats in its state.

    At first it follows fast, for a start is worth nothing: after n steps its decay is (1 + n) / (10 + n) at most.
    """

    def __init__(self, network: nn.Module, copy: nn.Module, decay: float) -> None:
        self.network, self._followed, self._decay = copy, network, decay
        copy.load_state_dict(network.state_dict())
        copy.requires_grad_(False)
        pairs = zip(copy.state_dict().values(), network.state_dict().values(), strict=True)
        pairs_of_floats = [(ours, theirs) for ours, theirs in pairs if ours.is_floating_point()]
        self._ours: list[Tensor] = [ours for ours, _ in pairs_of_floats]
        self._theirs: list[Tensor] = [theirs for _, theirs in pairs_of_floats]

    @torch.no_grad()
    def follow(self, done: int) -> None:
        """Move towards the network after its `done`-th step, norms' statistics too."""
        torch._foreach_lerp_(self._ours, self._theirs, 1 - min(self._decay, (1 + done) / (10 + done)))
