"""The state of a run on disk, so that a killed run goes on to the very same weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mep3m.errors import ModelError
from mep3m.store.filesystem import atomic_write
from mep3m.training.task import CHECKPOINT


@dataclass
class State:
    """Where a run stands. Random draws are functions of seed and step, so no generator is kept."""

    #: how many epochs the run has; 0 where that is not decided yet
    epochs: int = 0
    #: how many batches, and the seconds that have gone into it: of a run that minutes bound
    total: int = 0
    seconds: float = 0.0
    epoch: int = 0
    batch: int = 0
    step: int = 0
    seen: int = 0
    loss: float = 0.0
    best: float = float("inf")
    stale: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def save_checkpoint(folder: Path, run: str, state: State, tensors: dict[str, Any]) -> None:
    """Write the state; the file before it stays until this one is whole.

    `run` is the fingerprint of everything that must not change between the parts of one run.
    """
    with atomic_write(folder / CHECKPOINT) as temporary:
        torch.save({"run": run, "state": vars(state), "tensors": tensors}, temporary)


def load_checkpoint(folder: Path, run: str) -> tuple[State, dict[str, Any]] | None:
    """Return the state and tensors of an interrupted run, `None` where there is none.

    Raises:
        ModelError: the checkpoint is damaged, or of other data, settings or taxonomy.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(f"{path} is damaged ({error}); delete it to start again") from error
    if saved["run"] != run:
        raise ModelError(
            f"{path} belongs to a run with other rows, settings or taxonomy; "
            "choose another output folder, or delete the file to start again"
        )
    return State(**saved["state"]), saved["tensors"]
