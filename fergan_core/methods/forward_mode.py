"""A network's derivative along a direction, by forward-mode differentiation."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode


def derivative(function: Callable[..., Tensor], inputs: Iterable[Tensor], directions: Iterable[Tensor]) -> Tensor:
    """Return the Jacobian-vector product of function(*inputs) with directions, of the shape of its output.

    The result has no gradient. Fused attention has no such derivative: attention is computed by its formula here.
    """
    with (
        torch.no_grad(),
        sdpa_kernel(SDPBackend.MATH),
        warnings.catch_warnings(),
        forward_ad.dual_level(),
        _LayerRules(),
    ):
        # PyTorch's forward derivatives use a part of PyTorch that is deprecated.
        warnings.filterwarnings("ignore", r".*torch\.jit\.script", FutureWarning)
        duals = [_dual(*pair) for pair in zip(inputs, directions, strict=True)]
        _, tangent = _parts(function(*duals))
        assert tangent is not None, "the function does not depend on its inputs"
        return tangent


def _dual(value: Tensor, tangent: Tensor) -> Any:
    return forward_ad.make_dual(value, tangent)  # type: ignore[no-untyped-call]


def _parts(dual: Tensor) -> tuple[Tensor, Tensor | None]:
    value, tangent = forward_ad.unpack_dual(dual)  # type: ignore[no-untyped-call]
    return value, tangent


class _LayerRules(TorchFunctionMode):
    """Derivatives of convolution and group norm with respect to their input alone.

    PyTorch's rules are general and take longer: they convolve with a derivative of the weights too, which is 0 here,
    and compose that of group norm of a dozen passes over memory.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in (torch.conv2d, F.group_norm):
            x, tangent = _parts(args[0])
            if tangent is not None:
                rule = _convolution if func is torch.conv2d else _group_norm
                return _dual(*rule(x, tangent, *args[1:], **kwargs))
        return func(*args, **kwargs)


def _convolution(x: Tensor, tangent: Tensor, weight: Tensor, bias: Tensor | None, *rest: Any) -> tuple[Tensor, Tensor]:
    return torch.conv2d(x, weight, bias, *rest), torch.conv2d(tangent, weight, None, *rest)


def _group_norm(
    x: Tensor, tangent: Tensor, groups: int, *, weight: Tensor, bias: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """With y = w x^ + b and x^ = (x - mean) / deviation: dy = w (dx - mean(dx) - x^ mean(x^ dx)) / deviation."""
    count, channels, *sides = x.shape
    y, mean, inverse = torch.native_group_norm(x, weight, bias, count, channels, sides[0] * sides[1], groups, eps)

    def of_group(values: Tensor) -> Tensor:
        return values.mean((2, 3)).view(count, groups, -1).mean(2)

    mean_tangent = of_group(tangent)
    slope = (of_group(tangent * x) - mean * mean_tangent) * inverse**2  # mean(x^ dx) / deviation
    factors = torch.stack((inverse, -inverse * slope, inverse * (mean * slope - mean_tangent)))
    of_dx, of_x, constant = factors.repeat_interleave(channels // groups, 2)[..., None, None] * weight[:, None, None]
    return y, torch.addcmul(torch.addcmul(constant, x, of_x), tangent, of_dx)
