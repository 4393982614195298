"""Class-incremental methods of Avalanche on given features; run by the Python that has `avalanche-lib`.

    PYTHON bench/learn_avalanche_side.py VECTORS.npz OUT.json SEED [METHOD,METHOD]

VECTORS.npz holds `x` (N, D) of unit length, `y` (N,) classes numbered in the order in which they are learned,
`increments` (N,), 0 for the classes of training, and `asked` (M, D). OUT.json gets, for each method and
increment, the class of every asked row among those learned so far, and the processor seconds that learning
took.

Heads by gradients are linear, as in `mep3m`; iCaRL trains its features, so it gets a layer of its own over
the frozen ones. Settings were chosen on draws that are not reported (docs/log/learn.md).
"""

from __future__ import annotations

import json
import logging
import random
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from avalanche.benchmarks import nc_benchmark
from avalanche.models import IncrementalClassifier, NCMClassifier, TrainEvalModel
from avalanche.training import storage_policy
from avalanche.training.plugins import CurrentDataNCMUpdate, ReplayPlugin
from avalanche.training.supervised import (
    ER_ACE,
    EWC,
    Cumulative,
    ICaRL,
    LwF,
    Naive,
    StreamingLDA,
)

#: vectors that a method may keep: as many as `mep3m` keeps, 16 of 31 classes and 10 of 50
MEMORY = 31 * 16 + 50 * 10
EPOCHS, RATE, DECAY, BATCH = 20, 1e-3, 1e-4, 32
#: of iCaRL's own layer, and what SLDA adds to the diagonal of its covariance
WIDTH, SHRINKAGE = 256, 2e-4
COMMON = {"train_mb_size": BATCH, "eval_mb_size": 256, "evaluator": None, "device": "cpu"}


def linear(width: int) -> torch.nn.Module:
    return IncrementalClassifier(width, initial_out_features=2)


def adam(model: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=RATE, weight_decay=DECAY)


def by_gradients(kind: Any, **options: Any) -> Callable[[int, int], Any]:
    """Return what makes a strategy of a linear head on vectors of a width."""

    def made(width: int, classes: int) -> Any:
        model = linear(width)
        return kind(
            model=model,
            optimizer=adam(model),
            criterion=torch.nn.CrossEntropyLoss(),
            train_epochs=EPOCHS,
            **(options | {"plugins": [one() for one in options.get("plugins", [])]}),
            **COMMON,
        )

    return made


def replay() -> Any:
    """Return the memory of Replay, with as many rows of every class."""
    kept = storage_policy.ClassBalancedBuffer(MEMORY, adaptive_size=True)
    return ReplayPlugin(MEMORY, storage_policy=kept)


def nearest_mean(width: int, classes: int) -> Any:
    """Return nearest class means by cosine, on frozen features; the linear head beside is not asked."""
    model = TrainEvalModel(torch.nn.Identity(), linear(width), NCMClassifier(normalize=True))
    return Naive(
        model=model,
        optimizer=adam(model),
        criterion=torch.nn.CrossEntropyLoss(),
        train_epochs=1,
        plugins=[CurrentDataNCMUpdate()],
        **COMMON,
    )


def icarl(width: int, classes: int) -> Any:
    features = torch.nn.Sequential(torch.nn.Linear(width, WIDTH), torch.nn.ReLU())
    head = torch.nn.Linear(WIDTH, classes)
    return ICaRL(
        feature_extractor=features,
        classifier=head,
        optimizer=torch.optim.Adam([*features.parameters(), *head.parameters()], RATE, weight_decay=DECAY),
        memory_size=MEMORY,
        buffer_transform=None,
        fixed_memory=True,
        train_epochs=EPOCHS,
        **COMMON,
    )


class UnitLength(torch.nn.Module):
    """Vectors (B, D) to unit length: what SLDA's usual shrinkage of 1e-4 is about right for."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the vectors at unit length."""
        return torch.nn.functional.normalize(x)


def slda(shrinkage: float) -> Callable[[int, int], Any]:
    """Return streaming LDA with a shrinkage; it learns row by row, once.

    A batch is all rows of an increment, as it inverts its covariance for each batch that it sees.
    """

    def made(width: int, classes: int) -> Any:
        return StreamingLDA(
            slda_model=UnitLength(),
            criterion=torch.nn.CrossEntropyLoss(),
            input_size=width,
            num_classes=classes,
            shrinkage_param=shrinkage,
            **(COMMON | {"train_mb_size": 10_000}),
        )

    return made


METHODS: dict[str, Callable[[int, int], Any]] = {
    "naive": by_gradients(Naive),
    "EWC": by_gradients(EWC, ewc_lambda=1000.0),
    "LwF": by_gradients(LwF, alpha=1.0, temperature=2.0),
    "replay": by_gradients(Naive, plugins=[replay]),
    "ER-ACE": by_gradients(ER_ACE, mem_size=MEMORY, batch_size_mem=BATCH),
    "iCaRL": icarl,
    "nearest mean": nearest_mean,
    "SLDA": slda(SHRINKAGE),
    "all photos kept": by_gradients(Cumulative),
}


def answers(strategy: Any, asked: torch.Tensor, known: int) -> list[int]:
    """Return the most probable (M,) of the first `known` classes."""
    strategy.model.eval()
    with torch.no_grad():
        made = strategy.model(asked)
        scores = strategy.predict(made) if isinstance(strategy, StreamingLDA) else made
    return [int(one) for one in scores[:, :known].argmax(1)]


class Rows(torch.utils.data.Dataset):
    """Vectors (N, D) with their classes, in the form that Avalanche reads."""

    def __init__(self, x: torch.Tensor, y: list[int]) -> None:
        self.x, self.targets = x, y

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return self.x[place], self.targets[place]


def experiences(x: torch.Tensor, y: list[int], increments: np.ndarray) -> Any:
    """Return the rows as Avalanche's sequence of experiences, classes in the order of their numbers."""
    rows = Rows(x, y)
    first = 1 + max(one for one, when in zip(y, increments, strict=True) if when == 0)
    return nc_benchmark(
        rows,
        rows,
        n_experiences=int(increments.max()) + 1,
        task_labels=False,
        shuffle=False,
        per_exp_classes={0: first},
        fixed_class_order=list(range(max(y) + 1)),
    ).train_stream


def main(vectors: Path, out: Path, seed: int, methods: list[str]) -> None:
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    held = np.load(vectors)
    scale = float(np.sqrt(held["x"].shape[1]))  # so that an entry has a spread of about 1
    x, asked = (torch.from_numpy(held[name] * scale) for name in ("x", "asked"))
    y = held["y"].tolist()
    found: dict[str, list[dict[str, Any]]] = json.loads(out.read_text()) if out.exists() else {}
    for name in (one for one in methods if one not in found):  # a run that was stopped goes on
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        strategy = METHODS[name](x.shape[1], max(y) + 1)
        told: list[dict[str, Any]] = []
        for experience in experiences(x, y, held["increments"]):
            began = time.process_time()
            strategy.train(experience, num_workers=0)
            spent = time.process_time() - began
            known = max(experience.classes_in_this_experience) + 1
            told.append({"answers": answers(strategy, asked, known), "seconds": spent})
        found[name] = told
        out.write_text(json.dumps(found))


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        int(sys.argv[3]),
        sys.argv[4].split(",") if sys.argv[4:] else [*METHODS],
    )
