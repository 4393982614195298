"""Pictures and titles to vectors: `mep3m.representations` beside a plain loop of timm, and its memory.

    python -m bench.encode [--images FOLDER] [--count 300] [--rounds 3]
    python -m bench.encode --memory 20000 --work FOLDER

Without `--memory`: the same pictures, decoded and encoded by the packaged network on as many threads, in
turns (rounds of ours and of the loop: Pillow, timm's own transform, PyTorch, batches of 32). Seconds are of
the processor, which a busy machine stretches less than those of the clock. Then titles, Chinese and English.

With `--memory`: that many drawn pictures through `mep3m embed` with a small network, whose own memory is the
same for every picture; the resident memory of the process is looked at while it runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config

from bench.image_sets import DATA
from mep3m.dataset.reading import open_pictures, open_products
from mep3m.models.linear.latent import LatentText
from mep3m.models.pretrained.packaged import packaged_weights
from mep3m.representations.encode import encode
from mep3m.representations.weights import open_encoders
from mep3m.settings.sources import Columns
from mep3m.store.json_files import write_json

TITLES = {
    "Chinese": ("zh_titles/retail_30class/items.tsv", "title"),
    "English": ("en_fashion_titles_44k/styles_with_titles.tsv", "title"),
}


class Loop:
    """What one would write without this package: timm's network and transform."""

    def __init__(self, name: str) -> None:
        whole = timm.create_model(name, pretrained=False)
        whole.load_state_dict(packaged_weights(name)[0])
        whole.reset_classifier(0)
        self.network = whole.eval()
        self.transform = create_transform(**resolve_data_config({}, model=self.network))

    def __call__(self, files: list[Path]) -> np.ndarray:
        """Return the vectors of picture files (N, D)."""
        found = []
        with torch.no_grad():
            for first in range(0, len(files), 32):
                batch = [Image.open(file).convert("RGB") for file in files[first : first + 32]]
                found.append(self.network(torch.stack([self.transform(one) for one in batch])).numpy())
        return np.concatenate(found)


def timed(function: Any, *arguments: Any) -> tuple[float, float, Any]:
    """Return seconds of the processor, of the clock, and what a call returned."""
    own, clock = time.process_time(), time.perf_counter()
    result = function(*arguments)
    return time.process_time() - own, time.perf_counter() - clock, result


def pictures(folder: Path, count: int, rounds: int) -> None:
    opened = open_pictures(folder)
    every = opened.products
    step = max(every.num_rows // count, 1)
    products = every.take(np.arange(0, every.num_rows, step)[:count])
    files = [folder / name for name in products["image_ref"].to_pylist()]
    encoders = open_encoders("image", ["packaged"])
    loop = Loop(str(encoders[0].facts()["network"]))
    encode(products.slice(0, 2), opened.images, "image", encoders)  # compiles
    loop(files[:2])
    seconds: dict[str, list[tuple[float, float]]] = {"mep3m": [], "timm": []}
    ours = theirs = np.zeros((0, 0), np.float32)
    for _ in range(rounds):
        own, clock, made = timed(encode, products, opened.images, "image", encoders)
        seconds["mep3m"].append((own, clock))
        own, clock, theirs = timed(loop, files)
        seconds["timm"].append((own, clock))
        ours = made.vectors
    print(f"{len(files)} pictures of {folder}, {rounds} rounds, {torch.get_num_threads()} threads\n")
    print("| | processor, s | images a processor second | clock, s |\n|---|---|---|---|")
    for name, rows in seconds.items():
        own, clock = np.median(rows, 0)
        print(f"| {name} | {own:.1f} | {len(files) / own:.1f} | {clock:.1f} |")
    ratios = [theirs[0] / ours[0] for ours, theirs in zip(seconds["mep3m"], seconds["timm"], strict=True)]
    print(f"\nratio by rounds: {', '.join(f'{one:.2f}' for one in ratios)}")
    same = (ours * theirs / np.linalg.norm(theirs, axis=1, keepdims=True)).sum(1)
    print(f"cosine with the loop's vectors: least {same.min():.4f}, median {np.median(same):.4f}")
    compiled(encoders[0], products, opened.images)


def compiled(encoder: Any, products: pa.Table, images: Any) -> None:
    """Print how far the compiled network is from PyTorch on the same pixels."""
    few = products.slice(0, 32)
    sooner = encoder.read(few, images).vectors
    network = encoder.backbone.network
    kept, network.sooner = network.sooner, {}
    network.sooner["image"] = network.encoders["image"]
    slow = encoder.read(few, images).vectors
    network.sooner = kept
    gap = np.abs(sooner - slow).max() / np.abs(slow).max()
    print(f"compiled beside PyTorch, same pixels: largest difference {gap:.1e} of the largest value")


def titles() -> None:
    print("\n| titles | number | learned in, processor s | titles a processor second |\n|---|---|---|---|")
    for name, (file, column) in TITLES.items():
        products = open_products(DATA / file, Columns(title=column)).products
        LatentText.fit(products["title"].slice(0, 50))  # compiles
        own, _, encoder = timed(LatentText.fit, products["title"])
        repeated = pa.concat_tables([products] * 3)
        spent, _, _ = timed(encode, repeated, None, "text", [encoder])
        print(f"| {name} | {products.num_rows:,} | {own:.1f} | {repeated.num_rows / spent:,.0f} |")


def memory(count: int, work: Path) -> None:
    folder, weights = work / "pictures", work / "small"
    draw(folder, count)
    weights.mkdir(exist_ok=True)
    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet", num_classes=10).state_dict(), weights / "model.safetensors")
    shape = {"mean": [0.5] * 3, "std": [0.5] * 3, "input_size": [3, 160, 160], "crop_pct": 0.9}
    write_json(weights / "config.json", {"architecture": "test_resnet", "pretrained_cfg": shape})
    out = work / "vectors.parquet"
    command = [sys.executable, "-m", "mep3m", "embed", str(folder), "--modality", "image", "--out", str(out)]
    running = subprocess.Popen([*command, "--weights", str(weights)])
    keys, seen = work / "vectors.cache", []
    while running.poll() is None:
        time.sleep(0.5)
        done = sum(file.stat().st_size // 16 for file in keys.glob("*/keys.bin"))
        try:
            seen.append((done, psutil.Process(running.pid).memory_info().rss / 2**20))
        except psutil.Error:
            break
    running.wait()
    print("\n| pictures done | resident, MiB |\n|---|---|")
    for mark in range(count // 10, count + 1, count // 10):
        before = [size for done, size in seen if mark - count // 10 < done <= mark]
        if before:
            print(f"| {mark:,} | {max(before):,.0f} |")


def draw(folder: Path, count: int) -> None:
    """Draw pictures that differ, where they are not drawn yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(len(list(folder.iterdir())), count):
        random = np.random.default_rng(number)
        coarse = Image.fromarray(random.integers(0, 256, (12, 12, 3), np.uint8))
        coarse.resize((400, 300), Image.Resampling.BICUBIC).save(folder / f"{number:06d}.jpg", quality=85)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, default=DATA / "img_grocery_store" / "val")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("encode.work"))
    options = parser.parse_args()
    if options.memory:
        memory(options.memory, options.work)
        return
    pictures(options.images, options.count, options.rounds)
    titles()


if __name__ == "__main__":
    main()
