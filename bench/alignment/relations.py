"""Fit and measure relations of categories by products: `python -m bench.alignment.relations --out FILE`.

Real shops with a truth written by hand (`bench/truth`), simulated shops, and one shop's products cut into
two. Without `--out` it only measures: of every two platforms speak models, and their calibrations, that have
seen neither. `bench.alignment.merged` measures the merges that follow.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

from bench.alignment.data import Case, rows, simulated, walmart_amazon
from bench.alignment.splits import few, split_shops
from mep3m.alignment.crossing.fitting import Labelled, Said, fit_calibrations, fit_heads
from mep3m.alignment.crossing.heads import Heads
from mep3m.alignment.crossing.relation import with_inner
from mep3m.alignment.crossing.tables import Crossing, Crossings
from mep3m.alignment.learned.boosted import shipped_weights
from mep3m.alignment.learned.decide import Assessed, assess
from mep3m.alignment.learned.proposer import find_candidates, known_pairs
from mep3m.alignment.records import Entry, Side
from mep3m.alignment.truth import Containers, containers
from mep3m.settings.align import EvidenceSettings
from mep3m.taxonomy import PATH_SEPARATOR

Node = tuple[str, tuple[str, ...]]
TRUTH = Path(__file__).parents[1] / "truth"
#: titles of a category that are read, as from a store
TITLES = 450
#: simulated worlds: seed -> products
WORLDS = {21: 400, 22: 800, 23: 1600, 24: 4000, 25: 12_000, 26: 6000}
#: what a pair of a made set counts beside a real one
MADE = 0.05
#: kinds of links of which made sets tell how often they are right: there each counts as a real one; the names
#: of the others are invented
TOLD_BY_MADE = ("agreed", "named", "inner agreed")


@dataclass(frozen=True)
class Truth:
    """What is true of some shops: where each category's rows may stand, how many, and equal pairs."""

    allowed: Mapping[Node, frozenset[Node]]
    rows: Mapping[Node, int]
    equal: frozenset[tuple[Node, Node]]

    def share_within(self, inner: Node, outer: Node) -> float:
        """Return the share of one category's rows that may stand below another."""
        below = [n for n in self._leaves if n[0] == inner[0] and n[1][: len(inner[1])] == inner[1]]
        total = sum(self.rows[n] for n in below)
        return sum(self.rows[n] for n in below if outer in self.allowed[n]) / total if total else 0.0

    @property
    def _leaves(self) -> list[Node]:
        inner = {(source, path[:depth]) for source, path in self.rows for depth in range(1, len(path))}
        return [node for node, count in self.rows.items() if count and node not in inner]


def read_truth(group: str, also: Sequence[str] = ()) -> Truth:
    """Return the hand-made truth of one set of shops."""
    allowed: dict[Node, frozenset[Node]] = {}
    counts: dict[Node, int] = {}
    for row in _table("categories.tsv"):
        if row["group"] == group:
            node = _node(row["platform"], row["path"])
            counts[node] = int(row["rows"] or 0)
            named = [text.partition(": ") for text in row["allowed"].split(" || ") if text not in ("", "-")]
            places = [_node(platform, path) for platform, _, path in named]
            allowed[node] = frozenset(
                (platform, path[:depth]) for platform, path in places for depth in range(1, len(path) + 1)
            )
    equal = set()
    for row in _table("relations.tsv"):
        if row["group"] in (group, *also) and row["relation"] == "exact":
            ends = (
                _node(row["left_platform"], row["left_path"]),
                _node(row["right_platform"], row["right_path"]),
            )
            equal |= {ends, ends[::-1]}
    return Truth(allowed, counts, frozenset(equal))


def _node(platform: str, path: str) -> Node:
    return platform, tuple(path.split(PATH_SEPARATOR))


def _table(name: str) -> Iterator[dict[str, str]]:
    with (TRUTH / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


#: platform -> file, title column, label columns; `platforms_2018` holds three
SHOPS = {
    "retail": ("retail_30class/items.tsv", "title", ("label",)),
    "taobao_2019": ("taobao_2019/items.tsv", "title", ("l1", "l2")),
    "platforms_2018": ("suning_jd_taobao_2018/items_dedup.tsv", "title", ("l1", "l2", "l3")),
    "jd_taotao": ("jd_taotao_2015/items.tsv", "title", ("l1", "l2", "l3")),
    "yanxuan": ("yanxuan_2018/items.tsv", "title", ("l1", "l2")),
    "newbee": ("newbee_2019/items.tsv", "title", ("l1", "l2", "l3")),
}


def chinese_shops() -> list[Side]:
    """Return the eight platforms with their inner categories."""
    titles: dict[str, dict[tuple[str, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, (file, title, labels) in SHOPS.items():
        for row in rows(f"zh_titles/{file}"):
            path = tuple(row[label] for label in labels if row[label])
            if path and row[title]:
                titles[row.get("platform", name) if name == "platforms_2018" else name][path].append(
                    row[title]
                )
    sides = []
    for name, of in sorted(titles.items()):
        entries = tuple(
            Entry(PATH_SEPARATOR.join(path), path, (), tuple(texts[:TITLES]), (), len(texts))
            for path, texts in sorted(of.items())
        )
        sides.append(with_inner(Side(name, entries), TITLES))
    return sides


@dataclass(frozen=True)
class Compared:
    """Two shops with what names and trees say of their categories, and where each would file the other's."""

    left: Side
    right: Side
    crossing: Crossing
    assessed: Assessed

    @property
    def platforms(self) -> frozenset[str]:
        """The names of the two."""
        return frozenset((self.left.name, self.right.name))


def compare(left: Side, right: Side, crossings: Crossings) -> Compared | None:
    """Compare two shops; `None` where one has too few titles."""
    crossing, settings = crossings.between(left, right), EvidenceSettings()
    if crossing is None:
        return None
    weights = shipped_weights()
    return Compared(
        left, right, crossing, assess(find_candidates(left, right, settings, weights), settings, weights)
    )


def labelled(pair: Compared, truth: Truth | Case, weight: float) -> Labelled:
    """Return the pairs of categories worth a look, with what is true of them."""
    left, right = pair.left, pair.right
    known, _ = known_pairs(pair.assessed, pair.crossing)
    pairs = [(left.entries[i], right.entries[j]) for i, j in zip(known.rows, known.columns, strict=True)]
    ends = [((left.name, a.path), (right.name, b.path)) for a, b in pairs]
    if isinstance(truth, Case):
        within = made_containers(left, right, truth)
        flags = [[float(b in within[a]) for a, b in ends], [float(a in within[b]) for a, b in ends]]
        equal = [truth.relations.get((a.id, b.id)) == "exact" for a, b in pairs]
    else:
        flags = [[truth.share_within(a, b) for a, b in ends], [truth.share_within(b, a) for a, b in ends]]
        equal = [end in truth.equal for end in ends]
    print(f"{left.name} | {right.name}: {len(pairs)} pairs", file=sys.stderr, flush=True)
    narrower, broader, same = (np.array(flag, float) for flag in (*flags, equal))
    return Labelled(left, right, pair.crossing, known, narrower, broader, same, weight)


def made_containers(left: Side, right: Side, case: Case) -> Containers:
    """Return what contains each category of a made set: its gold names the closest container only."""
    stated = [
        ((left.name, left[ends[0]].path), relation, (right.name, right[ends[1]].path))
        for ends, relation in case.relations.items()
        if ends[0] in left and ends[1] in right
    ]
    nodes = [(side.name, entry.path) for side in (left, right) for entry in side]
    return containers(nodes, stated)  # type: ignore[arg-type]


def real_pairs() -> list[Compared]:
    """Return every pair of real platforms that can be compared."""
    shops = chinese_shops()
    crossings = Crossings(shops)
    pairs = [compare(a, b, crossings) for a, b in combinations(shops, 2)]
    case = walmart_amazon()
    pairs.append(compare(case.left, case.right, Crossings([case.left, case.right])))
    return [one for one in pairs if one is not None]


def real_sets(pairs: Sequence[Compared]) -> list[Labelled]:
    """Return what is true of the real platforms' categories."""
    chinese, english = read_truth("zh6", also=("zh4",)), read_truth("walmart_amazon")
    sets = [labelled(one, english if "walmart" in one.platforms else chinese, 1.0) for one in pairs]
    return [one for one in sets if len(one.equal)]


def made_sets() -> list[Labelled]:
    """Return simulated shops and shops cut into two."""
    cases = [case.stocked().without_english() for seed, n in WORLDS.items() for case in simulated(seed, n)]
    for case in split_shops():
        cases += [case, *(few(case, draw) for draw in (1, 2, 3) if case.gold)]
    made = []
    for case in cases:
        left, right = Side("left", case.left.entries), Side("right", case.right.entries)
        pair = compare(left, right, Crossings([left, right]))
        if pair is not None:
            made.append(labelled(pair, case, MADE))
    return made


def platforms_of(one: Labelled) -> frozenset[str]:
    """Return the two platforms of a set."""
    return frozenset((one.left.name, one.right.name))


def fitted(real: Sequence[Labelled], made: Sequence[Labelled], unseen: frozenset[str] = frozenset()) -> Heads:
    """Return models that have not seen some platforms, with their cross-fitted calibrations.

    The calibrations rest on every other set, said by models that had not seen its platforms either. Of made
    sets only links count of which the names say what they are: their other names are invented.
    """
    seen = [one for one in real if not platforms_of(one) & unseen]
    links = []
    for one in seen:
        others = [other for other in seen if not platforms_of(other) & platforms_of(one)]
        links.append(Said.of(one, fit_heads([*others, *made])))
    for half in (0, 1):
        heads = fit_heads([*seen, *made[half::2]])
        links += [Said.of(one, heads).of_kind(TOLD_BY_MADE) for one in made[1 - half :: 2]]
    return replace(fit_heads([*seen, *made]), calibrations=fit_calibrations(links))


def measure(real: Sequence[Labelled], made: Sequence[Labelled]) -> None:
    """Print how right relations are by probability, each pair of platforms said by models that lack both."""
    rows_: list[tuple[str, float, bool]] = []
    for one in real:
        said = Said.of(one, heads := fitted(real, made, platforms_of(one)))
        group = "walmart" if "walmart" in platforms_of(one) else "zh"
        sure = heads.calibrated(said.said, said.group)
        rows_ += [(group, float(p), bool(ok)) for p, ok in zip(sure, said.right, strict=True)]
    print("| set | probability | links | mean | right |")
    for low, high in pairwise((0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.01)):
        for group in ("zh", "walmart"):
            of = [(p, ok) for name, p, ok in rows_ if low <= p < high and name == group]
            if of:
                p, ok = np.mean(of, axis=0)
                print(f"| {group} | {low}-{high} | {len(of)} | {p:.2f} | {ok:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    real, made = real_sets(real_pairs()), made_sets()
    measure(real, made)
    if options.out:
        heads = fitted(real, made)
        options.out.write_text(json.dumps(heads.to_json(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
