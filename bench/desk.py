"""The pages of a desk at size, on a drawn store: `python -m bench.desk FOLDER --products N --categories N`.

Draws a store into FOLDER/store (once); `--step build` makes its index in a process of its own, `ask` asks
every page of /explore, `beside` asks DuckDB over the same rows. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mep3m.product import Label, Product, to_table
from mep3m.store import Plan, StoreWriter
from mep3m.store.store import Store
from mep3m.taxonomy import Category, Taxonomy

SHARD = 50_000
LATIN = ("Pro", "Max", "USB", "green", "Nike", "cotton", "mini", "XL", "lite", "smart")


def words(draw: random.Random, count: int) -> list[str]:
    """Return words of two Chinese characters each, no two the same."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(chr(0x4E00 + int(2500 * draw.random() ** 1.5)) for _ in range(2))] = None
    return list(found)


def drawn_tree(draw: random.Random, count: int, names: Sequence[str]) -> Taxonomy:
    """Return a tree of `count` categories on three levels: 30, then 1,000 or so, then the rest."""
    one, two = min(30, count), min(1_000, max(count // 10, 1))
    nodes = [Category(f"c{n}", name_zh=names[n % len(names)], name_en=f"Branch {n}") for n in range(one)]
    nodes += [Category(f"c{n}", "".join(draw.sample(names, 2)), None, f"c{n % one}") for n in range(one, two)]
    nodes += [
        Category(f"c{n}", "".join(draw.sample(names, 2)), None, f"c{one + n % (two - one)}")
        for n in range(two, count)
    ]
    return Taxonomy(tuple(nodes))


def drawn_products(
    draw: random.Random, rows: range, tree: Taxonomy, names: Sequence[str]
) -> Iterator[Product]:
    """Yield products: Zipf words, 60 % with OCR, 5 % dropped, some in groups of up to three."""
    leaves = [tree.path(node.id) for node in tree.leaves()]
    zipf = list(itertools.accumulate(1 / (n + 1) for n in range(len(names))))
    for row in rows:
        said = draw.choices(names, cum_weights=zipf, k=10)
        path = leaves[int(len(leaves) * draw.random() ** 2)][: draw.choice((2, 3, 3, 3))]
        yield Product(
            id=f"shop{row % 3}:{row}",
            source=f"shop{row % 3}",
            source_id=str(row),
            source_path=tuple(node.name for node in path),
            title=f"{''.join(said)} {draw.choice(LATIN)} {draw.randrange(10**5)}",
            ocr=" ".join(draw.choices(names, cum_weights=zipf, k=4)) if draw.random() < 0.6 else None,
            image=f"{draw.getrandbits(256):064x}" if draw.random() < 0.95 else None,
            labels=tuple(Label(node.id, "mapped", "mep3m align", 0.9) for node in path)
            if draw.random() < 0.97
            else (),
            group=f"g{row // 3 if row % 20 < 3 else -row}",
            dropped=draw.choice(("short_title", "blank_image")) if draw.random() < 0.05 else None,
            file="drawn.csv",
            line=row + 1,
        )


def draw_store(folder: Path, products: int, categories: int) -> Store:
    """Write the store, the same one for the same numbers."""
    if (folder / "manifest.json").exists():
        return Store.open(folder)
    draw = random.Random(0)
    names = words(draw, 5_000)
    tree = drawn_tree(draw, categories, names)
    starts = range(0, products, SHARD)
    writer = StoreWriter.begin(folder, Plan("align", {}, tuple(f"drawn:{start}" for start in starts)))
    for part, start in enumerate(starts):
        rows = range(start, min(start + SHARD, products))
        writer.write(part, to_table(drawn_products(draw, rows, tree, names)))
    return writer.finish(tree)


def times(act: Callable[[], object], count: int) -> dict[str, float]:
    """Return p50, p95 and the longest of `count` calls in milliseconds."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        act()
        taken.append(1000 * (time.perf_counter() - began))
    ranked = sorted(taken)
    return {
        "p50": round(statistics.median(ranked), 1),
        "p95": round(ranked[int(0.95 * (len(ranked) - 1))], 1),
        "max": round(ranked[-1], 1),
    }


_BUILD = """
import sys, time, resource
from pathlib import Path
from mep3m.desk.index.build import build_index
from mep3m.store.store import Store
began = time.perf_counter()
folder = Path(sys.argv[1])
build_index(Store.open(folder), folder, Path(sys.argv[2]))
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

_DUCK = """
import sys, time, resource
from pathlib import Path
import duckdb
began = time.perf_counter()
c = duckdb.connect(sys.argv[2])
c.execute("SET threads = 1")
c.execute("CREATE TABLE p AS SELECT row_number() OVER () AS row, *, "
          "lower(coalesce(title, '') || ' ' || coalesce(ocr, '')) AS text "
          f"FROM read_parquet('{sys.argv[1]}/shards/*.parquet')")
c.execute("CREATE INDEX by_id ON p (id)")
c.close()
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def built(script: str, store: Path, path: Path) -> dict[str, float]:
    """Run a build in a process of its own: seconds, peak memory, bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", script, str(store), str(path)], capture_output=True, text=True, check=True
    )
    seconds, peak = map(float, done.stdout.split()[-2:])  # DuckDB draws its progress before
    return {"seconds": round(seconds, 1), "peak_mb": round(peak), "mb": round(path.stat().st_size / 1e6)}


def questions(draw: random.Random) -> dict[str, Callable[[], str]]:
    """Return what is searched for: frequent and rare words, two of them, what is in no title, a number."""
    names = words(random.Random(0), 5_000)
    return {
        "frequent": lambda: draw.choice(names[:20]),
        "rare": lambda: draw.choice(names[500:]),
        "two frequent": lambda: " ".join(draw.sample(names[:20], 2)),
        "one character": lambda: draw.choice(names)[0],
        "absent": lambda: "龘靐",
        "number": lambda: str(draw.randrange(10**5)),
    }


def ask_duckdb(path: Path, count: int) -> dict[str, Any]:
    """Ask the first page of a search, and its number of hits, of DuckDB."""
    import duckdb

    connection = duckdb.connect(str(path), read_only=True)
    connection.execute("SET threads = 1")
    asked = questions(random.Random(1))

    def ask(text: str) -> None:
        where = "WHERE dropped IS NULL" + " AND contains(text, ?)" * len(text.split())
        said = text.split()
        connection.execute(
            f"SELECT row, id, title, ocr, image, labels FROM p {where} ORDER BY row LIMIT 25", said
        ).fetchall()
        connection.execute(f"SELECT count(*) FROM p {where}", said).fetchall()

    return {name: times(lambda make=make: ask(make()), count) for name, make in asked.items()}  # type: ignore[misc]


def ask_pages(folder: Path, count: int) -> dict[str, Any]:
    """Ask the pages of a desk over HTTP in this process, each with what a person may ask of it."""
    from fastapi.testclient import TestClient

    from mep3m.desk.app import create_desk
    from mep3m.desk.desk import Desk
    from mep3m.desk.settings import DeskSettings

    draw, rows = random.Random(1), Store.open(folder).rows
    with TestClient(create_desk(Desk.open(DeskSettings(folder=folder))), base_url="http://127.0.0.1") as desk:
        desk.headers["accept"] = "text/html"
        while "data-waiting" in desk.get("/explore").text:
            time.sleep(1)

        def get(address: Callable[[], str]) -> dict[str, float]:
            def ask() -> None:
                answer = desk.get(address())
                assert answer.status_code == 200, answer.text

            return times(ask, count)

        pages: dict[str, Callable[[], str]] = {
            "list": lambda: "/explore",
            "list, somewhere": lambda: f"/explore?after={draw.randrange(rows)}",
            "category": lambda: f"/explore?category=c{draw.randrange(50_000)}",
            "large category": lambda: f"/explore?category=c{draw.randrange(30)}",
            "rare filters": lambda: (
                "/explore?quality=blank_image&platform=shop1&level=2&image=no&origin=mapped"
            ),
            "no such product": lambda: "/explore?quality=kept&origin=reviewed",
            "groups": lambda: f"/explore?twins=yes&after={draw.randrange(rows)}",
            "product": lambda: f"/explore/product/{1 + draw.randrange(rows)}",
            "figures": lambda: "/explore/figures",
            "refused": lambda: "/explore/refused",
        }
        asked = questions(draw)
        pages |= {f"search, {name}": _searching(make) for name, make in asked.items()}
        pages["search, frequent, with filters"] = lambda: (
            f"/explore?q={asked['frequent']()}&quality=blank_image&image=no"
        )
        shown = {name: get(address) for name, address in pages.items()}
        names = words(random.Random(0), 5_000)
        shown["type-ahead"] = get(
            lambda: f"/explore/categories?q={draw.choice(names)[: draw.choice((1, 2))]}"
        )
        return shown


def _searching(make: Callable[[], str]) -> Callable[[], str]:
    return lambda: f"/explore?q={make()}"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--categories", type=int, default=50_000)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--step", choices=["draw", "build", "ask", "beside"], required=True)
    given = parser.parse_args()
    folder = given.folder
    found: dict[str, Any] = {}
    store = draw_store(folder / "store", given.products, given.categories)
    if given.step == "build":
        found["sqlite"] = built(_BUILD, store.folder, folder / "index.sqlite")
    elif given.step == "beside":
        found["duckdb"] = built(_DUCK, store.folder, folder / "beside.duckdb")
        found["asked"] = ask_duckdb(folder / "beside.duckdb", given.count)
    elif given.step == "ask":
        found["asked"] = ask_pages(store.folder, given.count)
    found["products"], found["step"] = store.rows, given.step
    found["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(found, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
