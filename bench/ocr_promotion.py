"""OCR: precision and recall of the promotional score, per line.

Against the simulator's truth (the drawn text, and what was read back), and against lines of
`img_tmall_2016/single_400` labelled by hand (`ocr_promotion_labels.json`: a letter a line in reading
order, p promotional, i informative, - neither or a fragment). The rules were first measured on
both sets, then revised from the errors in `first` alone: `second` is the held-out figure.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.simulation import simulate
from mep3m.stages.ocr.cache import ReadingCache
from mep3m.stages.ocr.lines import TextLine
from mep3m.stages.ocr.promotion import PROMOTIONAL, score_lines
from mep3m.stages.ocr.read import ImageFile, ImageReader, Reading

DATA = Path(os.environ.get("MEP3M_DATA", Path(__file__).parents[2] / "shared" / "data")) / "img_tmall_2016"
LABELS = Path(__file__).with_name("ocr_promotion_labels.json")
Judged = Iterable[tuple[bool, bool]]


def figures(judged: Judged) -> dict[str, Any]:
    """Count (true, found) pairs of the promotional class."""
    pairs = list(judged)
    hits = sum(true and found for true, found in pairs)
    found, true = sum(found for _, found in pairs), sum(true for true, _ in pairs)
    return {"lines": len(pairs), "promotional": true, "precision": hits / found, "recall": hits / true}


def promotional(line: TextLine) -> bool:
    return (line.promotional or 0.0) >= PROMOTIONAL


def read(files: list[ImageFile], folder: Path) -> list[Reading]:
    settings = OcrSettings()
    with (
        ReadingCache(folder / "readings.sqlite", settings) as cache,
        ImageReader(settings, PoolSettings(), cache) as reader,
    ):
        return list(reader.read(files))


def by_hand(labels: dict[str, str], folder: Path) -> Judged:
    """Judge the labelled lines; an image whose reading has another number of lines is left out."""
    files = [ImageFile(name, DATA / "single_400" / f"{name}.jpg") for name in labels]
    for reading in read(files, folder):
        if len(reading.lines) != len(labels[reading.name]):
            print(f"{reading.name}: other lines than were labelled, left out", file=sys.stderr)
            continue
        for line, label in zip(reading.lines, labels[reading.name], strict=True):
            if label != "-":
                yield label == "p", promotional(line)


def drawn(rows: list[dict[str, Any]]) -> Judged:
    """Judge the simulator's lines as they were drawn."""
    for row in rows:
        lines = [TextLine((), line["text"], 1.0) for line in row["lines"]]
        for line, true in zip(score_lines(lines), row["lines"], strict=True):
            yield true["kind"] == "promotional", promotional(line)


def read_back(rows: list[dict[str, Any]], files: list[ImageFile], folder: Path) -> Judged:
    """Judge the lines read in the simulator's images; the true line is the one they lie on."""
    for row, reading in zip(rows, read(files, folder), strict=True):
        for line in reading.lines:
            left, top, right, bottom = line.box
            x, y = (left + right) / 2, (top + bottom) / 2
            for true in row["lines"]:
                box = true["box"]
                if box[0] <= x <= box[2] and box[1] <= y <= box[3]:
                    yield true["kind"] == "promotional", promotional(line)
                    break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=500)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = simulate(folder / "world", SimulatorSettings(products=options.products, seed=options.seed))
        rows = [row for row in map(orjson.loads, world.ocr.read_bytes().splitlines()) if row["lines"]]
        files = [ImageFile(row["image"], world.images(row["source"]) / row["image"]) for row in rows]
        kept = [i for i, file in enumerate(files) if file.path.exists()]
        rows, files = [rows[i] for i in kept], [files[i] for i in kept]
        found["simulator, text as drawn"] = figures(drawn(rows))
        found["simulator, text as read"] = figures(read_back(rows, files, folder))
        if DATA.exists():
            for part, labels in json.loads(LABELS.read_text()).items():
                found[f"real images, {part} set"] = figures(by_hand(labels, folder))
        else:
            print(f"no real data at {DATA}: only the simulator", file=sys.stderr)
    print("| lines of | lines | promotional | precision | recall |\n|---|---|---|---|---|")
    for name, row in found.items():
        shown = f"{row['precision']:.3f} | {row['recall']:.3f}"
        print(f"| {name} | {row['lines']} | {row['promotional']} | {shown} |")
    if options.out:
        options.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
