"""What pictures say for alignment: none, their statistics, and the encoder's mean vector of a category.

    python -m bench.align_pictures --work FOLDER

Simulated shops with drawn pictures, and real sets cut into two shops whose products do not overlap, the
second with numbers for names, so that names cannot tell. `nearest` is the share of the left categories
whose most similar right one by pictures alone is the true one; F1 is that of the evidence method.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.align_quality import SEEDS, accepted
from bench.alignment.data import Case
from bench.image_sets import DATA, SETS, _table
from mep3m.alignment.from_store import PICTURES_KEPT, picture_statistics
from mep3m.alignment.gold import read_gold
from mep3m.alignment.learned.products import _pictures
from mep3m.alignment.learned.proposer import propose_evidence
from mep3m.alignment.records import Entry, Side, read_side
from mep3m.representations.encode import encode
from mep3m.representations.weights import open_encoders
from mep3m.settings.align import AlignSettings
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.simulation import simulate
from mep3m.sources.columns import product_table
from mep3m.store.images import FolderImages

#: gives the mean of what is measured in some picture files, empty where none can be read
Measure = Callable[[Sequence[Path]], tuple[float, ...]]
#: the picture files of categories by their paths
Files = dict[tuple[str, ...], list[Path]]


def statistics(files: Sequence[Path]) -> tuple[float, ...]:
    found = [one for file in files if (one := picture_statistics(file.read_bytes())) is not None]
    return tuple(np.mean(found, axis=0).tolist()) if found else ()


def eyes(cache: Path) -> Measure:
    encoders = open_encoders("image", ["packaged"], cache=cache)

    def measure(files: Sequence[Path]) -> tuple[float, ...]:
        names = pa.array([str(file)[1:] for file in files], pa.string())
        rows = product_table({"source": names, "source_id": names, "image_ref": names}, len(files))
        found = encode(rows, FolderImages(Path("/")), "image", encoders).vectors
        found = found[found.any(1)]
        return tuple(found.mean(0).tolist()) if len(found) else ()

    return measure


def measured(side: Side, files: Files, measure: Measure | None) -> Side:
    """Return the side with the pictures of its categories measured."""
    return Side(
        side.name,
        tuple(
            replace(e, image=measure(files[e.path]) if measure and files.get(e.path) else ()) for e in side
        ),
    )


def simulated(seed: int, products: int) -> list[tuple[Case, dict[str, Files]]]:
    """Return the alignments of three simulated shops and the picture files of their categories."""
    folder = tempfile.mkdtemp()
    drawn = simulate(Path(folder), SimulatorSettings(products=products, platforms=3, seed=seed, images=True))
    sides = {name: read_side(drawn.categories(name), name)[0] for name in drawn.platforms}
    files: dict[str, Files] = {name: defaultdict(list) for name in sides}
    for row in pq.read_table(drawn.products).to_pylist():
        of = files[row["source"]][tuple(row["shown_path"] or ())]
        picture = drawn.images(row["source"]) / (row["image"] or "")
        if picture.is_file() and len(of) < PICTURES_KEPT:
            of.append(picture)
    cases = []
    for left, right in combinations(drawn.platforms, 2):
        gold = read_gold(drawn.alignment(left, right), sides[left], sides[right]).pairs
        kinds = {pair: str(relation) for pair, relation in gold.items()}
        case = Case(f"{seed}", sides[left], sides[right], dict.fromkeys(kinds, 1.0), kinds)
        cases.append((case.stocked().without_english(), files))
    return cases


def halves(name: str, titles: bool) -> tuple[Case, dict[str, Files]]:
    """Return a real set as two shops: every other product of a category to each; the right has no names."""
    chosen = SETS[name]
    files: dict[str, Files] = {"left": defaultdict(list), "right": defaultdict(list)}
    texts: dict[str, Any] = {"left": defaultdict(list), "right": defaultdict(list)}
    seen: Counter[tuple[str, ...]] = Counter()
    for row in _table(DATA / chosen.folder, chosen):
        path = tuple(row[level] for level in chosen.labels)
        side = ("left", "right")[seen[path] % 2]
        seen[path] += 1
        texts[side][path].append(row["title"])
        if len(files[side][path]) < PICTURES_KEPT:
            files[side][path].append(DATA / chosen.folder / row["image"])
    both = [path for path in texts["left"] if path in texts["right"]]
    drawn = random.Random(0).sample(both, len(both))
    number = {path: (f"c{n:04d}",) for n, path in enumerate(drawn)}

    def entry(side: str, path: tuple[str, ...]) -> Entry:
        own = texts[side][path]
        shown = path if side == "left" else number[path]
        return Entry(f"{side} {path}", shown, titles=tuple(own[:450]) if titles else (), count=len(own))

    left, right = (Side(side, tuple(entry(side, path) for path in both)) for side in ("left", "right"))
    gold = {(f"left {path}", f"right {path}"): 1.0 for path in both}
    files["right"] = {number[path]: files["right"][path] for path in both}
    return Case(name, left, right, gold, dict.fromkeys(gold, "exact")), files


def nearest(left: Side, right: Side, gold: dict[tuple[str, str], float]) -> tuple[int, int]:
    rows, columns = (a.ravel() for a in np.indices((len(left), len(right))))
    scores = np.nan_to_num(_pictures(left, right, rows, columns), nan=-2).reshape(len(left), len(right))
    hits = sum(
        (left.entries[i].id, right.entries[int(scores[i].argmax())].id) in gold
        for i in range(len(left))
        if scores[i].max() > -2
    )
    return hits, int((scores.max(1) > -2).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=["flipkart", "fashion"])
    parser.add_argument("--simulated", nargs="*", type=int, default=[400, 1200])
    parser.add_argument("--pictures", nargs="*", default=["none", "statistics", "eyes"])
    options = parser.parse_args()
    measures: dict[str, Measure | None] = {"none": None, "statistics": statistics, "eyes": eyes(options.work)}
    measures = {name: measures[name] for name in options.pictures}
    groups: dict[str, list[tuple[Case, dict[str, Files]]]] = {}
    for size in options.simulated:
        groups[f"simulator, {size}"] = [one for seed in SEEDS for one in simulated(seed, size)]
    for name in options.sets:
        for titles in (False, True):
            groups[f"{name}, {'' if titles else 'no '}titles"] = [halves(name, titles)]
    print("| set | pictures | nearest | precision | recall | F1 |\n|---|---|---|---|---|---|")
    for group, cases in groups.items():
        for how, measure in measures.items():
            print(f"| {group} | {how} | {' | '.join(scores(cases, measure))} |", flush=True)


def scores(cases: Sequence[tuple[Case, dict[str, Files]]], measure: Measure | None) -> list[str]:
    """Return nearest, precision, recall and F1 over all cases, in words."""
    found = right = gold = hits = asked = 0
    for case, files in cases:
        left, other = (measured(side, files[side.name], measure) for side in (case.left, case.right))
        got = accepted(propose_evidence(left, other, AlignSettings().evidence))
        found, right, gold = found + len(got), right + len(got & set(case.gold)), gold + len(case.gold)
        if measure is not None:
            one = nearest(left, other, case.gold)
            hits, asked = hits + one[0], asked + one[1]
    precision, recall = right / max(found, 1), right / gold
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return [f"{hits / asked:.3f}" if asked else "", *(f"{value:.3f}" for value in (precision, recall, f1))]


if __name__ == "__main__":
    main()
