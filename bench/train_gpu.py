"""Training speed on a GPU: ResNet-50 at 224 pixels in bfloat16, read from our store or already there.

    python -m bench.train_gpu --out gpu.json [--images 6144] [--batches 256,64] [--rounds 2]

Three loops with one network, batch and precision: ours on rows of the store; ours on a batch that lies
on the GPU; a bare PyTorch loop on such a batch. Rows come from decoded pixels (memory-mapped, in the
page cache), or from JPEG files that are decoded each time. The first epoch, with which every run warms
up, is left out of the rates.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mep3m.dataset.reading import open_products
from mep3m.label_tree.tree import LabelTree
from mep3m.models.inputs import Inputs
from mep3m.models.inputs.pixels import Decoding, PixelReader
from mep3m.models.networks.build import build_network
from mep3m.models.networks.image import normalise
from mep3m.models.pretrained.figures import IMAGENET
from mep3m.settings.network import ImageSettings, NetworkSettings
from mep3m.settings.sources import Columns
from mep3m.settings.training import MODERN, PAPER, TrainingSettings
from mep3m.training.examples import Examples
from mep3m.training.loop.clock import RunClock
from mep3m.training.loop.fit import fit, mixed_precision

CLASSES, PIXELS, SIDE = 75, 224, 300
TREE = LabelTree.from_paths([(f"class {i}",) for i in range(CLASSES)])
#: epochs of a run, the first of which warms up, and how often each image comes in one
EPOCHS, TIMES = 2, 8
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def draw(folder: Path, number: int) -> None:
    """Write a JPEG file as large as a shop's thumbnail: coarse shapes under fine noise."""
    generator = np.random.default_rng(number)
    shapes = Image.fromarray(generator.integers(0, 256, (12, 12, 3), np.uint8)).resize((SIDE, SIDE))
    noise = generator.normal(0, 8, (SIDE, SIDE, 3))
    pixels = np.clip(np.asarray(shapes) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"{number}.jpg", quality=88)


def write_images(folder: Path, count: int) -> Path:
    """Write images and the table that names them."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(partial(draw, folder), range(count), chunksize=64))
    table = folder / "table.tsv"
    table.write_text("id\timage\n" + "".join(f"{i}\t{i}.jpg\n" for i in range(count)))
    return table


class Ready(Examples):
    """Rows of which any batch is the same one, on the device already: the loop without its reading."""

    def batch(self, rows: Any) -> dict[str, Tensor]:
        """Return the batch that was read first."""
        if not hasattr(self, "tensors"):
            read = super().batch(rows)
            self.tensors = {
                name: value if name == "present" else value.to(DEVICE) for name, value in read.items()
            }
        return dict(self.tensors)

    pinned = batch


def network(backbone: str, pixels: int) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_network(NetworkSettings(image=ImageSettings(backbone=backbone, pixels=pixels)), TREE, {})


def ours(examples: Examples, settings: TrainingSettings, backbone: str, pixels: int) -> float:
    """Return rows a second of our loop, checkpoints and all, after its first epoch."""
    ends: list[float] = []

    def said(line: str) -> None:
        if "rows_per_second" in line:
            ends.append(time.perf_counter())

    model = network(backbone, pixels)
    with tempfile.TemporaryDirectory() as folder:
        fit(
            model,
            examples,
            TREE,
            settings,
            Path(folder),
            image=ImageSettings(pixels=pixels),
            clock=RunClock(say=said),
        )
    return (EPOCHS - 1) * len(examples.rows) / (ends[-1] - ends[0])


def bare(examples: Examples, settings: TrainingSettings, backbone: str, pixels: int) -> float:
    """Return rows a second of a plain loop on one normalised batch that lies on the device."""
    torch.backends.cudnn.benchmark = True
    low = mixed_precision(settings) == "bf16"
    model = network(backbone, pixels).to(DEVICE, memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
    inputs = examples.batch(examples.rows[: settings.batch])
    inputs["image"] = normalise(inputs["image"], pixels, IMAGENET).to(memory_format=torch.channels_last)
    steps = len(examples.rows) // settings.batch
    began = time.perf_counter()
    for step in range(EPOCHS * steps):
        if step == steps:
            _wait()
            began = time.perf_counter()
        with torch.autocast(DEVICE, torch.bfloat16, enabled=low):
            loss = torch.nn.functional.cross_entropy(model(inputs), inputs["targets"][:, 0])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    _wait()
    return (EPOCHS - 1) * len(examples.rows) / (time.perf_counter() - began)


def _wait() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def measure(options: argparse.Namespace, table: Path, cache: Path) -> Iterator[dict[str, Any]]:
    """Yield the rates of every batch size and preset."""
    opened = open_products(table, Columns(id="id", image="image"), table.parent)
    size = round(options.pixels * 1.25)
    began = time.perf_counter()
    stored = PixelReader(size, cache).find(opened.products, opened.images)
    print(f"{options.images / (time.perf_counter() - began):,.0f} images a second decoded into the store")
    count = opened.products.num_rows
    targets = np.random.default_rng(0).integers(0, CLASSES, (count, 1)).astype(np.int32)
    rows = np.tile(np.arange(count), TIMES)
    kept = Examples(Inputs({"image": stored}), targets, rows)
    assert opened.images is not None
    files = Examples(Inputs({"image": Decoding(opened.products, opened.images, size)}), targets, rows[:count])
    for batch in map(int, options.batches.split(",")):
        for preset, settings in (("paper", PAPER), ("modern", MODERN)):
            chosen = settings.model_copy(update={"epochs": EPOCHS, "batch": batch})
            found = rates(kept, files if preset == "modern" else None, chosen, options)
            middle = {name: statistics.median(values) for name, values in found.items()}
            print(f"batch {batch}, {preset}: {show(middle)}", flush=True)
            yield {"batch": batch, "preset": preset, **middle, "runs": found}


def rates(
    kept: Examples, files: Examples | None, settings: TrainingSettings, options: argparse.Namespace
) -> dict[str, list[float]]:
    """Return rows a second of every loop in each round; the rounds alternate between the loops."""
    whole = len(kept.rows) // settings.batch * settings.batch
    ready = Ready(kept.inputs, kept.targets, kept.rows[:whole])
    found: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        size = (options.backbone, options.pixels)
        run = {
            "bare": bare(ready, settings, *size),
            "synthetic": ours(ready, settings, *size),
            "store": ours(kept, settings, *size),
        }
        if files is not None:
            more = settings.model_copy(update={"workers": os.cpu_count()})
            run["files"] = ours(files, more, *size)
        for name, rate in run.items():
            found.setdefault(name, []).append(rate)
    return found


def show(found: dict[str, float]) -> str:
    """Return rates and the two ratios in words."""
    shown = [f"{name} {rate:,.0f}" for name, rate in found.items()]
    shown += [f"store/{other} {found['store'] / found[other]:.3f}" for other in ("synthetic", "bare")]
    return ", ".join(shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=6144)
    parser.add_argument("--batches", default="256,64")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--pixels", type=int, default=PIXELS)
    options = parser.parse_args()
    machine = torch.cuda.get_device_name() if DEVICE == "cuda" else "a processor"
    print(f"{machine}, {os.cpu_count()} cores, PyTorch {torch.__version__}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = write_images(folder, options.images)
        results: list[dict[str, Any]] = []
        for result in measure(options, table, folder / "cache"):
            results.append(result)
            options.out.write_text(json.dumps({"machine": machine, "rates": results}, indent=1))


if __name__ == "__main__":
    main()
