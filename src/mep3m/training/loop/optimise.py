"""Optimisers, learning rates and the moving average of the weights, as functions of the step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mep3m.settings.training import TrainingSettings

#: share of the run in which one_cycle rises, and the rate it starts and ends at
WARM, START, END = 0.2, 0.05, 0.002


def make_optimiser(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Return the optimiser over the parameters that train; biases and norms are not decayed."""
    trained = [value for value in network.parameters() if value.requires_grad]
    groups = [
        {"params": [value for value in trained if value.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [value for value in trained if value.ndim <= 1], "weight_decay": 0.0},
    ]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, settings.learning_rate, momentum=0.9, nesterov=True)
    kind = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    return kind(groups, settings.learning_rate)


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
        """Start from the network's present weights."""
        self.decay = decay
        self.values = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network's weights after `step` steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        state: dict[str, Tensor] = network.state_dict()
        for key, value in state.items():
            if value.is_floating_point():
                self.values[key].lerp_(value, 1 - decay)
            else:
                self.values[key].copy_(value)
