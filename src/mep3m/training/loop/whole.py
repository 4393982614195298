"""Fitting by all rows at once (L-BFGS): heads on frozen features are a smooth problem, solved in seconds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mep3m.label_tree.tree import LabelTree
from mep3m.models.networks.fusion import Standardised
from mep3m.models.networks.product import ProductNetwork
from mep3m.settings.training import TrainingSettings
from mep3m.training.examples import Examples, plan_batches
from mep3m.training.loop.clock import RunClock, Stopwatch
from mep3m.training.losses import class_counts, make_loss

#: rows that go through the heads together
ROWS = 16_384
#: passes over the rows at most, where the settings name no epochs; about 50 suffice
PASSES = 200
#: steps between two looks at the clock, and the share of the loss that so many have to gain: with less to
#: gain, the answers do not change any more (docs/log/pretrained.md)
STEPS, GAIN = 10, 0.01

Batches = Sequence[dict[str, Tensor]]


def fit_whole(
    network: ProductNetwork,
    examples: Examples,
    tree: LabelTree,
    settings: TrainingSettings,
    validation: Examples | None = None,
    clock: RunClock | None = None,
) -> list[dict[str, float]]:
    """Fit what trains in `network` to all rows together, in place; return the figures of the last pass.

    The mean loss of the rows plus `weight_decay` / 2N times the squares of the weights, without biases, is
    made as small as it gets, in `epochs` passes at most, or until the minutes are over. Nothing is drawn:
    dropout and the like do not take part.
    """
    clock = clock or RunClock()
    watch, began = Stopwatch(), time.monotonic()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.eval().to(device)
    batches = read_whole(examples, device)
    standardise(network, batches)
    targets = np.asarray(examples.targets[examples.rows])
    criterion = make_loss(tree, class_counts(targets, len(tree)), settings).to(device)
    trained = [value for value in network.parameters() if value.requires_grad]
    optimiser = torch.optim.LBFGS(trained, max_iter=STEPS, history_size=10, line_search_fn="strong_wolfe")
    passes, penalty = 0, settings.weight_decay / max(len(targets), 1)

    def whole_loss() -> float:
        nonlocal passes
        passes += 1
        optimiser.zero_grad()
        total = 0.0
        for batch in batches:
            share = len(batch["targets"]) / len(targets)
            loss = share * criterion(network(batch), batch["targets"])
            loss.backward()
            total += float(loss.detach())
        weights = penalty / 2 * torch.stack([(value**2).sum() for value in trained if value.ndim > 1]).sum()
        weights.backward()
        return total + float(weights.detach())

    limit, last, loss, cut = settings.epochs or PASSES, float("inf"), float("inf"), False
    while passes < limit and not cut:
        last, loss = loss, float(optimiser.step(whole_loss))
        if last - loss < GAIN * loss:
            break
        cut = settings.budget is not None and clock.left(settings.budget) <= 0
    seconds = max(time.monotonic() - began, 1e-9)
    # a fit that came to its end is not worse for a busy machine
    clock.effort = watch.effort(not cut, passes, limit if cut else passes)
    clock.say(f"heads fitted to {len(targets):,} rows: {passes} passes in {seconds:.1f} s")
    figures = {"epoch": float(passes), "loss": loss, "rows_per_second": passes * len(targets) / seconds}
    if validation is not None:
        figures |= score(network, criterion, read_whole(validation, device), tree)
    return [figures]


def read_whole(examples: Examples, device: torch.device) -> Batches:
    """Return all rows of `examples`, with their targets, on a device."""
    batches = (examples.batch(rows) for rows in plan_batches(examples.rows, ROWS))
    return [{name: value.to(device) for name, value in batch.items()} for batch in batches]


@torch.no_grad()
def standardise(network: ProductNetwork, batches: Batches) -> None:
    """Let the fusion take the mean and spread of its vectors over the rows, where it standardises them."""
    if not isinstance(network.fusion, Standardised) or len(batches[0]["targets"]) < 2:
        return
    network.fusion.norm.reset_running_stats()
    network.fusion.train()
    for batch in batches:
        network.encode(batch)
    network.fusion.eval()


@torch.no_grad()
def score(
    network: nn.Module, criterion: nn.Module, batches: Iterable[dict[str, Tensor]], tree: LabelTree
) -> dict[str, float]:
    """Return the mean loss of some rows and the top-1 of every level that is known of them."""
    total, count, right = 0.0, 0, torch.zeros(tree.depth, 2)
    for batch in batches:
        logits, targets = network(batch).float(), batch["targets"]
        total, count = total + float(criterion(logits, targets)) * len(targets), count + len(targets)
        for level in range(tree.depth):
            nodes, known = tree.nodes(level + 1), targets[:, level] >= 0
            hit = logits[known, nodes].argmax(1) + nodes.start == targets[known, level]
            right[level] += torch.tensor([float(hit.sum()), float(known.sum())])
    top = {f"top1_{level + 1}": float(hits / n) for level, (hits, n) in enumerate(right) if n}
    return {"validation_loss": total / max(count, 1)} | top
