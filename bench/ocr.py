"""OCR: quality and speed of every reader and setting, in one run, on hand-transcribed product images.

Quality is recall, precision and F1 on bags of characters over all images; speed is images per second
of two processes of one thread each, models loaded, at 800 px and at 220 px (MEP-3M's usual size).
On a machine with other load the processor time an image is the figure to compare.
"""

import argparse
import json
import logging
import os
import statistics
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

from bench.plots import dots
from mep3m.imaging.decode import load
from mep3m.settings.base import MAX_PIXELS
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.lines import TextLine
from mep3m.stages.ocr.pool import Failure, Limits, Pool
from mep3m.stages.ocr.read import ImageFile, _Reader

WORKERS = 2
DATA = Path(os.environ.get("MEP3M_DATA", Path(__file__).parents[2] / "shared" / "data")) / "img_tmall_2016"
Build = Callable[[], Callable[[Sequence[ImageFile]], list[list[TextLine] | Failure]]]


def plain_rapidocr(
    options: dict[str, Any],
) -> Callable[[Sequence[ImageFile]], list[list[TextLine] | Failure]]:
    """What a user would write: rapidocr's own class, one thread, its defaults but for `options`."""
    from rapidocr import RapidOCR

    logging.disable(logging.CRITICAL)
    engine = RapidOCR(
        params={
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            **options,
        }
    )

    def work(group: Sequence[ImageFile]) -> list[list[TextLine] | Failure]:
        results: list[list[TextLine] | Failure] = []
        for file in group:
            found = engine(load(file.path)[:, :, ::-1].copy())
            texts = zip(found.txts or (), found.scores or (), strict=True)
            results.append([TextLine((), text, float(score)) for text, score in texts])
        return results

    return work


def ours(**settings: Any) -> Build:
    return partial(_Reader, OcrSettings(**settings), MAX_PIXELS)


def plain(**options: Any) -> Build:
    return partial(plain_rapidocr, {name.replace("__", "."): value for name, value in options.items()})


def variants(size: int) -> dict[str, Build]:
    """The readers to compare at one image size, by the name they have in the table."""
    side = "detector_side" if size == 800 else "detector_min_side"
    sides = (
        (320, 416, 480, 544, 608, 640, 704, 736, 800) if size == 800 else (224, 256, 320, 352, 384, 448, 640)
    )
    found: dict[str, Build] = {"rapidocr as it comes": plain()}
    if size == 220:
        found["rapidocr, limit_side_len 320"] = plain(Det__limit_side_len=320)
    found["default"] = ours()
    found["default on onnxruntime"] = ours(engine="onnxruntime")
    found["default + upright"] = ours(upright=True)
    found |= {f"{side} {value}": ours(**{side: value}) for value in sides}
    found["tesseract chi_sim+eng"] = ours(backend="tesseract")
    return found


def bag(text: str) -> Counter[str]:
    return Counter(c.lower() for c in unicodedata.normalize("NFKC", text) if not c.isspace())


def scores(truth: Sequence[str], read: Sequence[str]) -> dict[str, float]:
    """Recall, precision and F1 of characters, pooled over the images."""
    pairs = [(bag(a), bag(b)) for a, b in zip(truth, read, strict=True)]
    hits = sum((a & b).total() for a, b in pairs)
    recall, precision = (
        hits / sum(a.total() for a, _ in pairs),
        hits / max(1, sum(b.total() for _, b in pairs)),
    )
    return {"recall": recall, "precision": precision, "f1": 2 * recall * precision / (recall + precision)}


def measure(build: Build, files: list[ImageFile], runs: int) -> tuple[float, float, list[str]]:
    """Return images per second, CPU milliseconds an image (medians of the runs), the texts."""
    pool: Pool[ImageFile, list[TextLine]] = Pool(build, WORKERS, Limits(600, 10**9, 10**6))
    read: dict[str, str] = {}
    rates, costs = [], []
    try:
        list(pool.map([file] for file in files[: 2 * WORKERS]))
        for _ in range(runs):
            start, cpu = time.perf_counter(), cpu_seconds()
            for file, result in pool.map([file] for file in files):
                lines = [] if isinstance(result, Failure) else result
                read[file.name] = "".join(line.text for line in lines if line.confidence >= 0.5)
            rates.append(len(files) / (time.perf_counter() - start))
            costs.append((cpu_seconds() - cpu) / len(files) * 1000)
    finally:
        pool.close()
    return statistics.median(rates), statistics.median(costs), [read[file.name] for file in files]


def cpu_seconds() -> float:
    """Return the processor time of the worker processes, and of those that they waited for."""
    times = [child.cpu_times() for child in psutil.Process().children()]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def shrunk(files: list[ImageFile], size: int, folder: Path) -> list[ImageFile]:
    """Write the images with this longest side into `folder`."""
    small = []
    for file in files:
        image = Image.open(file.path).convert("RGB")
        image.thumbnail((size, size), Image.Resampling.LANCZOS)
        image.save(folder / f"{file.path.stem}.png")
        small.append(ImageFile(file.name, folder / f"{file.path.stem}.png"))
    return small


def draw(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw what each reader gives for its time, without tesseract, far below, and the default twice."""
    default = OcrSettings()
    left_out = f"detector_side {default.detector_side}", f"detector_min_side {default.detector_min_side}"
    series: dict[str, list[tuple[float, float, str]]] = {}
    for row in rows:
        name = str(row["reader"])
        if "tesseract" not in name and name not in left_out:
            points = series.setdefault(f"{row['size']} px", [])
            points.append((row["images_per_second"], row["f1"], name.replace("detector_", "")))
    dots(path, "Quality over speed, two processes", ("images a second", "F1 of characters"), series)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--size", type=int, action="append", choices=[220, 800])
    parser.add_argument("--only", help="variants whose name contains this")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path, help="draw F1 over images a second as SVG")
    options = parser.parse_args()
    if not DATA.exists():
        sys.exit(print(f"no real data at {DATA}: nothing measured"))
    truth = json.loads((DATA / "ocr_gt.json").read_text(encoding="utf-8"))
    files = [ImageFile(row["image"], DATA / row["image"]) for row in truth]
    rows = []
    print("| size | reader | recall | precision | F1 | images/s | CPU ms/image | images/s on 2 free cores |")
    print("|---|---|---|---|---|---|---|---|")
    for size in options.size or (220, 800):
        with tempfile.TemporaryDirectory() as folder:
            given = files if size == 800 else shrunk(files, size, Path(folder))
            for name, build in variants(size).items():
                if options.only and options.only not in name:
                    continue
                rate, cost, read = measure(build, given, options.runs)
                figures = scores(["".join(row["lines"]) for row in truth], read)
                rows.append(
                    {"size": size, "reader": name, **figures, "images_per_second": rate, "cpu_ms": cost}
                )
                shown = " | ".join(f"{figures[key]:.3f}" for key in ("recall", "precision", "f1"))
                print(
                    f"| {size} | {name} | {shown} | {rate:.1f} | {cost:.0f} | {1000 * WORKERS / cost:.1f} |",
                    flush=True,
                )
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1))
    if options.plot:
        draw(options.plot, rows)


if __name__ == "__main__":
    main()
