"""Which rows an encoder learns from, and what is wrong with them before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset
from mep3m.dataset.splits import duplicate_groups, split_products
from mep3m.errors import NotFoundError, SettingsError, UsageError, did_you_mean
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.settings.network import WEIGHT_WORDS
from mep3m.settings.run import Modality, PretrainSettings
from mep3m.store.images import Images
from mep3m.taxonomy import Taxonomy
from mep3m.training.task import Task, make_task

#: the network of an encoder, by what it reads: small enough for a processor where it begins with nothing
FROM_NOTHING = {"image": "small-cnn", "text": "bilstm", "image+text": "joint"}
FROM_WEIGHTS = {"image": "timm", "image+text": "joint"}
#: what is learned on top of weights: a network, and how large its images are. Decision 305
ON_TOP = {"backbone": "tf_efficientnet_lite0", "image.pixels": 128}
#: weights that are good already want small steps
SMALL_STEPS = {"learning_rate": 5e-4}
#: two views of an image have to differ more than those that a label goes with
WIDE_VIEWS = {"batch": 128, "crop": 0.2, "colour": 0.4}
#: options of a training that pre-training has no use for, and why
_USELESS = {
    "frozen": "what is frozen learns nothing",
    "paste": "a rectangle of another product has another title and platform",
    "patience": "no rows are scored while an encoder learns; bound it by minutes or epochs",
    "ocr": "the text in images has no encoder of its own here",
}


@dataclass(frozen=True)
class Pretraining:
    """The task of an encoder, and what it is measured on: `dataset` has the rows of the task in their order.

    `left` are the products of a platform that is left out. `skipped` rows lack an image or a title that the
    objective needs.
    """

    task: Task
    dataset: Dataset
    left: Dataset | None
    skipped: int


def make_pretraining(
    dataset: Dataset, settings: PretrainSettings, images: Images | None, taxonomy: Taxonomy | None
) -> Pretraining:
    """Choose the rows, hold some out, and number what the objective looks at.

    Raises:
        UsageError: there are no two classes, titles, images or platforms where they are needed.
        NotFoundError: no product comes from the platform that is to be left out.
    """
    check_settings(settings)
    if settings.objective == "supervised":
        dataset = dataset.labelled()
    whole = len(dataset)
    dataset = dataset.take(np.flatnonzero(readable(dataset, modality_of(settings), settings.objective)))
    kept, left = _without(dataset, settings.leave_out)
    platforms, platform = np.unique(kept.products["source"].to_pylist(), return_inverse=True)
    if settings.platform_signal != "none" and len(platforms) < 2:
        raise UsageError(
            f"all products come from one platform, '{platforms[0]}': there is none to tell it from; name the "
            "column of the platforms (of a table: --platform), or leave --platform-signal out"
        )
    tags = {"platform": platform.astype(np.int64)}
    if settings.objective == "image-text":
        tags |= {"category": _numbers(kept.paths), "group": _numbers(duplicate_groups(kept.products))}
    model, options = network_for(settings)
    run = settings.model_copy(update={"modality": modality_of(settings), "model": model, "options": options})
    if settings.objective == "supervised":
        made = make_task(kept, run, images, taxonomy)
        task = Task(**{**vars(made), "tags": tags})
    else:
        task = _unlabelled(kept, run, images, tags)
    return Pretraining(task, kept, left, whole - len(dataset))


def modality_of(settings: PretrainSettings) -> Modality:
    """Return what the networks read: titles beside images teach images where the objective is so."""
    return "image+text" if settings.objective == "image-text" else settings.modality


def network_for(settings: PretrainSettings) -> tuple[str, dict[str, Any]]:
    """Return the name of the network and all its options: those of the caller over those of the purpose."""
    modality, own, options = modality_of(settings), settings.options, dict[str, Any]()
    if settings.objective == "self-supervised":
        options |= WIDE_VIEWS
    if modality == "text":
        start = {} if settings.weights == "none" else {"weights": settings.weights, **SMALL_STEPS}
        return FROM_NOTHING[modality], {"preset": "modern", **start, **own}
    if settings.weights == "none":
        return FROM_NOTHING[modality], {**options, **own}
    options |= SMALL_STEPS
    if settings.weights in ("packaged", "auto") and "backbone" not in own:
        options |= ON_TOP
    if "pixels" in own:
        options.pop("image.pixels", None)
    return FROM_WEIGHTS[modality], {**options, "image.weights": settings.weights, **own}


def check_settings(settings: PretrainSettings) -> None:
    """Refuse settings that do not go together.

    Raises:
        UsageError: the objective, the modality or the weights.
        SettingsError: an option.
    """
    if settings.objective == "image-text" and settings.modality == "text":
        raise UsageError("--objective image-text teaches images by titles: leave out --modality text")
    if settings.objective == "self-supervised" and settings.modality != "image":
        raise UsageError(
            f"--objective self-supervised compares views of images, not --modality {settings.modality}; "
            "leave it out, or choose --objective supervised"
        )
    if settings.modality == "text" and settings.weights in set(WEIGHT_WORDS) - {"none"}:
        raise UsageError(
            f"--weights {settings.weights} begins an image network; an encoder of titles begins with "
            "nothing, or with the folder of another: leave --weights out"
        )
    options = {name.rpartition(".")[2]: value for name, value in settings.options.items()}
    for name in options.keys() & _USELESS.keys():
        raise SettingsError(f"--set {name} is not for pre-training: {_USELESS[name]}")
    if "weights" in options:
        raise SettingsError("--set weights is not for pre-training: --weights says where the encoder begins")
    if settings.objective == "self-supervised" and str(options.get("augment", "true")).lower() in (
        "false",
        "0",
        "no",
    ):
        raise SettingsError("--objective self-supervised needs views that differ: leave out --set augment")


def readable(dataset: Dataset, modality: Modality, objective: str) -> NDArray[np.bool_]:
    """Return (N,) which rows have an image and a title, as far as they are needed.

    Raises:
        UsageError: no row has, or fewer than two.
    """
    products = dataset.products
    columns = {"image": ("image", "image_ref"), "title": ("title",)}
    options = {"image": "--image", "title": "--title"}
    parts = {"image": ["image"], "text": ["title"], "image+text": ["image", "title"]}[modality]
    has = {
        part: np.logical_or.reduce(
            [np.array([bool(one) for one in products[name].to_pylist()], bool) for name in columns[part]]
        )
        for part in parts
    }
    for part in parts:
        if not has[part].any():
            raise UsageError(
                f"no product has {'an image' if part == 'image' else 'a title'}, and the encoder learns from "
                f"it; name the column with {options[part]}"
            )
    both = np.logical_and if objective == "image-text" else np.logical_or
    told: NDArray[np.bool_] = both.reduce(list(has.values()))
    if told.sum() < 2:
        raise UsageError(
            f"{int(told.sum())} of {len(told):,} products have {' and '.join(parts)}: an encoder needs two "
            "at least"
        )
    return told


def _without(dataset: Dataset, platform: str | None) -> tuple[Dataset, Dataset | None]:
    """Return the products of all other platforms, and those of this one."""
    if platform is None:
        return dataset, None
    own = np.array([source == platform for source in dataset.products["source"].to_pylist()], bool)
    known = set(dataset.products["source"].to_pylist())
    if not own.any():
        raise NotFoundError(f"no product comes from the platform '{platform}'{did_you_mean(platform, known)}")
    if own.all():
        raise UsageError(f"all products come from '{platform}': without it there are none to learn from")
    return dataset.take(np.flatnonzero(~own)), dataset.take(np.flatnonzero(own))


def _numbers(values: Sequence[LabelPath] | NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the number of each value (N,), -1 where it is empty."""
    number = {value: place for place, value in enumerate(dict.fromkeys(value for value in values if value))}
    return np.array([number.get(value, -1) for value in values], np.int64)


def _unlabelled(
    dataset: Dataset, run: PretrainSettings, images: Images | None, tags: dict[str, NDArray[np.int64]]
) -> Task:
    """Return a task in which labels play no part."""
    split = split_products(
        dataset.products, run.split, run.valid_share, run.seed, dataset.names(1), allow_empty_test=True
    )
    train, valid = split.rows(dataset.products)
    codes = np.zeros((len(dataset), 1), np.int32)
    tree = LabelTree.from_paths([("any",)])
    return Task(dataset.products, tree, codes, train, valid, images, run, split.id, tags)
