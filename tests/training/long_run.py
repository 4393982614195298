"""A training run that takes a few seconds, for a test that kills it: `python -m ... FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from mep3m.training.network import train
from tests.models.catalogue import products
from tests.training.tasks import task_of


def main(folder: Path) -> None:
    """Train a small image and title network, with a checkpoint after every step."""
    table, images = products(folder.parent / "images", 60)
    options = {"epochs": 4, "batch": 8, "precision": "float32", "checkpoint_seconds": 0, "pixels": 32}
    options |= {"backbone": "test_resnet", "tokeniser": "whitespace", "embedding": 8, "text.hidden": 8}
    train(task_of(table, images, "joint", options, valid=8), folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
