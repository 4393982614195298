"""How right duplicate groups are: against the simulator's truth, and on 500 real labelled pairs.

Settings were chosen on the world of seed 0 and on the even rows of the real pairs; the last column
block and the odd rows report them.

    MEP3M_DATA=... python -m bench.dedupe_truth --out dedupe_truth.json
"""

import argparse
import csv
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.engine import make_engine
from mep3m.evaluation.clusters import b_cubed, pairwise
from mep3m.ingest.run import ingest
from mep3m.settings.dedupe import DedupeSettings
from mep3m.settings.project import load_project
from mep3m.simulator import SimulatorSettings, simulate
from mep3m.stages.base import run_stage
from mep3m.stages.dedupe.evidence import collect, gather
from mep3m.stages.dedupe.groups import DuplicateEvidence, find_links, first_rows, group
from mep3m.stages.dedupe.titles import jaccard, normalise, shingle
from mep3m.stages.quality.stage import QualityStage
from mep3m.store import Store

OFF: dict[str, Any] = {"same_title": False, "same_image": False, "near_title": None, "image_distance": None}
VARIANTS: dict[str, dict[str, Any]] = {
    "equal titles": {**OFF, "same_title": True},
    "equal images": {**OFF, "same_image": True},
    "near titles 0.5": {**OFF, "same_title": True, "near_title": 0.5},
    "near titles 0.6": {**OFF, "same_title": True, "near_title": 0.6},
    "near titles 0.7": {**OFF, "same_title": True, "near_title": 0.7},
    "near images 4, titles 0.2": {**OFF, "image_distance": 4, "image_title": 0.2, "image_step": 0},
    "near images 4, titles 0.3": {**OFF, "image_distance": 4, "image_title": 0.3, "image_step": 0},
    "near images 4, titles 0.2 + 0.03 a bit": {**OFF, "image_distance": 4},
    "near images 4 alone": {**OFF, "image_distance": 4, "image_title": 0.0, "image_step": 0},
    "all, no guard": {"chain": 10**9},
    "all (default)": {},
}


def world(folder: Path, products: int, seed: int) -> tuple[DuplicateEvidence, list[str], list[str]]:
    """Simulate, ingest and check three shops; return evidence, true group and shop of the kept rows."""
    shops = simulate(folder / "shops", SimulatorSettings(products=products, platforms=3, seed=seed))
    raw = ingest(load_project(shops.project).sources, shops.folder, folder / "1-ingest", make_engine())
    store = run_stage(
        QualityStage(load_project(shops.project).quality), raw, folder / "2-quality", make_engine()
    )
    rows = pq.read_table(shops.products).to_pylist()
    true = {(r["source"], r["source_id"]): r["group"] for r in rows if r["defect"] != "repeated_id"}
    table = pa.concat_tables(store.tables())
    known = pa.array(
        [key in true for key in zip(table["source"].to_pylist(), table["source_id"].to_pylist(), strict=True)]
    )
    kept = table.filter(pa.compute.and_(known, table["dropped"].is_null()))
    pq.write_table(collect(kept, Store.open(store.folder).images), folder / "collected.parquet")
    evidence = gather([folder / "collected.parquet"], folder / "index", folder / "scratch")
    shop = kept["source"].to_pylist()
    return evidence, [true[key] for key in zip(shop, kept["source_id"].to_pylist(), strict=True)], shop


def across_recall(found: list[int], true: list[str], shop: list[str]) -> float:
    """Return the recall over pairs of products of different shops."""
    hits, pairs = 0, 0
    members: dict[str, list[int]] = {}
    for row, name in enumerate(true):
        members.setdefault(name, []).append(row)
    for rows in members.values():
        for i, a in enumerate(rows):
            for b in rows[i + 1 :]:
                if shop[a] != shop[b]:
                    pairs += 1
                    hits += found[a] == found[b]
    return hits / pairs if pairs else 1.0


def simulated(products: int, seed: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as scratch:
        evidence, true, shop = world(Path(scratch), products, seed)
        for name, changed in VARIANTS.items():
            settings = DedupeSettings(**changed)
            first = first_rows(evidence, settings)
            found = group(first, find_links(evidence, first, settings), settings.chain)
            pairs, cubed = pairwise(found.tolist(), true), b_cubed(found.tolist(), true)
            yield {
                "settings": name,
                "seed": seed,
                "rows": len(true),
                "precision": pairs.precision,
                "recall": pairs.recall,
                "f1": pairs.f1,
                "b_cubed_precision": cubed.precision,
                "b_cubed_recall": cubed.recall,
                "recall_across_shops": across_recall(found.tolist(), true, shop),
                "largest": int(np.bincount(found).max()),
            }


def real_pairs(data: Path) -> Iterator[dict[str, Any]]:
    path = data / "zh_titles" / "openbg_ecominstruct" / "item_pairs_same_or_not.tsv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    same = np.array([row["same"] == "1" for row in rows])
    sides = [[row[f"item{k}_title_and_attrs"].partition(", ")[0] for row in rows] for k in (1, 2)]
    cut = shingle(normalise(pa.array(sides[0] + sides[1])))
    numbers = np.arange(len(rows))
    likeness = jaccard(cut, numbers, numbers + len(rows))
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        for half, rest in (("tune", 0), ("test", 1)):
            here = numbers % 2 == rest
            found = (likeness >= threshold) & here
            right = int((found & same).sum())
            yield {
                "threshold": threshold,
                "half": half,
                "pairs": int(here.sum()),
                "same": int((same & here).sum()),
                "found": int(found.sum()),
                "precision": right / max(1, int(found.sum())),
                "recall": right / int((same & here).sum()),
            }


def print_table(rows: list[dict[str, Any]]) -> None:
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        cells = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()]
        print("| " + " | ".join(cells) + " |", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = {"simulated": [], "real": []}
    for seed in options.seeds:
        rows = list(simulated(options.products, seed))
        results["simulated"] += rows
        print_table(rows)
    data = Path(os.environ.get("MEP3M_DATA", "../shared/data"))
    if data.exists():
        results["real"] = list(real_pairs(data))
        print_table(results["real"])
    else:
        print(f"no real data at {data}: the labelled pairs are left out")
    if options.out:
        options.out.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
