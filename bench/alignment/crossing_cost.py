"""What filing products both ways costs: `python -m bench.alignment.crossing_cost PART[=SIZE]...`.

`real`: `align propose` on the four catalogues without and with it. `rows`: drawn stores of two platforms, 600
categories each, of growing numbers of rows. `filing` and `categories`: filing alone, and the whole, on n x n
categories of two platforms with five titles each. Processor seconds, as the machine may be shared; each
measurement is a process of its own.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from typing import Any

import pyarrow as pa

from bench.align import TITLES, made_names
from bench.alignment.data import rows as rows_of
from bench.memory import peak
from bench.truth.check import GROUPS
from bench.truth.rows import platform_side
from mep3m.alignment.crossing.relation import with_inner
from mep3m.alignment.crossing.tables import Crossings
from mep3m.alignment.from_store import sides_from_products
from mep3m.alignment.learned.proposer import propose_evidence
from mep3m.alignment.propose import INNER_TITLES, propose
from mep3m.alignment.records import Entry, Side
from mep3m.alignment.similarity import words
from mep3m.settings.align import AlignSettings

RUNS = 3
ROWS = (30_000, 300_000, 3_000_000)
CATEGORIES = (1_250, 2_500, 5_000, 10_000, 20_000)
#: categories of a platform in `rows`, titles of a category in `categories`, and rows of one drawn table
PLATFORM, TITLES_EACH, TABLE = 600, 5, 50_000


def seconds(work: Callable[[], object]) -> float:
    """Return the processor seconds of a call, all threads and the system's part included."""
    start = time.process_time()
    work()
    return time.process_time() - start


def real(run: int) -> dict[str, Any]:
    """Measure the four catalogues without filing, without it but with inner categories, and with both."""
    sides = [platform_side(platform) for platform in GROUPS["zh4"]]
    settings = AlignSettings()
    whole = [with_inner(side, INNER_TITLES) for side in sides]
    words("先 把 词典 读 进来")

    def each(of: list[Side]) -> None:
        for left, right in combinations(of, 2):
            propose_evidence(left, right, settings.evidence)

    each(sides[:2])  # models and compiled loops are loaded before the clock runs
    ways = {
        "without": lambda: each(sides),
        "inner categories, without": lambda: each(whole),
        "with": lambda: propose(sides, settings),
        "of which filing": lambda: filed(whole),
    }
    order = list(ways)[run % 2 :] + list(ways)[: run % 2]
    return {name: round(seconds(ways[name]), 2) for name in order} | {"MiB": round(peak())}


def filed(sides: list[Side]) -> None:
    crossings = Crossings(sides)
    for left, right in combinations(sides, 2):
        crossings.between(left, right)


def drawn(rows: int) -> Iterator[pa.Table]:
    """Yield tables of real titles with drawn endings, so that nearly all are distinct."""
    titles = [row["title"] for row in rows_of(TITLES)]
    draw = random.Random(2)
    for start in range(0, rows, TABLE):
        count = min(TABLE, rows - start)
        places = draw.choices(range(PLATFORM), k=count)
        yield pa.table(
            {
                "source": draw.choices(("left", "right"), k=count),
                "source_path": [[f"class {place % 14}", f"category {place}"] for place in places],
                "title": [f"{title} {draw.randrange(10**6)}" for title in draw.choices(titles, k=count)],
                **dict.fromkeys(("ocr", "dropped", "image", "image_ref"), pa.nulls(count, pa.string())),
            }
        )


def rows(count: int) -> dict[str, Any]:
    """Measure reading `count` rows, and filing what was kept of them."""
    drawing = seconds(lambda: [None for _ in drawn(count)])
    sides: list[Side] = []
    reading = seconds(lambda: sides.extend(sides_from_products(drawn(count)))) - drawing
    whole = [with_inner(side, INNER_TITLES) for side in sides]
    return {
        "rows": count, "reading": round(reading, 1), "filing": round(seconds(lambda: filed(whole)), 1),
        "MiB": round(peak()),
    }  # fmt: skip


def drawn_sides(size: int) -> list[Side]:
    """Return two platforms of `size` categories with made names and real titles."""
    titles = [row["title"] for row in rows_of(TITLES)]
    names, draw = made_names(2 * size), random.Random(1)
    entries = [
        Entry(str(k), (name[:3], f"{name} {k}"), titles=tuple(draw.choices(titles, k=TITLES_EACH)), count=9)
        for k, name in enumerate(names)
    ]
    return [Side("left", tuple(entries[:size])), Side("right", tuple(entries[size:]))]


def filing(size: int) -> dict[str, Any]:
    """Measure filing alone on `size` x `size` categories."""
    whole = [with_inner(side, INNER_TITLES) for side in drawn_sides(size)]
    before = peak()
    spent = seconds(lambda: filed(whole))
    return {
        "categories": size,
        "filing": round(spent, 1),
        "MiB before, after": [round(before), round(peak())],
    }


def categories(size: int) -> dict[str, Any]:
    """Measure the whole of proposing on `size` x `size` categories, without filing and then with it."""
    sides = drawn_sides(size)
    without = seconds(lambda: propose_evidence(sides[0], sides[1], AlignSettings().evidence))
    before = peak()
    both = seconds(lambda: propose(sides, AlignSettings()))
    return {
        "categories": size, "without": round(without, 1), "with": round(both, 1),
        "MiB without, with": [round(before), round(peak())],
    }  # fmt: skip


PARTS: dict[str, tuple[Callable[[int], dict[str, Any]], tuple[int, ...]]] = {
    "real": (real, tuple(range(RUNS))), "rows": (rows, ROWS), "filing": (filing, CATEGORIES),
    "categories": (categories, CATEGORIES),
}  # fmt: skip


def main() -> None:
    for part in sys.argv[1:] or PARTS:
        name, _, only = part.partition("=")
        work, sizes = PARTS[name]
        for size in [int(only)] if only else sizes:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                print(name, pool.submit(work, size).result(), flush=True)


if __name__ == "__main__":
    main()
