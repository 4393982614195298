"""Table 9's shape on natural pictures of groceries: what a start is worth for products with ten pictures.

    python -m bench.represent --work FOLDER --out FIGURES.json --weights none|packaged|ENCODER
        [--seeds 0,1,2,3,4] [--model NAME] [--set NAME=VALUE ...] [--plain --pixels 128 --epochs 4,6]
    python -m bench.represent --tables FIGURES.json ...

81 classes in 43 groups, two of each group of three or more novel (18); ten pictures a class of the official
train part, tested on its val part. The official test part is not used. `--plain` is what people do without
this package: timm's network with the packaged weights, fine-tuned whole by a loop of ten lines on the same
draws (base classes, then all of them). Pixels and features are kept in FOLDER/cache. With --no-val the
pictures of the train part that are not drawn are the test: they are nearly the drawn ones, so that a network
that has learned nothing finds .49 of them, and no settings can be chosen by them.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from bench.image_sets import DATA
from mep3m.dataset.reading import Opened, open_products
from mep3m.evaluation.intervals import Interval, mean_interval
from mep3m.models.inputs.pixels import PixelReader
from mep3m.models.pretrained.figures import with_own_figures
from mep3m.models.pretrained.packaged import packaged_weights
from mep3m.recipes.novel.photographed import Photographed
from mep3m.recipes.novel.plan import NovelProtocol, make_plan
from mep3m.recipes.novel.represent import PARTS, Represented, represent, score
from mep3m.recipes.novel.start import start_from
from mep3m.settings.network import ImageSettings
from mep3m.settings.sources import Columns

ROOT = DATA / "img_grocery_store"
NETWORK = "tf_efficientnet_lite2"


def part(name: str, work: Path) -> Opened:
    """Return the rows of one official part, with the names of `classes.csv`."""
    with (ROOT / "classes.csv").open(encoding="utf-8") as file:
        classes = {row["Class ID (int)"]: row for row in csv.DictReader(file)}
    lines = ["file\tcoarse\tfine"]
    for line in (ROOT / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        image, number, _ = (cell.strip() for cell in line.split(","))
        own = classes[number]
        lines.append(f"{image}\t{own['Coarse Class Name (str)']}\t{own['Class Name (str)']}")
    table = work / f"{name}.tsv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return open_products(table, Columns(image="file", labels=("coarse", "fine")), ROOT)


class Plain:
    """timm's network with packaged weights, fine-tuned whole: Adam, crops and mirror images, cosine."""

    def __init__(self, pixels: int, work: Path) -> None:
        self.pixels = pixels
        own = with_own_figures(ImageSettings(backbone=NETWORK, pixels=pixels))
        self.mean, self.std = (torch.tensor(value).view(1, 3, 1, 1) * 255 for value in (own.mean, own.std))
        self.reader = PixelReader(pixels * 5 // 4, work / "cache")

    def read(self, side: Photographed, rows: NDArray[np.int64]) -> torch.Tensor:
        """Return the pixels of some rows."""
        stored = self.reader.find(side.products.take(rows), side.images)
        return torch.from_numpy(stored.take(np.arange(len(rows)))[0].copy())

    def ready(self, pixels: torch.Tensor, generator: np.random.Generator | None) -> torch.Tensor:
        """Return normalised images, of training a random part of each."""
        whole = (pixels.float() - self.mean) / self.std
        if generator is None:
            return F.interpolate(whole, (self.pixels, self.pixels), mode="bilinear", antialias=True)
        side = int(whole.shape[-1] * generator.uniform(0.6, 1))
        top, left = (int(generator.integers(whole.shape[-1] - side + 1)) for _ in range(2))
        cut = whole[..., top : top + side, left : left + side]
        cut = cut.flip(3) if generator.random() < 0.5 else cut
        return F.interpolate(cut, (self.pixels, self.pixels), mode="bilinear", antialias=True)

    def tune(
        self, network: nn.Module, images: torch.Tensor, codes: torch.Tensor, epochs: int, seed: int
    ) -> None:
        """Fine-tune all of the network."""
        generator = np.random.default_rng(seed)
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
        steps = epochs * -(-len(images) // 32)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=steps)
        network.train()
        for _ in range(epochs):
            order = torch.from_numpy(generator.permutation(len(images)))
            for rows in order.split(32):
                loss = F.cross_entropy(
                    network(self.ready(images[rows], generator)), codes[rows], label_smoothing=0.1
                )
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()

    def answers(self, network: nn.Module, images: torch.Tensor) -> NDArray[np.int64]:
        """Return the class number of each image."""
        network.eval()
        with torch.no_grad():
            parts = [network(self.ready(rows, None)).argmax(1) for rows in images.split(64)]
        return torch.cat(parts).numpy()


def plain(
    opened: Opened, tested: Opened | None, protocol: NovelProtocol, pixels: int, epochs: list[int], work: Path
) -> Any:
    """Return the scores of plain fine-tuning on the draws of the protocol."""
    plan = make_plan(opened, tested, protocol, work / f"looked-at-{time.time_ns()}")
    peer, scores = Plain(pixels, work), []
    for seed, draw, tests in zip(protocol.seeds, plan.draws, plan.tests, strict=True):
        torch.manual_seed(seed)
        network = timm.create_model(NETWORK, pretrained=False)
        network.load_state_dict(packaged_weights(NETWORK)[0])
        for classes, count in ((draw.base, epochs[0]), (draw.all, epochs[1])):
            number = {path: n for n, path in enumerate(classes)}
            rows = draw.of(classes)
            codes = torch.tensor([number[plan.table.paths[row]] for row in rows.tolist()])
            network.reset_classifier(len(classes))
            peer.tune(network, peer.read(plan.table, rows), codes, count, seed)
        truth = [plan.test.paths[row] for row in tests.tolist()]
        found = peer.answers(network, peer.read(plan.test, tests))
        right = np.array([draw.all[n] == path for n, path in zip(found, truth, strict=True)])
        scores.append(score(seed, draw, truth, right))
        print(seed, scores[-1], flush=True)
    start = replace(start_from("packaged"), model=f"plain timm, {pixels} pixels, {epochs} epochs")
    return Represented(plan, start, tuple(scores))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("work/represent"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--weights", default="packaged")
    parser.add_argument("--model")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--set", dest="sets", action="append", default=[])
    parser.add_argument("--no-val", action="store_true")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--epochs", default="4,6")
    parser.add_argument("--tables", nargs="*", type=Path)
    given = parser.parse_args()
    if given.tables:
        show(given.tables)
        return
    given.work.mkdir(parents=True, exist_ok=True)
    train, val = part("train", given.work), None if given.no_val else part("val", given.work)
    protocol = NovelProtocol(seeds=tuple(int(seed) for seed in given.seeds.split(",")))
    began, spent = time.perf_counter(), time.process_time()
    if given.plain:
        found = plain(
            train, val, protocol, given.pixels, [int(n) for n in given.epochs.split(",")], given.work
        )
    else:
        options = dict(pair.split("=", 1) for pair in given.sets)
        start = start_from(given.weights, given.model, {"cache": str(given.work / "cache"), **options})
        found = represent(train, val, start, protocol, print)
    said = found.to_json() | {
        "seconds": round(time.perf_counter() - began),
        "cpu": round(time.process_time() - spent),
    }
    if given.out:
        given.out.write_text(json.dumps(said, indent=1), encoding="utf-8")
    print(json.dumps({name: said[name] for name in ("all", "novel", "base", "intervals", "seconds", "cpu")}))


def shown(shares: list[dict[str, float]]) -> str:
    """Return the mean of the seeds with its interval, in per cent; of one seed its own."""
    mean = mean_interval([one["value"] for one in shares]) if len(shares) > 1 else Interval(**shares[0])
    return f"{100 * mean.value:.1f} ({100 * mean.low:.1f} to {100 * mean.high:.1f})"


def show(files: list[Path]) -> None:
    """Print the figures of runs named START-SEEDS.json, those of one start together."""
    print(
        "| start | trained | seeds | all | novel | base | processor s a seed |\n|---|---|---|---|---|---|---|"
    )
    runs: dict[str, list[dict[str, Any]]] = {}
    for file in files:
        runs.setdefault(file.stem.rpartition("-")[0], []).append(json.loads(file.read_text(encoding="utf-8")))
    for name, several in runs.items():
        seeds = [seed for said in several for seed in said["seeds"]]
        shares = [shown([seed[part] for seed in seeds]) for part in PARTS]
        said, count = several[0], len(seeds)
        start = said["start"]
        cells = [
            name,
            f"{start['backbone']}, {start['model']}",
            str(count),
            *shares,
            f"{sum(one['cpu'] for one in several) / count:.0f}",
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
