"""A number that a GPU has still to compute."""

from __future__ import annotations

import torch
from torch import Tensor


class Arriving:
    """One number on its way to main memory, which can be waited for without waiting for later work.

    `float(tensor)` waits for all that the GPU was given until then.
    """

    def __init__(self, value: Tensor) -> None:
        """Take the number, a tensor of one element; its copy starts as soon as it is computed."""
        self.value = value.detach().to("cpu", non_blocking=True)
        self.arrival: torch.cuda.Event | None = None
        if value.is_cuda:
            self.arrival = torch.cuda.Event()
            self.arrival.record()

    def read(self) -> float:
        """Return the number, as soon as it is there."""
        if self.arrival is not None:
            self.arrival.synchronize()
        return float(self.value)
