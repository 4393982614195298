"""`mep3m embed` of a store: killed and started again, memory while it runs, images met twice.

    python -m bench.embed_store --rows 20000 --work FOLDER

Drawn JPEGs of 64 pixels, one in twenty used by two products, and a small network (what is measured is the
way of the rows, not the network). One run is killed with -9 at a third and started again; its file has to
have the bytes of a run that nobody stopped.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from mep3m.product import Product, to_table
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.filesystem import hash_file
from mep3m.store.json_files import write_json
from mep3m.store.rows import KEY_BYTES

#: one image in so many is that of the product before, too
SHARED = 20


def draw(folder: Path, rows: int) -> int:
    """Write the store, and return how many different images it has."""
    writer = StoreWriter.begin(folder, Plan("ingest", {}, ("a",)))
    images = Store(folder, {"images": "images"}).images
    file, products, keys = folder.parent / "drawn.jpg", [], []
    for number in range(rows):
        if number % SHARED != 1:
            random = np.random.default_rng(number)
            coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
            coarse.resize((64, 64), Image.Resampling.BICUBIC).save(file, quality=85)
            keys.append(images.put(file.read_bytes()))
        products.append(Product(str(number), "s", str(number), image=keys[-1]))
    writer.write(0, to_table(products))
    writer.finish()
    return len(set(keys))


def network(folder: Path) -> Path:
    """Write a small network of timm for 64 pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet", num_classes=10).state_dict(), folder / "model.safetensors")
    shape = {"mean": [0.5] * 3, "std": [0.5] * 3, "input_size": [3, 64, 64], "crop_pct": 0.9}
    write_json(folder / "config.json", {"architecture": "test_resnet", "pretrained_cfg": shape})
    return folder


def embed(store: Path, weights: Path, out: Path, stop_at: int | None = None) -> list[tuple[int, float]]:
    """Run the command, killed after so many images; return (images computed, resident MiB) while it ran."""
    command = [sys.executable, "-m", "mep3m", "embed", str(store), "--modality", "image", "--out", str(out)]
    running = subprocess.Popen([*command, "--weights", str(weights)], stderr=subprocess.DEVNULL)
    seen: list[tuple[int, float]] = []
    while running.poll() is None:
        time.sleep(0.2)
        done = computed(out)
        try:
            seen.append((done, psutil.Process(running.pid).memory_info().rss / 2**20))
        except psutil.Error:
            break
        if stop_at is not None and done >= stop_at:
            os.kill(running.pid, signal.SIGKILL)
            break
    running.wait()
    return seen


def computed(out: Path) -> int:
    return sum(f.stat().st_size // KEY_BYTES for f in out.with_suffix(".cache").glob("*/keys.bin"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    work, rows = options.work, options.rows
    work.mkdir(parents=True, exist_ok=True)
    different = draw(work / "store", rows)
    weights = network(work / "small")
    killed, whole = work / "killed.parquet", work / "whole.parquet"
    embed(work / "store", weights, killed, stop_at=rows // 3)
    print(f"{rows:,} products, {different:,} images; killed with {computed(killed):,} computed")
    embed(work / "store", weights, killed)
    print(f"started again: {computed(killed):,} computed in all")
    began = time.perf_counter()
    seen = embed(work / "store", weights, whole)
    print(f"not stopped: {computed(whole):,} computed in {time.perf_counter() - began:.0f} s of the clock")
    print(f"same bytes: {hash_file(killed) == hash_file(whole)}")
    print("\n| images computed | resident, MiB |\n|---|---|")
    for mark in range(rows // 10, rows + 1, rows // 10):
        before = [size for done, size in seen if mark - rows // 10 < done <= mark]
        print(f"| {mark:,} | {max(before, default=0):,.0f} |")


if __name__ == "__main__":
    main()
