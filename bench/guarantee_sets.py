"""Models of real and simulated sets, and what they say of what comes in: `bench.guarantee` reads it.

A part of each set trains a model; the rest, without titles of training and duplicates, is what comes in. One
file a model: `nodes`, `chances` (N, depth) of the likely paths, `truth` (N,), `leaves` (N, L) probabilities,
`platform` (N,) and `tree`.

    python -m bench.guarantee_sets --data ../shared/data --out /tmp/pools [--only retail_30class]
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from mep3m.assignment.run import Run
from mep3m.dataset.readable import hide_unreadable
from mep3m.dataset.reading import open_products
from mep3m.label_tree.probabilities import make_coherent
from mep3m.recipes.audit import read_audit
from mep3m.recipes.classify import train_run
from mep3m.settings.run import RunSettings
from mep3m.settings.simulator import SimulatorSettings
from mep3m.settings.sources import Columns
from mep3m.simulator.simulation import simulate

BATCH = 8192
Rows = list[dict[str, str]]
FASHION = ("masterCategory", "subCategory", "articleType")


def tables(folder: Path) -> Rows:
    """Return the rows of the TSV files of a folder."""
    found: Rows = []
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    return found


def pictured(folder: Path) -> Rows:
    """Return the rows with the names of their images."""
    return [row | {"image": f"{row['id']}.jpg"} for row in tables(folder)]


def simulated(folder: Path) -> Rows:
    """Return the rows of three invented shops; the model sees none of the third, `jiajia`."""
    with tempfile.TemporaryDirectory() as scratch:
        settings = SimulatorSettings(products=70_000, platforms=3, seed=18, images=False, vague=0.5)
        made = simulate(Path(scratch) / "shops", settings)
        rows = pq.read_table(made.products).to_pylist()
    levels = ("", "", "")
    return [
        {"title": row["title"], "platform": row["source"]}
        | dict(zip(("l1", "l2", "l3"), (*row["path"], *levels), strict=False))
        for row in rows
        if row["title"] and not row["defect"]
    ]


@dataclass(frozen=True)
class Set:
    """A set: folder, columns, reader, share of training rows; `never` is a platform that trains none."""

    folder: str
    columns: Columns
    read: Callable[[Path], Rows] = tables
    share: float = 0.3
    models: int = 3
    never: str | None = None
    leaves: bool = True
    settings: dict[str, Any] = field(default_factory=dict)


SETS = {
    "retail_30class": Set("zh_titles/retail_30class", Columns(title="title", labels=("label",))),
    "medical_device_4level": Set(
        "zh_titles/medical_device_4level",
        Columns(title="product_name", labels=("level1", "level2", "level3", "standard_name")),
    ),
    "fashion titles": Set("en_fashion_titles_44k", Columns(title="title", labels=FASHION), share=0.1),
    "simulated, drifting": Set(
        "", Columns(title="title", labels=("l1", "l2", "l3")), simulated, 0.05, 2, never="jiajia"
    ),
    "fashion text": Set("img_fashion_9583", Columns(title="title", labels=FASHION), share=0.2),
    "fashion image+text": Set(
        "img_fashion_9583",
        Columns(title="title", labels=FASHION, image="image"),
        pictured,
        share=0.2,
        models=1,
        leaves=False,
        settings={"modality": "image+text", "model": "late-fusion"},
    ),
}


def models_of(name: str, data: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the arrays of each model of a set."""
    chosen = SETS[name]
    columns = chosen.columns
    assert columns.title is not None
    names = [one for one in (columns.title, *columns.labels, columns.image) if one]
    rows = [
        row
        for row in chosen.read(data / chosen.folder)
        if (row[columns.title] or "").strip() and (row[columns.labels[0]] or "").strip()
    ]
    root = data / chosen.folder / "images" if columns.image else None
    for seed in range(chosen.models):
        order = np.random.default_rng(seed).permutation(len(rows)).tolist()
        cut = int(chosen.share * len(rows))
        train = [rows[row] for row in order[:cut] if rows[row].get("platform", "") != chosen.never]
        rest = [rows[row] for row in order[cut:]]
        with tempfile.TemporaryDirectory() as scratch:
            for part, mine in (("train", train), ("rest", rest)):
                lines = [
                    "\t".join(names),
                    *("\t".join((row[n] or "").strip() for n in names) for row in mine),
                ]
                (Path(scratch) / f"{part}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
            opened = open_products(Path(scratch) / "train.tsv", columns, root)
            train_run(opened, columns, root, RunSettings(seed=seed, **chosen.settings), Path(scratch) / "run")
            run = Run.open(Path(scratch) / "run")
            rest_opened = run.read(Path(scratch) / "rest.tsv", ids=False)
            held = read_audit(run, rest_opened)
            tree, parts = run.classifier.tree, []
            # looking at pictures twice takes as long as training did
            for start in range(0, len(held.products) if chosen.leaves else 0, BATCH):
                batch = hide_unreadable(held.products.slice(start, BATCH))
                proba = run.classifier.predict(batch, rest_opened.images).proba
                parts.append(make_coherent(tree, proba)[:, tree.leaves].astype(np.float16))
            numbers = [int(one) - 1 for one in held.products["source_id"].to_pylist()]
            print(
                f"{name}, model {seed}: {len(train):,} rows of training, the rest {held.counts}", flush=True
            )
            yield (
                seed,
                {
                    "nodes": held.paths.nodes,
                    "chances": held.paths.chances,
                    "truth": held.truth,
                    "leaves": np.concatenate(parts) if parts else np.zeros((0, len(tree.leaves))),
                    "platform": np.array([rest[n].get("platform", "") for n in numbers]),
                    "tree": np.array(json.dumps(tree.to_json())),
                },
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(SETS), choices=list(SETS))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.only:
        for seed, arrays in models_of(name, arguments.data):
            np.savez_compressed(arguments.out / f"{name}-{seed}.npz", **arrays)


if __name__ == "__main__":
    main()
