"""Convolutions whose image has become smaller than their stride, which bfloat16 on a CPU gets wrong.

PyTorch 2.14's gradient of the weights is then memory that nobody wrote: often NaN, else noise. Networks that
halve an image five times come there below 32 pixels, so with `grow` and a small `pixels`.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle


def widen_small_images(network: nn.Module) -> list[RemovableHandle]:
    """Let every strided convolution see at least one whole stride: zeros beside the image change no result.

    Removing the handles undoes it.
    """
    convolutions = [
        part for part in network.modules() if isinstance(part, nn.Conv2d) and max(part.stride) > 1
    ]
    return [part.register_forward_pre_hook(_widen) for part in convolutions]


def _widen(convolution: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """Put zeros right of and below images (B, C, H, W) with a side shorter than the stride."""
    assert isinstance(convolution, nn.Conv2d)
    values = inputs[0]
    padding: list[int] = []
    for axis in (1, 0):
        lacking = max(convolution.stride[axis] - values.shape[2 + axis], 0)
        # only where the padding of the convolution is zeros on both sides, half its width
        same = convolution.padding[axis] == convolution.kernel_size[axis] // 2
        padding += [0, lacking if same and convolution.padding_mode == "zeros" else 0]
    return (F.pad(values, padding),) if any(padding) else None
