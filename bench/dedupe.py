"""Duplicate grouping from 100k to 3M titles: time, peak memory, growth; and look-ups of one product.

Titles are generated in MEP-3M's shape: 599 categories with a long tail, 49 characters in the mean,
13.7 % of the rows share their title with another row, 8 % are near duplicates of one.

    python -m bench.dedupe --rows 100000 300000 1000000 3012959 --out dedupe.json
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.memory import peak
from mep3m.engine import make_engine
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.dedupe import DedupeSettings
from mep3m.stages.base import run_stage
from mep3m.stages.dedupe.lookup import DuplicateIndex
from mep3m.stages.dedupe.stage import DedupeStage, group_sizes
from mep3m.store import Plan, Store, StoreWriter

SHARD = 50_000
SAME, NEAR = 0.085, 0.08  # of the rows: copies of an earlier title, and edited copies
#: words of a category, words shared by all, Chinese characters used
OWN, SHARED, CHARACTERS = 400, 3000, 2500


def vocabulary(rng: np.random.Generator, count: int) -> np.ndarray:
    """Invent words of two to four characters, frequent characters more often."""
    weights = 1 / (np.arange(CHARACTERS) + 20.0)
    letters = rng.choice(CHARACTERS, (count, 4), p=weights / weights.sum()) + 0x4E00
    lengths = rng.choice([2, 3, 4], count, p=[0.6, 0.25, 0.15])
    return np.array(["".join(map(chr, row[:n])) for row, n in zip(letters, lengths, strict=True)])


def shards(rows: int, seed: int = 0) -> Iterator[list[str]]:
    """Yield the titles, a shard at a time."""
    rng = np.random.default_rng(seed)
    shared = vocabulary(rng, SHARED)
    own = [vocabulary(rng, OWN) for _ in range(599)]
    zipf = 1 / (np.arange(OWN) + 3.0)
    zipf /= zipf.sum()
    sizes = 1 / (np.arange(599) + 5.0)
    sizes /= sizes.sum()
    kept: list[str] = []
    for start in range(0, rows, SHARD):
        titles: list[str] = []
        for category in rng.choice(599, min(SHARD, rows - start), p=sizes):
            chance = rng.random()
            if kept and chance < SAME + NEAR:
                title = kept[int(rng.integers(len(kept)))]
                titles.append(title if chance < SAME else edited(title, shared, rng))
                continue
            words = own[category][np.searchsorted(np.cumsum(zipf), rng.random(rng.integers(8, 18))) % OWN]
            extra = shared[rng.integers(0, SHARED, 4)]
            number = f"{rng.integers(10, 9999)}{rng.choice(['g', 'ml', '件', 'cm'])}"
            titles.append("".join([*words, " ", *extra, " ", number]))
            if chance > 0.9:
                kept.append(titles[-1])
        yield titles


def edited(title: str, shared: np.ndarray, rng: np.random.Generator) -> str:
    """Insert one word at a random place."""
    place = int(rng.integers(len(title)))
    return title[:place] + str(shared[rng.integers(SHARED)]) + title[place:]


def make_store(folder: Path, rows: int) -> float:
    """Write the titles as a store and return their mean length in characters."""
    parts = tuple(f"{start}" for start in range(0, rows, SHARD))
    writer = StoreWriter.begin(folder, Plan("ingest", {"rows": rows}, parts))
    total = 0
    for part, titles in enumerate(shards(rows)):
        total += sum(map(len, titles))
        ids = [f"b:{part * SHARD + i}" for i in range(len(titles))]
        table = {
            name: pa.nulls(len(ids), kind)
            for name, kind in zip(PRODUCT_SCHEMA.names, PRODUCT_SCHEMA.types, strict=True)
        }
        table |= {"id": ids, "source": ["b"] * len(ids), "source_id": ids, "title": titles}
        writer.write(part, pa.table(table, schema=PRODUCT_SCHEMA))
    writer.finish()
    return total / rows


def measure(folder: Path, out: Path, workers: int, answer: Any) -> None:
    """Group one store in this fresh process and send the figures back."""
    store = Store.open(folder)
    start = time.perf_counter()
    grouped = run_stage(DedupeStage(DedupeSettings()), store, out, make_engine("local", workers))
    seconds = time.perf_counter() - start
    sizes = group_sizes(grouped)
    answer.put(
        {
            "seconds": seconds,
            "peak_mb": peak(),
            "cpu_seconds": time.process_time() + sum(os.times()[2:4]),
            "peak_worker_mb": peak(resource.RUSAGE_CHILDREN),
            "duplicates": sum((size - 1) * count for size, count in sizes.items()),
            "largest": max(sizes),
        }
    )


def look_up(folder: Path) -> float:
    """Return the median milliseconds of looking 15 titles up."""
    store = Store.open(folder)
    index = DuplicateIndex.open(store)
    titles = pq.read_table(store.shards[0], columns=["title"])["title"].to_pylist()[:15]
    took = []
    for title in titles:
        start = time.perf_counter()
        index.find("新款" + title)
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=3, help="runs of each size up to 300,000; larger: one")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    results = []
    print("| titles | seconds | CPU s | titles/s | peak MB | duplicates | largest group | look-up ms |")
    print("|---|---|---|---|---|---|---|---|")
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as scratch:
            length = make_store(Path(scratch) / "in", rows)
            runs = []
            for run in range(options.runs if rows <= 300_000 else 1):
                answer = context.Queue()
                grouped = Path(scratch) / f"out{run}"
                process = context.Process(
                    target=measure, args=(Path(scratch) / "in", grouped, options.workers, answer)
                )
                process.start()
                runs.append(answer.get())
                process.join()
            seconds = statistics.median(run["seconds"] for run in runs)
            result = {**runs[-1], "rows": rows, "seconds": seconds, "runs": len(runs), "mean_length": length,
                      "workers": options.workers, "look_up_ms": look_up(grouped)}  # fmt: skip
        results.append(result)
        print(
            f"| {rows:,} | {seconds:.1f} | {result['cpu_seconds']:.1f} | {rows / seconds:,.0f} | "
            f"{result['peak_mb']:,.0f} | {result['duplicates']:,} | {result['largest']} | "
            f"{result['look_up_ms']:.1f} |",
            flush=True,
        )
    if options.out:
        options.out.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
