"""From labelled product rows to a saved network classifier."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from accelerate import PartialState
from numpy.typing import NDArray
from torch import nn

from mep3m.errors import UsageError
from mep3m.label_tree.probabilities import prior
from mep3m.models.features import open_backbone, with_normalisation
from mep3m.models.inputs.columns import Coder, Inputs, Modality, Tokens, texts_of
from mep3m.models.inputs.pixels import Decoding, PixelReader
from mep3m.models.inputs.words import TokenVocabulary, word_vectors
from mep3m.models.networks.build import build_network
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.networks.product import ProductNetwork
from mep3m.models.pretrained.titles import coder_of_weights
from mep3m.models.pretrained.weights import PretrainedWeights, described
from mep3m.settings.network import NetworkSettings, TextSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training.examples import Examples, usable_rows
from mep3m.training.frozen import Fitted, shared_cache, train_on_frozen
from mep3m.training.last_stages import check_beginning, on_kept_stages
from mep3m.training.loop.augment import check_growth
from mep3m.training.loop.clock import RunClock, epochs_within
from mep3m.training.loop.fit import FitState, fit
from mep3m.training.loop.views import with_views
from mep3m.training.losses import class_counts, learned_codes
from mep3m.training.network_presets import choose
from mep3m.training.paper_choices import own_choices
from mep3m.training.task import CHECKPOINT, Say, Task, Trained

#: cached images are larger than what the network sees by this factor, so that crops stay sharp
MARGIN = 1.25


def train(task: Task, run: Path, spent: float = 0.0) -> Trained:
    """Train the network that the task's settings name; started again after an interruption, it goes on.

    Of the minutes of its settings `spent` seconds are gone. The last checkpoint stays until
    `task.clear_checkpoints`, so that a larger run that is killed later takes this part from it instead of
    training it again.

    Raises:
        UsageError: nothing to train on, or the memory or the minutes do not suffice.
        SettingsError: an option is unknown or not allowed.
        ModelError: pre-trained weights are absent, the loss is not a number, a foreign checkpoint.
    """
    network, training, weights = choose(task, tell)
    began, clock = time.perf_counter(), RunClock(spent, say=tell)
    classifier, history, rejects, valid = train_network(task, network, training, run, clock, weights)
    if valid is None:
        valid = classifier.predict(task.products.take(task.valid), task.images)
    timings: dict[str, Any] = {"seconds": round(time.perf_counter() - began, 1)}
    timings["rows_per_second"] = [round(epoch.pop("rows_per_second"), 1) for epoch in history]
    remarks: list[str] = []
    if clock.effort is not None:
        scratch = not any(getattr(getattr(network, name), "weights", None) for name in network.modalities)
        remarks = clock.effort.remarks(scratch, training.epochs is None and training.minutes is not None)
        timings["effort"] = clock.effort.to_json()
    for line in remarks:
        tell(line)
    log = {
        "parameters": sum(value.numel() for value in classifier.network.parameters()),
        "network": classifier.settings.model_dump(mode="json"),
        "weights": described(classifier.settings.image, weights) if classifier.settings.image else None,
        "training": training.model_dump(mode="json"),
        "epochs": history,
        "unreadable_images": [asdict(reject) for reject in rejects[:100]],
    }
    if rejects:
        tell(f"{len(rejects):,} images could not be read and were left out (first: {rejects[0].reason})")
    classifier.save(run)
    choices = own_choices(classifier.settings, training)
    return Trained(classifier, valid.proba, valid.seen, log, timings, tuple(remarks), choices)


def tell(line: str) -> None:
    """Write a line of progress on standard error; of several processes only the first does."""
    if PartialState().is_main_process:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def train_network(
    task: Task,
    network: NetworkSettings,
    training: TrainingSettings,
    run: Path,
    clock: RunClock | None = None,
    weights: PretrainedWeights | None = None,
    teach: Callable[[ProductNetwork], nn.Module] | None = None,
) -> Fitted:
    """Train a network, its last stages, or with `frozen` its heads on encoders that see each row once.

    `weights` are those that the settings of the image name, where they have been found already. `teach`, in
    pre-training, puts around the network what it learns by (`training.pretraining`).

    TokenVocabulary and word vectors come from the training rows only. The state of an interrupted run and
    the decoded images are kept in `run/work`.
    """
    work, clock = run / "work", clock or RunClock(say=tell)
    work.mkdir(parents=True, exist_ok=True)
    network = with_normalisation(with_margin(network, training))
    if network.frozen:
        parts = [open_backbone(only(network, name), weights) for name in network.modalities]
        parts = [with_views(task, part, training, clock) for part in parts]
        encoders = {
            name: getattr(part.settings, name) for name, part in zip(network.modalities, parts, strict=True)
        }
        network = network.model_copy(update=encoders)
        return train_on_frozen(task, parts, network, training, run, clock)
    if network.image is not None and network.image.trained is not None:
        check_beginning(network.image, training)
        kept = None if teach else on_kept_stages(task, network, training, run, clock, weights)
        if kept is not None:
            return kept
    if network.image is not None and len(network.image.crops) > 1:
        raise UsageError("several crops of an image are for frozen encoders: give one, or frozen = true")
    if training.optimiser == "lbfgs":
        raise UsageError(
            "optimiser = lbfgs fits heads on encoders that stay as they are: give adamw, or frozen = true; "
            "--model timm trains all of a network"
        )
    learned = task.products.take(task.train)
    coders = fit_coders(learned, network)
    sizes = {name: len(coder) for name, coder in coders.items()}
    torch.manual_seed(training.seed)
    vectors = _vectors(learned, network, coders, training)
    model = build_network(network, task.tree, sizes, vectors, weights=weights)
    taught = model if teach is None else teach(model)
    with scratch_folder(work) as scratch:
        if training.budget is not None:
            clock.after = check_minutes(task, network, coders, training, taught, scratch, clock)
        # the first process decodes the images, the others find them
        with PartialState().main_process_first(), shared_cache(training, work) as cache:
            inputs = read_inputs(task, network, coders, training, (cache, scratch), clock.say)
        rows = usable_rows(inputs, task.codes)
        codes = learned_codes(task.codes, task.tree, network.hierarchy, training.loss)
        examples = Examples(inputs, codes, np.intersect1d(rows, task.train), task.tags)
        held = np.intersect1d(rows, task.valid)
        validation = Examples(inputs, codes, held) if len(held) and teach is None else None
        if network.image and training.grow < 1:
            check_growth(model.encoders["image"], network.image, training.grow)
        history = fit(taught, examples, task.tree, training, work, validation, network.image, clock)
        counts = class_counts(task.codes[examples.rows], len(task.tree))
        rejects = inputs.rejects
    shares = prior(task.tree, counts)
    return Fitted(NetworkClassifier(task.tree, network, model.cpu(), coders, shares), history, rejects)


def check_minutes(
    task: Task,
    network: NetworkSettings,
    coders: Mapping[str, Coder],
    training: TrainingSettings,
    model: nn.Module,
    scratch: Path,
    clock: RunClock,
) -> float:
    """Return the seconds that a run needs after its last step, measured on a few rows before any work.

    Raises:
        UsageError: the minutes do not suffice for one epoch.
    """
    rows = task.train[: training.batch]
    few = replace(task, products=task.products.take(rows))
    anew = training.model_copy(update={"cache_images": False})
    folder = scratch / "pace"
    folder.mkdir()
    inputs = read_inputs(few, network, coders, anew, (folder, folder), lambda line: None)
    codes = learned_codes(task.codes[rows], task.tree, network.hierarchy, training.loss)
    tags = {name: values[rows] for name, values in task.tags.items()}
    some = Examples(inputs, codes, np.arange(len(rows)), tags)
    pace = FitState(deepcopy(model), some, task.tree, anew, folder, network.image).pace()
    if not (scratch.parent / CHECKPOINT).exists():
        epochs_within(training.budget or 0.0, clock.seconds, pace, len(task.train), len(task.valid))
    return pace.after(len(task.valid))


@contextmanager
def scratch_folder(work: Path) -> Iterator[Path]:
    """Give this process an empty folder that is deleted in the end, if it is killed by the run after it."""
    folder = work / f"scratch-{PartialState().process_index}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def with_margin(network: NetworkSettings, training: TrainingSettings) -> NetworkSettings:
    """Return the settings with images decoded larger where crops are cut from them.

    The trained classifier decodes the same way: the same image decoded to fewer pixels at once is
    sharper than anything that the network has seen.
    """
    if network.image is None or not training.augment or network.frozen:
        return network
    margin = max(network.image.margin, MARGIN)
    return network.model_copy(update={"image": network.image.model_copy(update={"margin": margin})})


def only(network: NetworkSettings, name: str) -> NetworkSettings:
    """Return the settings of one encoder alone, frozen as it is in the network (then it is compiled)."""
    return NetworkSettings(**{name: getattr(network, name)}, frozen=network.frozen)


def _texts(network: NetworkSettings) -> dict[str, TextSettings]:
    return {name: getattr(network, name) for name in ("title", "ocr") if getattr(network, name) is not None}


def fit_coders(products: pa.Table, network: NetworkSettings) -> dict[str, Coder]:
    """Return the vocabulary of each text modality, counted on these rows, or its pre-trained tokeniser."""
    coders: dict[str, Coder] = {}
    for name, text in _texts(network).items():
        if text.encoder == "bert" or text.weights is not None:
            coders[name] = coder_of_weights(text)
        else:
            chunks = chain.from_iterable(texts_of(products, name))
            coders[name] = TokenVocabulary.fit(chunks, text.tokeniser, text.max_tokens, text.vocabulary)
    return coders


def _vectors(
    products: pa.Table, network: NetworkSettings, coders: Mapping[str, Coder], training: TrainingSettings
) -> dict[str, NDArray[np.float32]]:
    """Train Word2vec for each text modality that wants it."""
    vectors = {}
    for name, text in _texts(network).items():
        coder = coders[name]
        if text.word2vec and text.weights is None and isinstance(coder, TokenVocabulary):
            vectors[name] = word_vectors(coder, _Column(products, name), text.embedding, training.seed)
    return vectors


@dataclass(frozen=True)
class _Column:
    """The texts of a column, a chunk at a time, as often as asked."""

    products: pa.Table
    name: str

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(texts_of(self.products, self.name))


def read_inputs(
    task: Task,
    network: NetworkSettings,
    coders: Mapping[str, Coder],
    training: TrainingSettings,
    folders: tuple[Path, Path],
    say: Say,
) -> Inputs:
    """Turn the rows into memory-mapped arrays, one part a modality.

    The first of `folders` keeps decoded images between runs, the second the token ids of this one.
    """
    products, images = task.products, task.images
    parts: dict[str, Modality] = {}
    for name in network.modalities:
        if name == "image" and (image := network.image) is not None:
            if images is not None and not training.cache_images:
                parts[name] = Decoding(products, images, image.decoded, image.max_pixels, image.crops)
            else:
                reader = PixelReader(image.decoded, folders[0], image.max_pixels, image.crops)
                parts[name] = reader.find(products, images, say)
        else:
            parts[name] = Tokens.encode(coders[name], products, name, folders[1])
    return Inputs(parts)
