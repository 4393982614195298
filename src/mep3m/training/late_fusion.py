"""Training of the default for image and text: each modality's own default, then their weights."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mep3m.errors import SettingsError
from mep3m.models.late_fusion import LateFusion, fuse, learn_weights
from mep3m.training import network, network_presets
from mep3m.training.linear import fit as linear
from mep3m.training.task import Task, Trained

#: the image part; `image_model` in the options names another
IMAGE_MODEL = "pretrained"
#: beside titles the image part is surer of rare classes than it is right with one (docs/log/pretrained.md)
NO_DISCRIMINANT: dict[str, Any] = {"discriminant": None}


def train(task: Task, run: Path) -> Trained:
    """Train the linear text model and an image network, and weigh them on the validation rows.

    With `ocr=true` the OCR text is a third part, a linear model that reads nothing else; where no row has a
    title, it is the second one. Options starting with `text.` or `ocr.` go to that linear model,
    `image_model` names the image network, all others go to it (`pretrained` is used without a discriminant
    unless they name one). Where they give it minutes, those of the
    linear models count. `valid_proba` is slightly favourable: its rows also chose one weight a part and
    level.

    Raises:
        SettingsError: an option is unknown or not allowed.
        UsageError: no row has a title, or with `ocr` no row has OCR text.
    """
    options = dict(task.settings.options)
    model = str(options.pop("image_model", IMAGE_MODEL))
    texts: dict[str, dict[str, Any]] = {"text": {}}
    if network_presets.take_flag(options, "ocr", "options of late-fusion"):
        texts["ocr"] = {"title": False, "ocr": True}
        if task.products["title"].null_count == len(task):
            network.tell("no row has a title: the image and the OCR text are fused")
            del texts["text"]
    own = {name: _own(options, name) for name in ("text", "ocr")}
    for name in own.keys() - texts.keys():
        if own[name]:
            missing = "set ocr = true" if name == "ocr" else "no row has a title"
            raise SettingsError(
                f"'{name}.{next(iter(own[name]))}' is of a part that is not trained: {missing}"
            )
    began = time.monotonic()
    read = {
        name: linear.train(_part(task, "text", "linear", reads | own[name]), run / name)
        for name, reads in texts.items()
    }
    spent = time.monotonic() - began
    if model == IMAGE_MODEL:
        options = NO_DISCRIMINANT | options
    image = network.train(_part(task, "image", model, options), run / "image", spent)
    parts = {"image": image, **read}
    present = np.stack([part.valid_seen for part in parts.values()], 1)
    opinions = [part.valid_proba for part in parts.values()]
    joined = task.hierarchy != "flat"
    weights = learn_weights(task.tree, opinions, task.codes[task.valid], present, joined)
    classifiers = {name: part.classifier for name, part in parts.items()}
    classifier = LateFusion(task.tree, classifiers, weights, joined)
    log = {**{name: part.log for name, part in parts.items()}, "weights": weights.tolist()}
    proba = fuse(task.tree, opinions, weights, present, joined)
    timings = {name: part.timings for name, part in parts.items()}
    seen = np.asarray(present.any(1))
    return Trained(classifier, proba, seen, log, timings, image.remarks, image.choices)


def _own(options: dict[str, Any], name: str) -> dict[str, Any]:
    """Take the options of one linear part out of `options`; they are named `NAME.OPTION`."""
    start = len(name) + 1
    return {key[start:]: options.pop(key) for key in list(options) if key.startswith(f"{name}.")}


def _part(task: Task, modality: str, model: str, options: dict[str, object]) -> Task:
    """Return the task of one modality alone, on the same rows and with the same order.

    Where none is named the image model takes its own: only its probabilities of a level count.
    """
    hierarchy = "auto" if modality == "image" and task.settings.hierarchy == "auto" else task.hierarchy
    changes = {"modality": modality, "model": model, "options": options, "hierarchy": hierarchy}
    return replace(task, settings=task.settings.model_copy(update=changes))
