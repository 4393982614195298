from __future__ import annotations

import copy

import pytest
import torch

from mep3m.training.loop.small_images import widen_small_images


@pytest.mark.parametrize(("side", "stride", "kernel"), [(1, 2, 3), (1, 4, 5), (3, 4, 7), (2, 4, 3)])
def test_the_gradient_of_an_image_smaller_than_the_stride_is_a_number(
    side: int, stride: int, kernel: int
) -> None:
    plain = torch.nn.Conv2d(32, 32, kernel, stride, kernel // 2, bias=False)
    widened = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    handles = widen_small_images(widened)
    values = torch.randn(4, 32, side, side)
    plain(values).square().sum().backward()
    assert plain.weight.grad is not None
    for _ in range(5):
        # what the allocator hands out next holds no numbers
        used = [torch.full((size,), torch.nan) for size in (2**10, 2**13, widened.weight.numel())]
        del used
        widened.weight.grad = None
        with torch.autocast("cpu", torch.bfloat16):
            result = widened(values)
        result.float().square().sum().backward()
        assert result.shape == plain(values).shape
        assert widened.weight.grad is not None
        most = float(plain.weight.grad.abs().max())
        torch.testing.assert_close(widened.weight.grad, plain.weight.grad, rtol=0.1, atol=0.05 * most)
    for handle in handles:
        handle.remove()
    torch.testing.assert_close(widened(values), plain(values))


def test_images_that_are_large_enough_pass_untouched() -> None:
    convolution = torch.nn.Conv2d(3, 4, 3, 2, 1)
    seen: list[torch.Size] = []
    widen_small_images(convolution)
    convolution.register_forward_hook(lambda part, given, result: seen.append(given[0].shape))
    convolution(torch.randn(2, 3, 2, 5))
    assert seen == [torch.Size([2, 3, 2, 5])]
