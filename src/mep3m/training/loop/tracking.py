"""What a run tells while it goes: rate, time left, loss; also for TensorBoard and W&B."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from mep3m.errors import require
from mep3m.settings.training import TrainingSettings

#: seconds between two lines of progress
INTERVAL = 10.0


def duration(seconds: float) -> str:
    """Return seconds as `1 h 02 min`, `3 min 10 s` or `12 s`."""
    whole = max(round(seconds), 0)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


def write_history(folder: Path, epochs: list[dict[str, float]]) -> None:
    """Set `history.jsonl` back to the epochs that a run keeps: those after its checkpoint come again."""
    (folder / "history.jsonl").write_bytes(b"".join(orjson.dumps(figures) + b"\n" for figures in epochs))


class Tracker:
    """Says how fast a run goes and how long it will take, and keeps its figures in `history.jsonl`."""

    def __init__(
        self, folder: Path, settings: TrainingSettings, total: int, seen: int, say: Callable[[str], None]
    ) -> None:
        """Take the rows that the whole run will see and those it has seen before it was interrupted.

        Raises:
            MissingExtraError: TensorBoard or W&B is asked for and not installed.
        """
        self.folder, self.total, self.start_seen, self.say = folder, total, seen, say
        self.started = self.told = time.monotonic()
        self.writer: Any = None
        self.wandb: Any = None
        if settings.tensorboard:
            require("tensorboard", "train")
            writer = require("torch.utils.tensorboard", "train").SummaryWriter
            self.writer = writer(str(folder / "tensorboard"))
        if settings.wandb:
            self.wandb = require("wandb", "wandb").init(dir=str(folder), config=settings.model_dump())

    def rate(self, seen: int) -> float:
        """Return rows a second since this process started."""
        return (seen - self.start_seen) / max(time.monotonic() - self.started, 1e-9)

    def step(self, seen: int, loss: float, where: str) -> None:
        """Say a line every ten seconds."""
        now = time.monotonic()
        if now - self.told < INTERVAL:
            return
        self.told = now
        rate = self.rate(seen)
        left = duration((self.total - seen) / max(rate, 1e-9))
        self.say(f"{where} · loss {loss:.3f} · {rate:,.0f} rows/s · {left} left")

    def epoch(self, figures: dict[str, float]) -> None:
        """Keep the figures of an epoch, and send them wherever was asked for."""
        with (self.folder / "history.jsonl").open("ab") as file:
            file.write(orjson.dumps(figures) + b"\n")
        for name, value in figures.items():
            if self.writer is not None:
                self.writer.add_scalar(name, value, int(figures["epoch"]))
        if self.wandb is not None:
            self.wandb.log(figures)
        parts = [f"{name} {value:.4g}" for name, value in figures.items() if name != "epoch"]
        self.say(f"epoch {int(figures['epoch'])} · " + " · ".join(parts))

    def close(self) -> None:
        """Flush what is still open."""
        if self.writer is not None:
            self.writer.close()
        if self.wandb is not None:
            self.wandb.finish()
