"""A training run that takes a few seconds, for a test that kills it: `python -m ... FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from mep3m.settings.network import ImageSettings, NetworkSettings, TextSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training.network import train_network
from tests.models.catalogue import TREE, products


def main(folder: Path) -> None:
    """Train a small image and title network, with a checkpoint after every step."""
    table, images = products(folder.parent / "images", 60)
    text = TextSettings(tokeniser="whitespace", embedding=8, hidden=8)
    network = NetworkSettings(title=text, image=ImageSettings(backbone="test_resnet", pixels=32))
    training = TrainingSettings(epochs=8, batch=8, precision="float32", checkpoint_seconds=0, validation=0.2)
    train_network(table, TREE, network, training, folder, images)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
