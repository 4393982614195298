"""Tasks over the tiny catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from mep3m.errors import UsageError
from mep3m.settings.run import RunSettings
from mep3m.store.images import Images
from mep3m.training.examples import encode_labels
from mep3m.training.task import Task, Trained
from tests.models.catalogue import TREE


def task_of(
    table: pa.Table,
    images: Images | None,
    model: str = "joint",
    options: dict[str, Any] | None = None,
    valid: int = 0,
) -> Task:
    """Return a task whose last `valid` rows are held out."""
    rows = np.arange(table.num_rows)
    cut = table.num_rows - valid
    modality = {
        "joint": "image+text",
        "late-fusion": "image+text",
        "small-cnn": "image",
        "pretrained": "image",
    }.get(model, "text")
    settings = RunSettings.parse({"model": model, "modality": modality, "options": options or {}}, "test")
    codes = encode_labels(table, TREE)
    return Task(table, TREE, codes, rows[:cut], rows[cut:], images, settings, "split")


def with_minutes(train: Callable[[float], Trained], minutes: float) -> tuple[Trained, float]:
    """Train within so many minutes, or those that it asks for where the machine is too busy for that."""
    try:
        return train(minutes), minutes
    except UsageError as error:
        asked = re.search(r"Give minutes = ([\d.]+)", str(error))
        if asked is None:
            raise
        return train(float(asked[1])), float(asked[1])
