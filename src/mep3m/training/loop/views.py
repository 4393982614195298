"""How many views of each picture a frozen encoder looks at: as many as the minutes allow."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import cast

import numpy as np

from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.networks.image import ImageEncoder
from mep3m.settings.network import ImageSettings
from mep3m.settings.training import LARGE, MINUTES, TrainingSettings
from mep3m.training.loop.clock import RunClock
from mep3m.training.task import Task

#: share of the minutes that the features may take; the rest is for the heads and the held-out rows
SHARE = 0.6
#: pictures that are encoded to learn the pace
SAMPLE = 24


def with_views(
    task: Task, backbone: NetworkClassifier, training: TrainingSettings, clock: RunClock
) -> NetworkClassifier:
    """Return a backbone that looks at each image no more often than the minutes of the training allow.

    Of several crops the last go first, then the mirror image. Its network is that of `backbone`, which is not
    to be used any more.
    """
    image = backbone.settings.image
    if image is None or training.minutes is None or len(image.crops) == 1:
        return backbone
    minutes = training.minutes if isinstance(training.minutes, float) else MINUTES * max(len(task) / LARGE, 1)
    single = image.model_copy(update={"crops": image.crops[:1], "mirror": False})
    seconds = _seconds(task, looking(backbone, single))
    affordable = (60 * minutes * SHARE - clock.seconds) / max(seconds * len(task), 1e-9)
    views = next((one for one in _fewer(image) if _passes(one) <= affordable), single)
    if views != image:
        clock.say(
            f"{_passes(views)} of {_passes(image)} views of each picture: at {1 / seconds:,.0f} a second "
            f"more would take longer than minutes = {minutes:g} allows"
        )
    return looking(backbone, views)


def looking(backbone: NetworkClassifier, image: ImageSettings) -> NetworkClassifier:
    """Return a backbone with the network of another, that looks at images as these settings say."""
    cast(ImageEncoder, backbone.network.encoders["image"]).mirror = image.mirror
    return replace(backbone, settings=backbone.settings.model_copy(update={"image": image}))


def _passes(image: ImageSettings) -> int:
    return len(image.crops) * (2 if image.mirror else 1)


def _fewer(image: ImageSettings) -> list[ImageSettings]:
    """Return the settings with ever fewer views, all of them first."""
    counts = range(len(image.crops), 0, -1)
    some = [image.model_copy(update={"crops": image.crops[:count]}) for count in counts]
    return [*some, some[-1].model_copy(update={"mirror": False})]


def _seconds(task: Task, backbone: NetworkClassifier) -> float:
    """Return the seconds of one pass over one picture, after a first batch that warms up."""
    rows = task.products.take(np.arange(min(SAMPLE, len(task))))
    backbone.encode(rows, task.images)
    began = time.perf_counter()
    backbone.encode(rows, task.images)
    return float(time.perf_counter() - began) / float(rows.num_rows)
