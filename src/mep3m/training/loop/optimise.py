"""Optimisers, learning rates and the moving average of the weights, as functions of the step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mep3m.settings.training import TrainingSettings

#: share of the run in which one_cycle rises, and the rate it starts and ends at
WARM, START, END = 0.2, 0.05, 0.002


def make_optimiser(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Return the optimiser over the parameters that train; biases and norms are not decayed.

    Fused: one pass over the weights a step, where the plain ones take about ten.
    """
    trained = [value for value in network.parameters() if value.requires_grad]
    groups = [
        {"params": [value for value in trained if value.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [value for value in trained if value.ndim <= 1], "weight_decay": 0.0},
    ]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, settings.learning_rate, momentum=0.9, nesterov=True, fused=True)
    kind = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    return kind(groups, settings.learning_rate, fused=True)


def rate_at(settings: TrainingSettings, step: int, steps: int, epoch: int) -> float:
    """Return the learning rate of one step of `steps`, in epoch `epoch` (from 0)."""
    top = settings.learning_rate
    if settings.schedule == "constant":
        return top
    if settings.schedule == "halving":
        return top * 0.5 ** (epoch // 2)
    share = min(step / max(steps, 1), 1.0)
    if settings.schedule == "one_cycle" and share < WARM:
        return top * (START + (1 - START) * share / WARM)
    if settings.schedule == "one_cycle":
        share = (share - WARM) / (1 - WARM)
    return top * (END + (1 - END) * (1 + math.cos(math.pi * share)) / 2)


class Average:
    """An exponential moving average of a network's weights; the decay rises from 0.1 at the start."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Start from the network's present weights, which have to stay the same tensors."""
        self.decay = decay
        state: dict[str, Tensor] = network.state_dict()
        self.values = {key: value.detach().clone() for key, value in state.items()}
        numbers = [key for key, value in state.items() if value.is_floating_point()]
        self.moving = [(self.values[key], state[key]) for key in numbers]
        self.counts = [(self.values[key], state[key]) for key in state.keys() - set(numbers)]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the network's weights after `step` steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        means, weights = zip(*self.moving, strict=True)
        torch._foreach_lerp_(means, weights, 1 - decay)
        if self.counts:
            counts, values = zip(*self.counts, strict=True)
            torch._foreach_copy_(counts, values)

    def load(self, values: dict[str, Tensor]) -> None:
        """Take the averages of an interrupted run."""
        for key, value in self.values.items():
            value.copy_(values[key])
