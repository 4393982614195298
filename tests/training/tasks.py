"""Tasks over the tiny catalogue."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from mep3m.settings.run import RunSettings
from mep3m.store.images import Images
from mep3m.training.examples import encode_labels
from mep3m.training.task import Task
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
