"""Relabelling the rows of a store: `align apply` beside a plain loop over records with a dictionary.

`python bench/align_apply.py --rows 100000 --runs 3 --out apply.json` prints a Markdown table.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mep3m.engine import make_engine
from mep3m.product import Label, Product, from_table, to_table
from mep3m.stages.base import run_stage
from mep3m.stages.merge.merged import Review
from mep3m.stages.merge.stage import ApplyReview, read_mapping
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.files import write_json

SHARD = 25_000
CATEGORIES = 599


def make_store(folder: Path, rows: int) -> Store:
    parts = [range(start, min(start + SHARD, rows)) for start in range(0, rows, SHARD)]
    writer = StoreWriter.begin(folder, Plan("ingest", {"rows": rows}, tuple(map(str, range(len(parts))))))
    for number, part in enumerate(parts):
        writer.write(number, to_table(product(i) for i in part))
    return writer.finish()


def product(i: int) -> Product:
    path = (f"first {i % 14}", f"second {i % CATEGORIES}")
    given = tuple(Label(name, "given", "shop") for name in path)
    return Product(f"s:{i}", "ab"[i % 2], str(i), path, title=f"title of the product {i}", labels=given)


def loop(store: Store, mapping_of: Path, folder: Path) -> None:
    """Relabel record by record, as a script would."""
    mapping = read_mapping(mapping_of)
    plan = Plan("loop", {}, tuple(str(i) for i in range(len(store.shards))))
    writer = StoreWriter.begin(folder, plan, replace=True)
    for number, table in enumerate(store.tables()):
        rows = (
            replace(row, labels=mapping.get((row.source, row.source_path), ())) for row in from_table(table)
        )
        writer.write(number, to_table(rows))
    writer.finish()


def timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        store = make_store(folder / "store", options.rows)
        stage, engine = ApplyReview(Review()), make_engine("local", 1)
        apply, loops = [], []
        for run in range(options.runs):
            target = folder / f"applied{run}"
            apply.append(timed(lambda target=target: run_stage(stage, store, target, engine)))
            mapping, other = target / "decision" / "mapping.json", folder / f"loop{run}"
            loops.append(timed(lambda mapping=mapping, other=other: loop(store, mapping, other)))
            same = all(
                a.select(["labels"]).equals(b.select(["labels"]))
                for a, b in zip(Store.open(target).tables(), Store.open(other).tables(), strict=True)
            )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("| | seconds (median) | rows/s |\n|---|---|---|")
    for name, seconds in (("align apply (collect, decide, apply)", apply), ("loop over records", loops)):
        middle = statistics.median(seconds)
        print(f"| {name} | {middle:.2f} | {options.rows / middle:,.0f} |")
    print(f"\n{options.rows:,} rows, {options.runs} runs, one process, same labels: {same}; {memory:.0f} MiB")
    if options.out:
        write_json(
            options.out, {"rows": options.rows, "apply": apply, "loop": loops, "same": same, "mib": memory}
        )


if __name__ == "__main__":
    main()
