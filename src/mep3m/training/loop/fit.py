"""The one training loop: explicit, on Accelerate, resumable to the bit on a CPU.

Every random draw is a function of the seed and the step, so a checkpoint is weights, optimiser and
a step number. Start several processes with `accelerate launch -m mep3m train ...`.
"""

from __future__ import annotations

import math
import time
from contextlib import closing
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mep3m.errors import ModelError, UsageError
from mep3m.label_tree.tree import LabelTree
from mep3m.models.networks.image import normalise
from mep3m.models.pretrained.figures import IMAGENET, Normalisation
from mep3m.settings.network import ImageSettings
from mep3m.settings.training import TrainingSettings
from mep3m.store.json_files import fingerprint
from mep3m.training.examples import Examples, balanced_weights, batches, epoch_order, plan_batches
from mep3m.training.loop.advice import is_memory, no_number, out_of_memory
from mep3m.training.loop.arriving import Arriving
from mep3m.training.loop.augment import augment, behind, mean_area, paste, side_at
from mep3m.training.loop.checkpoints import State, load_checkpoint, save_checkpoint
from mep3m.training.loop.clock import Pace, RunClock, Stopwatch, epochs_within
from mep3m.training.loop.optimise import Average, make_optimiser, rate_at
from mep3m.training.loop.small_images import widen_small_images
from mep3m.training.loop.tracking import Tracker, duration, write_history
from mep3m.training.loop.whole import score
from mep3m.training.losses import class_counts, make_loss
from mep3m.training.task import Say

#: how often a run scores the rows held back for validation, which cost it nearly as much as training on them
VALIDATIONS = 10


def fit(
    network: nn.Module,
    examples: Examples,
    tree: LabelTree,
    settings: TrainingSettings,
    folder: Path,
    validation: Examples | None = None,
    image: ImageSettings | None = None,
    clock: RunClock | None = None,
) -> list[dict[str, float]]:
    """Train `network` (inputs → logits (B, C)) in place and return the figures of every epoch.

    `image` says to what side images are cut and how they are normalised. `clock` knows when the run
    began, which counts where the settings give it minutes, takes lines of progress, and is told what it
    got. An interrupted run in `folder` goes on where it stopped; of a finished one the last checkpoint is
    left, and gives the same network at once.

    Raises:
        ModelError: the loss is not a number, or the checkpoint belongs to another run.
        UsageError: the memory does not suffice, or the minutes not for one epoch.
    """
    try:
        run = FitState(network, examples, tree, settings, folder, image, clock)
        run.plan(run.clock.say)
        with closing(run.tracker):
            return run.train(validation)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_memory(error):
            raise
        raise UsageError(out_of_memory(settings, image.pixels if image else None)) from error


def mixed_precision(settings: TrainingSettings) -> str:
    """Return Accelerate's word for the precision; auto is bfloat16 where the processor computes in it.

    Raises:
        UsageError: fp16 without a GPU.
    """
    if settings.precision == "fp16" and not torch.cuda.is_available():
        raise UsageError("precision = 'fp16' needs a GPU; here take 'auto', 'float32' or 'bf16'")
    if settings.precision != "auto":
        return {"float32": "no"}.get(settings.precision, settings.precision)
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported() else "no"


class FitState:
    """One run of the loop: everything that an epoch needs, made once."""

    def __init__(
        self,
        network: nn.Module,
        examples: Examples,
        tree: LabelTree,
        settings: TrainingSettings,
        folder: Path,
        image: ImageSettings | None = None,
        clock: RunClock | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.settings, self.examples, self.folder = settings, examples, folder
        self.clock = clock or RunClock()
        #: the side of images in prediction, and in the present epoch
        self.pixels = self.side = image.pixels if image else None
        self.figures = Normalisation.of(image) if image else IMAGENET
        # Accelerate keeps the precision of the first run of a process; this is another run
        AcceleratorState._reset_state()
        # images have one size for an epoch at least: worth the time to find the fastest convolutions
        torch.backends.cudnn.benchmark = True
        # a batch in which every row has every modality leaves the 'absent' vectors without a gradient
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(mixed_precision=mixed_precision(settings), kwargs_handlers=[unused])
        self.hooks: list[RemovableHandle] = []
        if self.accelerator.mixed_precision != "no":
            network = network.to(memory_format=torch.channels_last)
            self.hooks = widen_small_images(network)
        targets = np.asarray(examples.targets[examples.rows])
        #: a network that pre-trains brings its own loss, and says how many views it wants of an image
        own: nn.Module | None = getattr(network, "criterion", None)
        self.views: int = getattr(network, "views", 1)
        self.criterion = own or make_loss(tree, class_counts(targets, len(tree)), settings)
        self.criterion.to(self.accelerator.device)
        self.tree = tree
        self.weights = balanced_weights(targets) if settings.balanced_sampling else None
        self.raw, self.average = network, None
        self.network, self.optimiser = self.accelerator.prepare(network, make_optimiser(network, settings))
        if settings.average is not None:
            self.average = Average(network, settings.average)
        self.batches = len(plan_batches(examples.rows, settings.batch * self.accelerator.num_processes))
        identity = [settings.model_dump(), tree.to_json(), len(targets), int(targets.sum())]
        identity += [self.pixels, self.batches, *([] if self.figures == IMAGENET else [self.figures])]
        identity += [] if own is None else [str(own)]
        identity += [(name, list(value.shape)) for name, value in network.state_dict().items()]
        self.identity = fingerprint(identity)
        self.best: dict[str, Tensor] = {}
        self.state = self._resume()
        #: loss of the last batch while it is not yet added up
        self.loss: Arriving | None = None
        self.saved = time.monotonic()

    def plan(self, say: Say) -> None:
        """Decide how long the run is, or take that of the run that was interrupted.

        Raises:
            UsageError: the minutes of the settings do not suffice for one epoch.
        """
        state, count = self.state, len(self.examples.rows)
        self.clock.spent += state.seconds
        state.epochs = state.epochs or self._choose_epochs(say)
        #: how many batches there are in all; where minutes decide, only about
        self.total = state.total or state.epochs * self.batches
        self.begun = self.done
        #: after how many batches the length is looked at again
        self.planned = self.begun + max((self.total - self.begun) // 10, 1)
        self._set_length()
        self.wanted = self.total / self.batches
        total = self.total * count // self.batches
        self.tracker = Tracker(self.folder, self.settings, total, state.seen, say)
        self.watch, self.started = Stopwatch(), time.monotonic()

    @property
    def done(self) -> int:
        """How many batches are done."""
        return self.state.epoch * self.batches + self.state.batch

    def _set_length(self) -> None:
        """Take `total` as the length of the run."""
        self.state.total = self.total
        self.epochs = self.state.epochs = math.ceil(self.total / self.batches)
        self.steps = math.ceil(self.total / self.settings.accumulate)

    def pace(self) -> Pace:
        """Measure what a row of the first batch takes, with the time to read it (seconds)."""
        settings, processes = self.settings, self.accelerator.num_processes
        began = time.perf_counter()
        batch = self.examples.batch(self.examples.rows[: settings.batch])
        read = time.perf_counter() - began
        wanted = settings.epochs_for(len(self.examples.rows))
        area = mean_area(self.pixels, settings.grow, wanted) if self.pixels else 1.0
        learn = area * self._seconds(batch) / len(batch["targets"]) / processes
        # processes have to agree, so the first one decides
        return Pace(*map(float, broadcast_object_list([learn, read / len(batch["targets"])])))

    def _choose_epochs(self, say: Say) -> int:
        """Return how many epochs to train: those of the settings, or what fits into the minutes."""
        settings, count = self.settings, len(self.examples.rows)
        if settings.epochs is not None or settings.minutes is None:
            return settings.epochs_for(count)
        pace = Pace(self.pace().learn)
        if settings.budget is not None:
            fits = epochs_within(settings.budget, self.clock.seconds + self.clock.after, pace, count, 0)
            self.state.total = int(fits * self.batches)
            say(f"minutes = {settings.budget:g}: about {fits:.1f} epochs of {count:,} rows")
            return math.ceil(fits)
        wanted, epochs = settings.epochs_for(count), settings.epochs_for(count, pace.learn)
        say(f"{epochs} epochs of {count:,} rows, about {duration(epochs * count * pace.learn)}")
        if epochs < wanted:
            say(f"{wanted} epochs would take longer than minutes = auto allows here; set minutes = N for N")
        return epochs

    def _keep_the_minutes(self) -> None:
        """Where minutes decide, take as many batches more as the pace so far leaves room for.

        Ten times at first, then more often: on a machine that gets slower or faster a run ends on time.
        """
        budget, processes = self.settings.budget, self.accelerator.num_processes
        if budget is None:
            return
        left = self.clock.left(budget)
        if self.done < self.planned and (processes > 1 or left > 0):
            return
        each = (time.monotonic() - self.started) / (self.done - self.begun)
        more = int(broadcast_object_list([max(int(left / each), 0)])[0])
        self.total = self.done + more
        self.planned = self.done + max(more // 10, 1)
        self._set_length()
        self.tracker.total = self.total * len(self.examples.rows) // self.batches

    def _seconds(self, batch: dict[str, Tensor]) -> float:
        """Return what one batch takes, forward and back: the faster of two after a first, on a copy."""
        copy, kept, times = deepcopy(self.raw).train(), self.network, list[float]()
        self.network = copy
        for _ in range(3):
            began = time.perf_counter()
            loss = self._loss(self.prepare(dict(batch)))
            if loss.requires_grad:
                loss.backward()
            float(loss.detach())
            times.append(time.perf_counter() - began)
        self.network = kept
        return min(times[1:])

    def train(self, validation: Examples | None) -> list[dict[str, float]]:
        """Run the epochs that are left; leave the best or averaged weights in the network."""
        begun = self.state.epoch
        while self.done < self.total and not self._out_of_patience():
            self._epoch()
            state = self.state
            figures = {"epoch": state.epoch + 1.0, "loss": state.loss / max(state.batch, 1)}
            figures["rows_per_second"] = self.tracker.rate(state.seen)
            if validation is not None and self._validates():
                figures |= self._validate(validation)
            state.history.append(figures)
            state.epoch, state.batch, state.loss = state.epoch + 1, 0, 0.0
            self.tracker.epoch(figures)
        if self.state.epoch > begun:
            self.total = min(self.total, self.done)
            self._set_length()
            self._save()
        waits = self.accelerator.device.type != "cpu" or bool(self.settings.workers)
        epochs = self.state.seen / len(self.examples.rows)
        self.clock.effort = self.watch.effort(waits, epochs, round(self.wanted, 2))
        self._finish()
        return self.state.history

    def _epoch(self) -> None:
        """Take the steps of one epoch that were not taken before an interruption."""
        state, settings = self.state, self.settings
        order = epoch_order(self.examples.rows, self.weights, settings.seed, state.epoch)
        part, parts = self.accelerator.process_index, self.accelerator.num_processes
        gpu = self.accelerator.device.type == "cuda"
        last = len(plan_batches(order, settings.batch * parts))
        self.side = self.pixels and side_at(self.pixels, settings.grow, state.epoch, self.epochs)
        self.network.train()
        for batch in batches(self.examples, order, settings, state.batch, part, parts, gpu):
            torch.manual_seed(
                (settings.seed * 1_000_003 + state.epoch) * 1_000_003 + state.batch * parts + part
            )
            if state.batch % settings.accumulate == 0:
                self.optimiser.zero_grad()
            loss = self._backward(batch)
            # the loss of the batch before: whoever waits for a GPU has given it its next work by now
            self._read_loss()
            self.loss = loss
            state.batch += 1
            state.seen += len(batch["targets"]) * parts
            if state.batch % settings.accumulate == 0 or state.batch == last:
                self._step()
            self._keep_the_minutes()
            if self.done >= self.total:
                break
        self._read_loss()

    def _backward(self, batch: dict[str, Tensor]) -> Arriving | None:
        """Add the gradients of one batch and return its loss, `None` if no row of it can be used."""
        inputs = self.prepare(batch)
        if not len(inputs["targets"]):
            return None
        loss = self._loss(inputs)
        arriving = Arriving(loss)
        self.accelerator.backward(loss / self.settings.accumulate)
        return arriving

    def _read_loss(self) -> None:
        """Add the loss of the last batch to the epoch's.

        Raises:
            ModelError: the loss is not a number.
        """
        if self.loss is None:
            return
        state, value = self.state, self.loss.read()
        self.loss = None
        if not math.isfinite(value):
            raise ModelError(
                f"the loss became {value} in epoch {state.epoch + 1}, batch {state.batch}, at "
                f"learning rate {self.optimiser.param_groups[0]['lr']:.2g}: {no_number(self.settings)}"
            )
        state.loss += value
        self.tracker.step(state.seen, value, f"epoch {state.epoch + 1}/{self.epochs}")

    def _loss(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return the loss of a prepared batch."""
        targets, own = inputs["targets"], 1.0
        others = targets
        if "image" in inputs and float(torch.rand(())) < self.settings.paste:
            inputs["image"], order, own = paste(inputs["image"])
            others = targets[order]
        with self.accelerator.autocast():
            logits = self.network(inputs)
        loss = self.criterion(logits, targets)
        if own < 1:
            loss = own * loss + (1 - own) * self.criterion(logits, others)
        return loss

    def prepare(self, batch: dict[str, Tensor], training: bool = True) -> dict[str, Tensor]:
        """Move a batch to the device, leave out rows without a modality, cut and normalise the images.

        `present` stays where it is (`ProductNetwork.encode`).
        """
        there = batch["present"].any(1)
        if not bool(there.all()):
            batch = {name: value[there] for name, value in batch.items()}
        device = self.accelerator.device
        inputs = {
            name: value if name == "present" else value.to(device, non_blocking=True)
            for name, value in batch.items()
        }
        if "image" in inputs and self.pixels and self.side:
            settings = self.settings
            if training and settings.augment:
                decoded = behind(inputs["image"], settings.background)
                inputs["image"] = augment(decoded, self.side, settings, self.figures)
                if self.views > 1:
                    inputs["other_view"] = augment(decoded, self.side, settings, self.figures)
            else:
                side = self.side if training else self.pixels
                inputs["image"] = normalise(inputs["image"], side, self.figures)
        return inputs

    def _step(self) -> None:
        """Move the weights, and save a checkpoint when it is time."""
        settings, state = self.settings, self.state
        rate = rate_at(settings, state.step, self.steps, state.epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        if settings.clip is not None:
            self.accelerator.clip_grad_norm_(self.network.parameters(), settings.clip)
        self.optimiser.step()
        state.step += 1
        if self.average is not None:
            self.average.update(state.step)
        if time.monotonic() - self.saved >= settings.checkpoint_seconds:
            self._save()

    def _validates(self) -> bool:
        """Tell whether the held-back rows are scored after this epoch: ten times a run, or for patience."""
        done = self.state.epoch + 1
        often = max(self.epochs // VALIDATIONS, 1)
        return self.settings.patience is not None or done == self.epochs or done % often == 0

    @torch.no_grad()
    def _validate(self, validation: Examples) -> dict[str, float]:
        """Return loss and top-1 of each level on held-back rows, with the averaged weights if there are."""
        own = {key: value.clone() for key, value in self.raw.state_dict().items()} if self.average else None
        if self.average is not None:
            self.raw.load_state_dict(self.average.values)
        self.network.eval()
        read = (validation.batch(rows) for rows in plan_batches(validation.rows, 256))
        prepared = (self.prepare(batch, training=False) for batch in read)
        figures: dict[str, float] = score(self.network, self.criterion, prepared, self.tree)
        self._remember(figures["validation_loss"])
        if own is not None:
            self.raw.load_state_dict(own)
        return figures

    def _remember(self, loss: float) -> None:
        """Keep the weights that are in the network if they are the best so far (early stopping)."""
        if self.settings.patience is None:
            return
        if loss < self.state.best:
            self.state.best, self.state.stale = loss, 0
            self.best = {key: value.clone() for key, value in self.raw.state_dict().items()}
        else:
            self.state.stale += 1

    def _out_of_patience(self) -> bool:
        return self.settings.patience is not None and self.state.stale >= self.settings.patience

    def _resume(self) -> State:
        """Load the checkpoint of an interrupted run, if there is one."""
        checkpoint = load_checkpoint(self.folder, self.identity)
        if checkpoint is None:
            write_history(self.folder, [])
            return State()
        state, tensors = checkpoint
        write_history(self.folder, state.history)
        self.raw.load_state_dict(tensors["network"])
        self.optimiser.load_state_dict(tensors["optimiser"])
        if self.average is not None:
            self.average.load(tensors["average"])
        self.best = tensors["best"]
        return state

    def _save(self) -> None:
        """Write a checkpoint, if the last loss was a number; only the first process does."""
        self._read_loss()
        self.saved = time.monotonic()
        if self.accelerator.is_main_process:
            tensors = {
                "network": self.raw.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "average": self.average.values if self.average is not None else {},
                "best": self.best,
            }
            self.state.seconds = self.clock.seconds
            save_checkpoint(self.folder, self.identity, self.state, tensors)

    def _finish(self) -> None:
        """Put the weights to keep into the network."""
        if self.best:
            self.raw.load_state_dict(self.best)
        elif self.average is not None:
            self.raw.load_state_dict(self.average.values)
        # Accelerate wraps `forward` in the run's precision; predictions are made in float32
        self.accelerator.unwrap_model(self.network, keep_fp32_wrapper=False)
        self.raw.to(memory_format=torch.contiguous_format).eval()
        for hook in self.hooks:
            hook.remove()
