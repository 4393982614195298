"""Relabelling the rows of a store: `align apply` beside a plain loop over records with a dictionary.

`python -m bench.align_apply --rows 100000,1000000 --runs 3` prints a Markdown table.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from bench.memory import peak
from mep3m.alignment.merging.merge import MergeInputs
from mep3m.engine import make_engine
from mep3m.product import Label, Product, from_table, to_table
from mep3m.stages.apply_review import ApplyReview, read_mapping
from mep3m.stages.base import run_stage
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.json_files import write_json

SHARD = 25_000
CATEGORIES = 599


def make_store(folder: Path, rows: int) -> Store:
    parts = [range(start, min(start + SHARD, rows)) for start in range(0, rows, SHARD)]
    writer = StoreWriter.begin(folder, Plan("ingest", {"rows": rows}, tuple(map(str, range(len(parts))))))
    for number, part in enumerate(parts):
        writer.write(number, to_table(product(i) for i in part))
    return writer.finish()


def product(i: int) -> Product:
    place = i % CATEGORIES
    path = (f"first {place % 14}", f"second {place}")
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


def apply(store: Path, folder: Path) -> tuple[float, float]:
    """Apply an empty review to a store; return the seconds and the peak memory of this process, in MiB."""
    engine, opened = make_engine("local", 1), Store.open(store)
    begin = time.perf_counter()
    run_stage(ApplyReview(MergeInputs()), opened, folder, engine)
    return time.perf_counter() - begin, peak()


def by_loop(store: Path, folder: Path, mapping: Path) -> tuple[float, float]:
    """Relabel the same rows by the loop; return the same."""
    opened = Store.open(store)
    begin = time.perf_counter()
    loop(opened, mapping, folder)
    return time.perf_counter() - begin, peak()


def alone(work: Callable[..., tuple[float, float]], *arguments: Path) -> tuple[float, float]:
    """Run a function in a process of its own, whose peak memory is nobody else's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def same_labels(one: Path, other: Path) -> bool:
    return all(
        a.select(["labels"]).equals(b.select(["labels"]))
        for a, b in zip(Store.open(one).tables(), Store.open(other).tables(), strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="100000,1000000", help="sizes of the store")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--loops", type=int, default=1, help="runs of the plain loop")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = []
    print("| rows | | seconds, median (least to most) | rows/s | peak MiB |\n|---|---|---|---|---|")
    for rows in (int(size) for size in options.rows.split(",")):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            make_store(folder / "store", rows)
            ways = {
                "align apply (collect, decide, write)": [
                    alone(apply, folder / "store", folder / f"applied{run}") for run in range(options.runs)
                ],
                "loop over records": [
                    alone(
                        by_loop,
                        folder / "store",
                        folder / f"loop{run}",
                        folder / "applied0" / "decision" / "mapping.json",
                    )
                    for run in range(options.loops)
                ],
            }
            same = not options.loops or same_labels(folder / "applied0", folder / "loop0")
        for name, runs in ways.items():
            seconds = sorted(spent for spent, _ in runs)
            if seconds:
                middle = statistics.median(seconds)
                print(
                    f"| {rows:,} | {name}, same labels: {same} | {middle:.2f} ({seconds[0]:.2f} to "
                    f"{seconds[-1]:.2f}) | {rows / middle:,.0f} | {max(mib for _, mib in runs):,.0f} |",
                    flush=True,
                )
        found.append({"rows": rows, "same": same, **ways})
    if options.out:
        write_json(options.out, found)


if __name__ == "__main__":
    main()
