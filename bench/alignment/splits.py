"""One real shop's products as two shops: its fine categories on the left, coarse ones on the right.

Names and titles are real, no title stands on both sides, and what lies within what is known from the
shop's own tree. Half of the coarse categories are left out, so that many fine ones have no partner.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from bench.alignment.data import Case, rows
from mep3m.alignment.records import Entry, Side

#: titles of one category that are read
TITLES = 60
#: file, title, fine and coarse column of each shop
SHOPS = {
    "instacart": ("en_instacart/products.tsv", "name", "aisle", "department"),
    "fashion": ("en_fashion_titles_44k/styles_with_titles.tsv", "title", "articleType", "subCategory"),
    "openbg": ("zh_titles/openbg_ecominstruct/items_2level.tsv", "title", "l2_fine", "l1_coarse"),
    "medical": ("zh_titles/medical_device_4level/test.tsv", "product_name", "level3", "level2"),
}
#: pairs of shops that sell nothing alike
STRANGERS = (("openbg", "medical"), ("medical", "fashion"), ("toys", "instacart"))
_NO_NAME = ("", "other", "missing", "其他", "其它")


def split_shops() -> Iterator[Case]:
    """Yield each shop's case, and the shops that have nothing in common."""
    fine, coarse = {}, {}
    for name in (*SHOPS, "toys"):
        table = _table(name)
        fine[name], of_fine = _side(name, [(a, b) for a, b, _ in table], 0)
        coarse[name], of_coarse = _side(name + " coarse", [(a, c) for a, _, c in table], 1)
        within = {(b, c) for _, b, c in table if b in of_fine and c in of_coarse}
        alone = {c for c in of_coarse if sum(pair[1] == c for pair in within) == 1}
        kinds = {pair: "exact" if pair[1] in alone else "narrower" for pair in within}
        case = Case(f"titles {name}", fine[name], coarse[name], dict.fromkeys(kinds, 1.0), kinds)
        yield kept(case, lambda key: zlib.crc32(key.encode()) % 2 == 0, "half")
    for one, other in STRANGERS:
        yield Case(f"titles {one} or {other}", fine[one], coarse[other], {}, {})


def few(case: Case, draw: int) -> Case:
    """Return the case with a handful of right categories, one to four."""
    order = sorted((zlib.crc32(f"{draw} {entry.id}".encode()), entry.id) for entry in case.right)
    chosen = {key for _, key in order[: 1 + draw % 4]}
    return kept(case, chosen.__contains__, f"few {draw}")


def kept(case: Case, keep: Callable[[str], bool], name: str) -> Case:
    """Return the case with only the right categories whose id `keep` accepts."""
    right = Side(case.right.name, tuple(entry for entry in case.right if keep(entry.id)))
    gold = {pair: weight for pair, weight in case.gold.items() if pair[1] in right}
    kinds = {pair: kind for pair, kind in case.relations.items() if pair[1] in right}
    return replace(case, name=f"{case.name} {name}", right=right, gold=gold, relations=kinds)


def _table(name: str) -> list[tuple[str, str, str]]:
    """Return (title, fine name, coarse name) of a shop's products."""
    if name == "toys":
        paths = [
            (row["title"], row["category_path"].split(" > ")) for row in rows("en_amazon_toys_10k/items.tsv")
        ]
        found = [(title, path[-1], path[1]) for title, path in paths if len(path) > 2]
    else:
        file, *columns = SHOPS[name]
        found = [(row[columns[0]], row[columns[1]], row[columns[2]]) for row in rows(file)]
    return [one for one in found if one[1].lower() not in _NO_NAME and one[2].lower() not in _NO_NAME]


def _side(name: str, table: list[tuple[str, str]], part: int) -> tuple[Side, set[str]]:
    """Return the categories with the titles of one half of the products, by the title alone."""
    titles: dict[str, list[str]] = defaultdict(list)
    for title, category in dict.fromkeys(table):
        if zlib.crc32(title.encode()) % 2 == part and len(titles[category]) < TITLES:
            titles[category].append(title)
    entries = tuple(
        Entry(key, (key,), titles=tuple(of), count=len(of)) for key, of in sorted(titles.items()) if of
    )
    return Side(name, entries), {entry.id for entry in entries}
