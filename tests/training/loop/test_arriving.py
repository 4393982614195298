from __future__ import annotations

import pytest
import torch

from mep3m.training.loop.arriving import Arriving


def test_a_number_arrives_as_it_was_when_it_was_sent() -> None:
    value = torch.tensor(1.5, requires_grad=True)
    sent = Arriving(value * 2)
    assert sent.read() == 3.0
    assert sent.read() == 3.0
    assert not sent.value.requires_grad


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_number_is_not_waited_for_longer_than_it_takes() -> None:
    square = torch.randn(8192, 8192, device="cuda")
    expected = float(square.sum())
    sent = Arriving(square.sum())
    later = torch.cuda.Event()
    for _ in range(200):
        square = square @ square
    later.record()
    assert sent.read() == pytest.approx(expected)
    assert not later.query()
