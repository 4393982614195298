"""What an encoder of small pictures is worth for shelf photos, in minutes: features, and fine-tuning.

    python -m bench.pretrain_scenes learn --work W --out W/scenes.safetensors --cpu 110
    python -m bench.pretrain_scenes probe --work W --weights none W/scenes.safetensors
    python -m bench.pretrain_scenes tune --work W --weights none W/scenes.safetensors --seeds 1,2,3,4
    python -m bench.pretrain_scenes iconic --work W --weights none W/scenes.safetensors

W holds the tables of `bench.pretrain tables`; weights are files, of an encoder its weights.safetensors. The
network is the house's (resnet9 of width 48, 64 pixels). `learn` is supervised by labels, the iconic pictures
40 times and by their 81 classes too, most products on white with another behind them (`background`), three
pictures of ten as a pile of four or nine; --cpu says how long, in seconds of the processor. `probe` has a
ridge on standardised features and the nearest picture, ten pictures of each of 81 classes to learn from:
tested on the photos of the val part, and on those of the train part that were not drawn (which are nearly the
drawn ones). `tune` trains the whole network once on such a draw. Draws are not those of `bench.represent`.
`iconic` takes the nearest iconic picture, as it is and with the mean of each side taken away.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from bench.pretrain import DATA, iconic, read, shelf
from mep3m.models.inputs.pixels import squared
from mep3m.models.networks.image import ResNet9, normalise
from mep3m.models.pretrained.figures import IMAGENET
from mep3m.recipes.novel.draw import draw_classes
from mep3m.settings.training import TrainingSettings
from mep3m.training.loop.augment import augment, behind, side_at
from mep3m.training.loop.optimise import Average, make_optimiser, rate_at

WIDTH, SIDE, DECODED, SHOTS, COPIES = 48, 64, 80, 10, 40
BELOW = "encoders.image.network."
BFLOAT = torch.cpu._is_avx512_bf16_supported()


def pixels(work: Path, name: str, rows: list[dict[str, str]]) -> NDArray[np.uint8]:
    file = work / f"{name}-{DECODED}.npy"
    if not file.exists():
        np.save(file, np.stack([squared(DATA / row["image"], DECODED) for row in rows]))
    found: NDArray[np.uint8] = np.load(file)
    return found


def backbone(weights: str, seed: int = 0) -> ResNet9:
    torch.manual_seed(seed)
    network = ResNet9(WIDTH)
    if weights != "none":
        tensors = load_file(weights)
        network.load_state_dict({n.removeprefix(BELOW): v for n, v in tensors.items() if n.startswith(BELOW)})
    return network.eval()


class Classes(nn.Module):
    """A network with one linear layer behind a dropout."""

    def __init__(self, below: ResNet9, count: int) -> None:
        super().__init__()
        self.below, self.head = below, nn.Sequential(nn.Dropout(0.2), nn.Linear(8 * WIDTH, count))

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images to logits."""
        logits: Tensor = self.head(self.below(images))
        return logits


class Steps:
    """The package's optimiser, rates and average, with losses of the caller; `share` of the run is done."""

    def __init__(self, network: nn.Module, settings: TrainingSettings) -> None:
        self.network = network.train().to(memory_format=torch.channels_last)
        self.settings, self.step = settings, 0
        self.optimiser, self.average = make_optimiser(network, settings), Average(network, 0.998)

    def logits(self, shown: Tensor, side: int) -> Tensor:
        """Return the logits of random parts of pictures."""
        images = augment(shown, side, self.settings, IMAGENET).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=BFLOAT):
            logits: Tensor = self.network(images)
        return logits.float()

    def take(self, loss: Tensor, share: float) -> None:
        """Take one step."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.settings, int(share * 1000), 1000, 0)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        self.average.update(self.step)

    def done(self) -> None:
        """Keep the average of the weights."""
        self.network.load_state_dict(self.average.values)
        self.network.to(memory_format=torch.contiguous_format).eval()


def learn(work: Path, out: Path, cpu: float, background: float, pile: float) -> None:
    began, rows = time.process_time(), read(work / "products.tsv")
    known = {one["image"]: one["fine"] for one in iconic()}
    images = torch.from_numpy(pixels(work, "products", rows))
    paths = [(row["l1"], row["l2"], row["l3"], known.get(row["image"], "")) for row in rows]
    levels = [
        {name: n for n, name in enumerate(sorted({p[:k] for p in paths if p[k - 1]}))} for k in range(1, 5)
    ]
    codes = torch.tensor([[levels[k - 1].get(p[:k], -1) for k in range(1, 5)] for p in paths])
    starts = np.cumsum([0, *map(len, levels)])
    own = [n for n, row in enumerate(rows) if row["image"] in known]
    pool = torch.tensor([*range(len(rows)), *(COPIES - 1) * own])
    steps = Steps(Classes(backbone("none"), int(starts[-1])), TrainingSettings())
    while True:
        for chosen in pool[torch.randperm(len(pool))].split(64):
            share = (time.process_time() - began) / cpu
            if share >= 1:
                steps.done()
                below = steps.network.below.state_dict()
                save_file({BELOW + name: value.contiguous() for name, value in below.items()}, out)
                print(f"{steps.step} batches of 64 in {cpu:g} s")
                return
            shown, targets = images[chosen], codes[chosen]
            if float(torch.rand(())) < pile:
                count = int(torch.randint(2, 4, ()))
                small = F.interpolate(
                    shown.float(), [DECODED // count + 1] * 2, mode="bilinear", antialias=True
                )
                shown = small.to(torch.uint8).repeat(1, 1, count, count)[..., :DECODED, :DECODED]
            logits = steps.logits(behind(shown, background), side_at(SIDE, 0.5, int(share * 1000), 1000))
            loss = logits.sum() * 0
            for level in range(4):
                told = targets[:, level] >= 0
                if told.any():
                    part = logits[told, starts[level] : starts[level + 1]]
                    own_loss = F.cross_entropy(part, targets[told, level], label_smoothing=0.1)
                    loss = loss + own_loss * told.float().mean()
            steps.take(loss, share)


def features(network: ResNet9, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    parts = torch.from_numpy(images).split(128)
    with torch.no_grad():
        return torch.cat([network(normalise(part, SIDE, IMAGENET)) for part in parts]).numpy()


def drawn(names: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    order, by = np.random.default_rng(100 + seed).permutation(len(names)), dict[str, list[int]]()
    for row in order.tolist():
        by.setdefault(names[row], []).append(row)
    return np.sort(np.concatenate([rows[:SHOTS] for rows in by.values()]))


def probe(work: Path, weights: str, seeds: list[int]) -> None:
    sides = {part: shelf(part) for part in ("train", "val")}
    names = {part: np.array([row["fine"] for row in rows]) for part, rows in sides.items()}
    network, classes = backbone(weights), np.unique(names["train"])
    seen = {part: features(network, pixels(work, part, rows)) for part, rows in sides.items()}
    found: dict[str, list[float]] = {}
    for seed in seeds:
        rows = drawn(names["train"], seed)
        rest = np.setdiff1d(np.arange(len(names["train"])), rows)
        mean, spread = seen["train"][rows].mean(0), seen["train"][rows].std(0) + 1e-8
        known, truth = (seen["train"][rows] - mean) / spread, names["train"][rows]
        targets = (truth[:, None] == classes).astype(np.float32)
        kernel = known @ known.T / known.shape[1] + np.eye(len(known))
        head = known.T @ np.linalg.solve(kernel, targets - targets.mean(0)) / known.shape[1]
        for name, asked, right in (
            ("val", seen["val"], names["val"]),
            ("undrawn", seen["train"][rest], names["train"][rest]),
        ):
            asked = (asked - mean) / spread
            ridge = classes[(asked @ head + targets.mean(0)).argmax(1)]
            near = truth[(unit(asked) @ unit(known).T).argmax(1)]
            found.setdefault(f"{name} ridge", []).append(float(np.mean(ridge == right)))
            found.setdefault(f"{name} nearest", []).append(float(np.mean(near == right)))
    print(weights, {name: round(float(np.mean(one)), 3) for name, one in found.items()}, flush=True)


def tune(work: Path, weights: str, epochs: int, seed: int) -> None:
    sides = {part: shelf(part) for part in ("train", "val")}
    names = {part: np.array([row["fine"] for row in rows]) for part, rows in sides.items()}
    classes = np.unique(names["train"])
    codes = {part: torch.from_numpy(np.searchsorted(classes, own)) for part, own in names.items()}
    rows = torch.from_numpy(drawn(names["train"], seed))
    images = {part: torch.from_numpy(pixels(work, part, own)) for part, own in sides.items()}
    below = backbone(weights, seed)
    torch.manual_seed(seed)
    steps = Steps(Classes(below, len(classes)), TrainingSettings())
    each = -(-len(rows) // 64)
    for _ in range(epochs):
        for chosen in rows[torch.randperm(len(rows))].tensor_split(each):
            logits = steps.logits(images["train"][chosen], SIDE)
            loss = F.cross_entropy(logits, codes["train"][chosen], label_smoothing=0.1)
            steps.take(loss, steps.step / (epochs * each))
    steps.done()
    with torch.no_grad():
        shown = normalise(images["val"], SIDE, IMAGENET)
        answers = steps.network(shown).softmax(1) + steps.network(shown.flip(3)).softmax(1)
    right = (answers.argmax(1) == codes["val"]).numpy()
    paths = {(row["coarse"], row["fine"]) for row in sides["train"]}
    novel = np.isin(names["val"], [path[1] for path in draw_classes(paths, 2, 100 + seed)[1]])
    share = f"all {right.mean():.3f} novel {right[novel].mean():.3f}, last loss {loss:.3f}"
    print(f"{weights} seed {seed}: {share}", flush=True)


def unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def exemplars(work: Path, weights: str) -> None:
    known, asked = iconic(), shelf("val")
    network = backbone(weights)
    sides = [
        features(network, pixels(work, name, rows)) for name, rows in (("iconic", known), ("val", asked))
    ]
    for name, (icons, photos) in {
        "as they are": sides,
        "centred": [side - side.mean(0) for side in sides],
    }.items():
        near = (unit(photos) @ unit(icons).T).argmax(1).tolist()
        shares = [
            np.mean([known[n][level] == row[level] for n, row in zip(near, asked, strict=True)])
            for level in ("fine", "coarse")
        ]
        print(weights, name, *(f"{share:.4f}" for share in shares), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("learn", "probe", "tune", "iconic"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--weights", nargs="*", default=["none"])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--cpu", type=float, default=110)
    parser.add_argument("--background", type=float, default=0.7)
    parser.add_argument("--pile", type=float, default=0.3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    seeds = [int(seed) for seed in given.seeds.split(",")]
    if given.part == "learn":
        learn(given.work, given.out, given.cpu, given.background, given.pile)
    elif given.part == "probe":
        for weights in given.weights:
            probe(given.work, weights, seeds)
    elif given.part == "tune":
        for seed in seeds:
            for weights in given.weights:
                tune(given.work, weights, given.epochs, seed)
    else:
        for weights in given.weights:
            exemplars(given.work, weights)


if __name__ == "__main__":
    main()
