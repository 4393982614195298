"""Training of the default for image and text: each modality's own default, then their weights."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from mep3m.models.late_fusion import LateFusion, fuse, learn_weights
from mep3m.training import network
from mep3m.training.linear import fit as linear
from mep3m.training.task import Task, Trained

#: the image part; `image_model` in the options names another
IMAGE_MODEL = "pretrained"


def train(task: Task, run: Path) -> Trained:
    """Train the linear text model and an image network, and weigh them on the validation rows.

    Options starting with `text.` go to the linear model, `image_model` names the image network, all
    others go to it. Where they give it minutes, those of the linear model count. `valid_proba` is slightly
    favourable: its rows also chose one weight a part and level.
    """
    options = dict(task.settings.options)
    model = str(options.pop("image_model", IMAGE_MODEL))
    text_options = {key[5:]: options.pop(key) for key in list(options) if key.startswith("text.")}
    began = time.monotonic()
    text = linear.train(_part(task, "text", "linear", text_options), run / "text")
    spent = time.monotonic() - began
    image = network.train(_part(task, "image", model, options), run / "image", spent)
    present = np.stack([image.valid_seen, text.valid_seen], 1)
    opinions = [image.valid_proba, text.valid_proba]
    joined = task.hierarchy != "flat"
    weights = learn_weights(task.tree, opinions, task.codes[task.valid], present, joined)
    parts = {"image": image.classifier, "text": text.classifier}
    classifier = LateFusion(task.tree, parts, weights, joined)
    log = {"image": image.log, "text": text.log, "weights": weights.tolist()}
    proba = fuse(task.tree, opinions, weights, present, joined)
    timings = {"image": image.timings, "text": text.timings}
    seen = np.asarray(present.any(1))
    return Trained(classifier, proba, seen, log, timings, image.remarks, image.choices)


def _part(task: Task, modality: str, model: str, options: dict[str, object]) -> Task:
    """Return the task of one modality alone, on the same rows and with the same order.

    Where none is named the image model takes its own: only its probabilities of a level count.
    """
    hierarchy = "auto" if modality == "image" and task.settings.hierarchy == "auto" else task.hierarchy
    changes = {"modality": modality, "model": model, "options": options, "hierarchy": hierarchy}
    return replace(task, settings=task.settings.model_copy(update=changes))
