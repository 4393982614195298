"""OCR: resident memory of a long run. Every image is another one, of another size: no cache helps.

Prints the memory of the parent and of the largest worker every tenth of the run, and the same for
one worker process that is never replaced, so that a leak would show.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image, ImageDraw, ImageFont

from bench.plots import lines
from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.stages.ocr.cache import ReadingCache
from mep3m.stages.ocr.read import ImageFile, ImageReader


def draw(folder: Path, count: int) -> list[ImageFile]:
    """Write images of 96 to 240 pixels a side, noise on all, one or two words on 46 % of them."""
    rng, noise = random.Random(0), np.random.default_rng(0)
    fonts = [ImageFont.load_default(size) for size in (18, 24, 32)]
    files = []
    for number in range(count):
        size = rng.randrange(96, 240), rng.randrange(96, 240)
        shade = noise.integers(215, 256, (size[1], size[0], 3), dtype=np.uint8)
        image = Image.fromarray(shade)
        if rng.random() < 0.46:
            for row in range(rng.randrange(1, 3)):
                word = "".join(rng.choices("ABCDEFGHKLMNPRSTUVXYZ0123456789", k=rng.randrange(3, 9)))
                ImageDraw.Draw(image).text((5, 10 + 45 * row), word, "black", font=rng.choice(fonts))
        path = folder / f"{number:06d}.jpg"
        image.save(path, quality=85)
        files.append(ImageFile(path.name, path))
    return files


def memory() -> tuple[float, float]:
    """Return MiB of this process and of its largest child."""
    this = psutil.Process()
    children = [0]
    for child in this.children():
        try:
            children.append(child.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return this.memory_info().rss / 2**20, max(children) / 2**20


def run(
    files: list[ImageFile], folder: Path, settings: tuple[OcrSettings, PoolSettings], seconds: float | None
) -> dict[str, Any]:
    """Read the files, at most for `seconds`, and return the memory seen along the way."""
    samples: list[tuple[int, float, float]] = []
    done, last, start = 0, 0.0, time.perf_counter()

    def tick(amount: int) -> None:
        nonlocal done, last
        done += amount
        if time.perf_counter() - last > 0.5:
            last = time.perf_counter()
            samples.append((done, *memory()))

    with (
        ReadingCache(folder / "kept.sqlite", settings[0]) as cache,
        ImageReader(*settings, cache) as reader,
    ):
        texts = read = 0
        for reading in reader.read(files, tick):
            texts, read = texts + bool(reading.lines), read + 1
            if seconds is not None and time.perf_counter() - start > seconds:
                break
    spent = time.perf_counter() - start
    return {"samples": samples, "with_text": texts, "images": read, "seconds": spent}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, help="stop after this long, and say how many it were")
    parser.add_argument("--replace-after", type=int, default=5000, help="images a process; huge: never")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    settings = OcrSettings(detector_min_side=160)
    pool = PoolSettings(images_per_process=options.replace_after, process_memory_mb=8000)
    with tempfile.TemporaryDirectory() as folder:
        files = draw(Path(folder), options.images)
        found = run(files, Path(folder), (settings, pool), options.seconds)
    count = found["images"]
    rate = count / found["seconds"]
    print(f"{count:,} images, {found['with_text']:,} with text, {rate:.1f} images/s\n")
    print("| images | parent MiB | largest worker MiB |\n|---|---|---|")
    for tenth in range(1, 11):
        part = [s for s in found["samples"] if (tenth - 1) / 10 < s[0] / count <= tenth / 10]
        if part:
            parent, worker = max(s[1] for s in part), max(s[2] for s in part)
            print(f"| {count * tenth // 10:,} | {parent:.0f} | {worker:.0f} |")
    if options.plot:
        series = {
            name: [(float(s[0]), s[column], "") for s in found["samples"]]
            for name, column in (("parent", 1), ("largest worker", 2))
        }
        lines(options.plot, "Resident memory of a run", ("images read", "MiB"), series)
    if options.out:
        options.out.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
