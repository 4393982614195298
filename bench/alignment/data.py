"""The gold alignments that alignment is measured on, read from the shared data folder (not shipped).

`MEP3M_DATA` overrides the folder. Each case is a left side, a right side and the gold pairs; what
`closed` keeps is only the categories that have a match.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from mep3m.alignment.from_store import PICTURES_KEPT, picture_statistics
from mep3m.alignment.gold import read_gold
from mep3m.alignment.records import Entry, Side, read_side
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator import Simulation, simulate

DATA = Path(os.environ.get("MEP3M_DATA", Path(__file__).parents[3] / "shared" / "data"))
Pair = tuple[str, str]


@dataclass(frozen=True)
class Case:
    """One alignment task. `gold` maps each (left id, right id) to its weight."""

    name: str
    left: Side
    right: Side
    gold: dict[Pair, float]
    relations: dict[Pair, str] = field(default_factory=dict)
    #: left categories whose truth is not known (it lies outside of the right tree's edition)
    unknown: frozenset[str] = frozenset()
    #: their links to the nearest ancestor of the truth that the right tree has
    instead: frozenset[Pair] = frozenset()

    def names_only(self) -> Case:
        """Return the case without products."""
        sides = [
            Side(side.name, tuple(replace(e, titles=(), ocr=(), count=None, image=()) for e in side))
            for side in (self.left, self.right)
        ]
        return replace(self, name=self.name + " names", left=sides[0], right=sides[1])

    def without_english(self) -> Case:
        """Return the case with the main language's names only."""
        sides = [
            Side(side.name, tuple(replace(e, path_en=()) for e in side)) for side in (self.left, self.right)
        ]
        return replace(self, name=self.name + " one language", left=sides[0], right=sides[1])

    def stocked(self) -> Case:
        """Return the case with only the categories that have a product, as a store's tables give it."""
        sides = [Side(side.name, tuple(e for e in side if e.titles)) for side in (self.left, self.right)]
        kept = {
            pair: weight for pair, weight in self.gold.items() if pair[0] in sides[0] and pair[1] in sides[1]
        }
        return replace(
            self,
            name=self.name + " stocked",
            left=sides[0],
            right=sides[1],
            gold=kept,
            relations={pair: self.relations[pair] for pair in kept},
        )

    def closed(self) -> Case:
        """Return the case with only the categories that occur in the gold."""
        left, right = {pair[0] for pair in self.gold}, {pair[1] for pair in self.gold}
        return replace(
            self,
            name=self.name + " closed",
            left=Side(self.left.name, tuple(entry for entry in self.left if entry.id in left)),
            right=Side(self.right.name, tuple(entry for entry in self.right if entry.id in right)),
        )

    def part(self, name: str, keep: Callable[[Entry], bool]) -> Case:
        """Return the case with only the left categories that `keep` accepts; the right stays whole."""
        entries = tuple(entry for entry in self.left if keep(entry))
        ids = {entry.id for entry in entries}
        gold = {pair: weight for pair, weight in self.gold.items() if pair[0] in ids}
        return replace(self, name=f"{self.name} {name}", left=Side(self.left.name, entries), gold=gold)


def rows(path: str) -> list[dict[str, str]]:
    """Return the rows of a TSV file below the data folder."""
    with (DATA / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def contest_jd() -> Case:
    """The contest's 1,258 classes and JD's 2015 tree (two levels of names), gold by equal JD id."""
    left = [
        Entry(row["id"], (row["l1"], row["l2"], row["l3"]), count=int(row["n_train_500k"] or 0))
        for row in rows("taxonomies/inspur_contest/classes_1258.tsv")
    ]
    right = [
        Entry(row["cid"], (row["group_l2"], row["name_l3"])) for row in rows("taxonomies/jd/jd_wap_2015.tsv")
    ]
    gold = {
        (row["inspur_id"], row["jd_cid"]): 1.0 for row in rows("taxonomies/jd/gold_inspur1258_to_jd2015.tsv")
    }
    return Case("contest-jd", Side("contest", tuple(left)), Side("jd2015", tuple(right)), gold)


def read_tree(path: str, separator: str) -> dict[str, tuple[str, ...]]:
    """Return id -> path of a published tree of lines `id separator names joined by >`."""
    lines = (DATA / path).read_text(encoding="utf-8").split("\n")
    found = {}
    for line in lines:
        if line and not line.startswith("#"):
            key, _, names = line.partition(separator)
            found[key.strip().rsplit("/", 1)[-1]] = tuple(name.strip() for name in names.split(" > "))
    return found


def shopify_google(language: str) -> Case:
    """Shopify's given branches and Google's whole tree; `language` is zh, en, both or zh-en.

    'both' gives Shopify bilingual names and Google Chinese ones with English where known; 'zh-en'
    gives Shopify Chinese names only and Google English names only.
    """
    folder = "taxonomies/shopify_google/"
    shopify = {
        "zh": read_tree(folder + "shopify_2025-08_categories.zh-CN.txt", " : "),
        "en": read_tree(folder + "shopify_2025-08_categories.en.txt", " : "),
    }
    google = {
        "zh": read_tree(folder + "google_2012-01-13.zh-CN.txt", " - "),
        "en": read_tree(folder + "google_2015-02-19.en-US.txt", " - "),
    }
    pairs = [(row["shopify_id"], row["google_id"]) for row in rows(folder + "alignment_shopify_google.tsv")]
    left_language, right_language = {"zh-en": ("zh", "en"), "both": ("zh", "zh")}.get(
        language, (language, language)
    )
    branches = {pair[0].split("-")[0] for pair in pairs}
    left = [
        Entry(key, path, shopify["en"][key] if language == "both" else ())
        for key, path in shopify[left_language].items()
        if key.split("-")[0] in branches
    ]
    right = [
        Entry(key, path, google["en"].get(key, ()) if language == "both" else ())
        for key, path in google[right_language].items()
    ]
    known = set(google[right_language])
    gold = {pair: 1.0 for pair in pairs if pair[1] in known}
    outside = frozenset({left for left, _ in pairs} - {left for left, _ in gold})
    sides = Side("shopify", tuple(left)), Side("google", tuple(right))
    return Case(
        f"shopify-google {language}",
        *sides,
        gold,
        unknown=outside,
        instead=_instead(pairs, google["en"], known),
    )


def _instead(pairs: list[Pair], paths: dict[str, tuple[str, ...]], known: set[str]) -> frozenset[Pair]:
    """Return pairs whose right category is not known, with its nearest ancestor that is."""
    ids = {path: key for key, path in paths.items()}
    found = set()
    for left, right in pairs:
        if right not in known and right in paths:
            above = (ids.get(paths[right][:depth]) for depth in range(len(paths[right]) - 1, 0, -1))
            found |= {(left, one) for one in islice((one for one in above if one in known), 1)}
    return frozenset(found)


def one_to_one(case: Case) -> Case:
    """Return the closed case whose gold is one pair per category on both sides.

    Where several left categories share a right one, the pair whose left is the shallowest (then
    first) is kept: the others are narrower, not equal.
    """
    best: dict[str, str] = {}
    for left, right in sorted(case.gold, key=lambda pair: (len(case.left[pair[0]].path), pair[0])):
        best.setdefault(right, left)
    gold = {(left, right): 1.0 for right, left in best.items()}
    lefts = Counter(pair[0] for pair in gold)
    gold = {pair: 1.0 for pair in gold if lefts[pair[0]] == 1}
    return Case(case.name + " one-to-one", case.left, case.right, gold).closed()


def walmart_amazon() -> Case:
    """Walmart's and Amazon's categories with their products' titles; gold from matched products."""
    sides = []
    for name in ("walmart", "amazon"):
        titles: dict[str, list[str]] = defaultdict(list)
        for row in rows(f"en_walmart_amazon/{name}.tsv"):
            if row["category"]:
                titles[row["category"]].append(row["title"])
        sides.append(
            Side(name, tuple(Entry(key, (key,), (), tuple(of), (), len(of)) for key, of in titles.items()))
        )
    gold = {
        (row["walmart_category"], row["amazon_category"]): float(row["n_matched_products"])
        for row in rows("en_walmart_amazon/gold_category_cooccurrence_from_matches.tsv")
    }
    gold = {pair: weight for pair, weight in gold.items() if pair[0] in sides[0] and pair[1] in sides[1]}
    return Case("walmart-amazon", sides[0], sides[1], gold, _by_share(gold))


def tiktokshop() -> Case:
    """One shop's tree in Chinese and in English: the same ids are the same categories."""
    paths: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for row in rows("taxonomies/tiktokshop/tiktokshop_cn_en.tsv"):
        above = paths.get(row["parent_id"], ((), ()))
        paths[row["id"]] = (*above[0], row["name_cn"]), (*above[1], row["name_en"])
    left, right = (tuple(Entry(key, of[k]) for key, of in paths.items()) for k in (0, 1))
    gold = {(key, key): 1.0 for key in paths}
    return Case("tiktokshop zh-en", Side("tiktokshop-zh", left), Side("tiktokshop-en", right), gold)


def _by_share(gold: dict[Pair, float]) -> dict[Pair, str]:
    """Return a relation for each pair from where the matched products of its two categories lie."""
    totals: defaultdict[str, float] = defaultdict(float)
    for (left, right), weight in gold.items():
        totals["l" + left] += weight
        totals["r" + right] += weight
    found = {}
    for (left, right), weight in gold.items():
        of_left, of_right = weight / totals["l" + left], weight / totals["r" + right]
        equal = of_left >= 0.5 and of_right >= 0.5
        found[left, right] = "exact" if equal else "narrower" if of_left >= of_right else "broader"
    return found


def simulated(seed: int, products: int = 4000, platforms: int = 3, pictures: bool = False) -> list[Case]:
    """Return the alignments between simulated shops, with titles and OCR texts of their products."""
    settings = SimulatorSettings(products=products, platforms=platforms, seed=seed, images=pictures)
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        drawn = simulate(Path(folder), settings)
        sides = {name: read_side(drawn.categories(name), name)[0] for name in drawn.platforms}
        if pictures:
            sides = {name: _pictured(side, drawn) for name, side in sides.items()}
        for left, right in combinations(drawn.platforms, 2):
            gold = read_gold(drawn.alignment(left, right), sides[left], sides[right]).pairs
            kinds = {pair: str(relation) for pair, relation in gold.items()}
            name = f"simulator {seed} of {products} {left}-{right}"
            cases.append(Case(name, sides[left], sides[right], dict.fromkeys(kinds, 1.0), kinds))
    return cases


def _pictured(side: Side, drawn: Simulation) -> Side:
    """Return a shop's categories with the mean statistics of their products' pictures, as in a store."""
    of_path: dict[tuple[str, ...], list[np.ndarray]] = defaultdict(list)
    for row in pq.read_table(drawn.products).to_pylist():
        path = tuple(row["shown_path"] or ())
        picture = drawn.images(side.name) / (row["image"] or "")
        if row["source"] == side.name and picture.is_file() and len(of_path[path]) < PICTURES_KEPT:
            statistics = picture_statistics(picture.read_bytes())
            of_path[path] += [] if statistics is None else [statistics]
    means = {path: tuple(np.mean(of, axis=0).tolist()) for path, of in of_path.items() if of}
    return Side(side.name, tuple(replace(entry, image=means.get(entry.path, ())) for entry in side))
