"""Check the hand-written truth about categories against itself and against the data.

    python -m bench.truth.check [DATA]

reads relations.tsv and categories.tsv beside this file and the catalogues below DATA (by default the
folder that `MEP3M_DATA` names), prints a summary and every mistake, and exits 1 if there is one.
Without the catalogues everything but paths and row counts is checked. README.md says what the tables
mean.
"""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from mep3m.alignment.truth import containers

HERE = Path(__file__).parent
DATA = Path(os.environ.get("MEP3M_DATA", Path(__file__).parents[3] / "shared" / "data"))
SEPARATOR = " > "
RELATIONS = ("exact", "narrower", "broader", "overlaps")
RELATION_COLUMNS = (
    "group", "left_platform", "left_path", "relation", "right_platform", "right_path", "reason",
    "second_look",
)  # fmt: skip
CATEGORY_COLUMNS = ("group", "platform", "path", "rows", "allowed", "reason", "second_look")

#: a category: its platform and its path, the names joined by ` > `
Category = tuple[str, str]


@dataclass(frozen=True)
class Shop:
    """Where a platform's rows are: a TSV file, its label columns, its column of platforms if it has one."""

    file: str
    labels: tuple[str, ...]
    column: str | None = None


THREE = "zh_titles/suning_jd_taobao_2018/items_dedup.tsv"
SHOPS = {
    "retail": Shop("zh_titles/retail_30class/items.tsv", ("label",)),
    "taobao_2019": Shop("zh_titles/taobao_2019/items.tsv", ("l1", "l2")),
    "suning": Shop(THREE, ("l1", "l2", "l3"), "platform"),
    "jd": Shop(THREE, ("l1", "l2", "l3"), "platform"),
    "taobao": Shop(THREE, ("l1", "l2", "l3"), "platform"),
    "jd_taotao": Shop("zh_titles/jd_taotao_2015/items.tsv", ("l1", "l2", "l3")),
    "yanxuan": Shop("zh_titles/yanxuan_2018/items.tsv", ("l1", "l2")),
    "newbee": Shop("zh_titles/newbee_2019/items.tsv", ("l1", "l2", "l3")),
    "walmart": Shop("en_walmart_amazon/walmart.tsv", ("category",)),
    "amazon": Shop("en_walmart_amazon/amazon.tsv", ("category",)),
}
ZH4 = ("retail", "taobao_2019", "suning", "jd", "taobao", "jd_taotao")
#: the platforms that are merged together; relations of a group also hold in one with all its platforms
GROUPS = {"zh4": ZH4, "zh6": (*ZH4, "yanxuan", "newbee"), "walmart_amazon": ("walmart", "amazon")}


def read_table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the rows of a hand-written table.

    Raises:
        ValueError: if the header is another, or a line has more or fewer cells.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or tuple(lines[0].split("\t")) != columns:
        raise ValueError(f"{path}: the header is {lines[:1]}, it must be {columns}, separated by tabs")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(columns) or not all(cells):
            raise ValueError(f"{path}:{number}: {len(cells)} cells or an empty one; write {len(columns)}")
        rows.append(dict(zip(columns, cells, strict=True)))
    return rows


def data_rows(data: Path, platform: str) -> Counter[str]:
    """Return path -> rows of the platform with exactly this path; rows without a label are left out."""
    shop = SHOPS[platform]
    counts: Counter[str] = Counter()
    with (data / shop.file).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if shop.column is None or row[shop.column] == platform:
                counts[SEPARATOR.join(filter(None, (row[label] for label in shop.labels)))] += 1
    counts.pop("", None)
    return counts


def ancestors(path: str) -> Iterator[str]:
    """Yield the paths above `path`, nearest first."""
    while SEPARATOR in path:
        path = path.rsplit(SEPARATOR, 1)[0]
        yield path


def with_ancestors(counts: Counter[str]) -> Counter[str]:
    """Return path -> rows at or below it, for every path and every path above one."""
    total = Counter(counts)
    for path, rows in counts.items():
        for above in ancestors(path):
            total[above] += rows
    return total


class Truth:
    """The truth of one group: its categories, its stated relations and what follows from them."""

    def __init__(self, group: str, relations: list[dict[str, str]], categories: list[dict[str, str]]) -> None:
        self.group = group
        self.platforms = GROUPS[group]
        part = [name for name, platforms in GROUPS.items() if set(platforms) <= set(self.platforms)]
        self.relations = [row for row in relations if row["group"] in part]
        self.categories = [row for row in categories if row["group"] == group]
        self.stated = [(left_of(row), row["relation"], right_of(row)) for row in self.relations]
        self.nodes = [(row["platform"], row["path"]) for row in self.categories]
        self.rows = {node: int(row["rows"]) for node, row in zip(self.nodes, self.categories, strict=True)}
        self.within = self._closure()

    def _closure(self) -> dict[Category, set[Category]]:
        """Return category -> every category that contains it or equals it, itself included."""
        stated = [(_split(left), relation, _split(right)) for left, relation, right in self.stated]
        within = containers(map(_split, self.nodes), stated)  # type: ignore[arg-type]
        return {
            (platform, SEPARATOR.join(path)): {(of, SEPARATOR.join(names)) for of, names in above}
            for (platform, path), above in within.items()
        }

    def allowed(self, node: Category) -> set[Category]:
        """Return the categories of other platforms below which a row of `node` is in a right place."""
        return {other for other in self.within[node] if other[0] != node[0]}

    def equal(self, left: Category, right: Category) -> bool:
        """Return whether each contains the other, as far as the truth says."""
        return right in self.within[left] and left in self.within[right]


def left_of(row: dict[str, str]) -> Category:
    """Return the left category of a relation."""
    return row["left_platform"], row["left_path"]


def right_of(row: dict[str, str]) -> Category:
    """Return the right category of a relation."""
    return row["right_platform"], row["right_path"]


def _split(node: Category) -> tuple[str, tuple[str, ...]]:
    """Return a category with the names of its path apart."""
    return node[0], tuple(node[1].split(SEPARATOR))


def shown(node: Category) -> str:
    """Return a category as the column `allowed` writes it."""
    return f"{node[0]}: {node[1]}"


def twice(truth: Truth) -> Iterator[str]:
    """Yield categories and unordered pairs that are written more than once."""
    for node, times in Counter(truth.nodes).items():
        if times > 1:
            yield f"{shown(node)} has {times} lines in categories.tsv; keep one"
    pairs = Counter(frozenset((left, right)) for left, _, right in truth.stated)
    for pair, times in pairs.items():
        if times > 1:
            yield f"{' and '.join(sorted(map(shown, pair)))} have {times} relations; keep one"


def unknown(truth: Truth) -> Iterator[str]:
    """Yield relations that are none, that name a category without a line, or that stay on one platform."""
    nodes = set(truth.nodes)
    for left, relation, right in truth.stated:
        if relation not in RELATIONS:
            yield f"{shown(left)} {relation!r} {shown(right)}: write one of {', '.join(RELATIONS)}"
        if left[0] == right[0]:
            yield f"{shown(left)} {relation} {shown(right)}: both are of one platform"
        for node in (left, right):
            if node not in nodes:
                yield f"{shown(node)} has a relation but no line in categories.tsv"
    for platform, path in truth.nodes:
        if platform not in truth.platforms:
            yield f"{shown((platform, path))}: {truth.group} has {', '.join(truth.platforms)}"
        for above in ancestors(path):
            if (platform, above) not in nodes:
                yield f"{shown((platform, path))}: the category above it has no line"


def contradictions(truth: Truth) -> Iterator[str]:
    """Yield relations that others contradict."""
    for left, relation, right in truth.stated:
        inside, around = right in truth.within[left], left in truth.within[right]
        if relation == "overlaps" and (inside or around):
            yield f"{shown(left)} overlaps {shown(right)}, but others say that one contains the other"
        if relation in ("narrower", "broader") and inside and around:
            yield f"{shown(left)} {relation} {shown(right)}, but others say that they are exact"


def merged_siblings(truth: Truth) -> Iterator[str]:
    """Yield two categories of one platform that the relations make equal, unless they are one chain."""
    children: dict[Category, list[Category]] = defaultdict(list)
    for platform, path in truth.nodes:
        for above in list(ancestors(path))[:1]:
            children[platform, above].append((platform, path))
    for left, right in combinations(truth.nodes, 2):
        if left[0] == right[0] and truth.equal(left, right) and not one_chain(left, right, truth, children):
            yield f"{shown(left)} and {shown(right)} would be exact, though of one platform"


def one_chain(
    left: Category, right: Category, truth: Truth, children: dict[Category, list[Category]]
) -> bool:
    """Return whether one is above the other with only children and no rows of its own in between."""
    upper, lower = sorted((left, right), key=lambda node: len(node[1]))
    while upper != lower:
        below = children[upper]
        if len(below) != 1 or truth.rows[below[0]] != truth.rows[upper]:
            return False
        upper = below[0]
    return True


def redundant(truth: Truth) -> Iterator[str]:
    """Yield containments whose container is not the deepest that is stated on its platform."""
    containers: dict[tuple[Category, str], set[str]] = defaultdict(set)
    for left, relation, right in truth.stated:
        if relation == "narrower":
            containers[left, right[0]].add(right[1])
        if relation == "broader":
            containers[right, left[0]].add(left[1])
    for (node, platform), paths in containers.items():
        for path in sorted(paths):
            for above in paths & set(ancestors(path)):
                yield f"{shown(node)} in {shown((platform, above))} follows from {path}; drop it"


def wrong_allowed(truth: Truth) -> Iterator[str]:
    """Yield categories whose column `allowed` is not what the relations say."""
    for node, row in zip(truth.nodes, truth.categories, strict=True):
        written = set() if row["allowed"] == "-" else set(row["allowed"].split(" || "))
        expected = set(map(shown, truth.allowed(node)))
        if written != expected:
            lacks, more = sorted(expected - written), sorted(written - expected)
            yield f"{shown(node)}: by the relations, allowed lacks {lacks} and has {more} too many"


def unlike_data(truth: Truth, data: Path) -> Iterator[str]:
    """Yield categories that the data has and the truth has not, the reverse, and other row counts."""
    for platform in truth.platforms:
        there = with_ancestors(data_rows(data, platform))
        written = {path: rows for (own, path), rows in truth.rows.items() if own == platform}
        for path in sorted(set(there) | set(written)):
            if there.get(path) != written.get(path):
                yield (
                    f"{shown((platform, path))}: {there.get(path, 0)} rows in the data,"
                    f" {written.get(path, 'no line')} in categories.tsv"
                )


def mistakes(truth: Truth, data: Path | None) -> list[str]:
    """Return every mistake of one group, the first kind alone if it makes the others meaningless."""
    lines = [*twice(truth), *unknown(truth)]
    if not lines:
        lines = [*contradictions(truth), *merged_siblings(truth)]
        lines += [*redundant(truth), *wrong_allowed(truth)]
    return lines + (list(unlike_data(truth, data)) if data is not None else [])


def summary(truth: Truth) -> str:
    """Return the figures of one group."""
    counts = Counter(relation for _, relation, _ in truth.stated)
    leaves = {node: rows for node, rows in truth.rows.items() if own_rows(node, truth)}
    alone = [node for node in leaves if not truth.allowed(node)]
    doubtful = sum("doubt:" in row["reason"] for row in truth.relations)
    return (
        f"{truth.group}: {len(truth.nodes)} categories of {len(truth.platforms)} platforms,"
        f" {sum(own_rows(node, truth) for node in truth.nodes):,} rows; "
        + ", ".join(f"{counts[name]} {name}" for name in RELATIONS)
        + f"; {doubtful} doubtful; {len(alone)} of {len(leaves)} categories with rows"
        f" ({sum(own_rows(node, truth) for node in alone):,} rows) belong below none of another shop"
    )


def own_rows(node: Category, truth: Truth) -> int:
    """Return the rows of a category that are in none of its children."""
    below = [
        rows
        for (platform, path), rows in truth.rows.items()
        if platform == node[0] and path.rpartition(SEPARATOR)[0] == node[1]
    ]
    return truth.rows[node] - sum(below)


def read_truth(folder: Path, groups: Iterable[str] = GROUPS) -> list[Truth]:
    """Return the truth of each group that has a line.

    Raises:
        ValueError: if a table is not as README.md says.
    """
    relations = read_table(folder / "relations.tsv", RELATION_COLUMNS)
    categories = read_table(folder / "categories.tsv", CATEGORY_COLUMNS)
    strange = sorted({row["group"] for row in [*relations, *categories]} - set(GROUPS))
    if strange:
        raise ValueError(f"{folder}: groups {strange}; there are {', '.join(GROUPS)}")
    written = {row["group"] for row in categories}
    return [Truth(group, relations, categories) for group in groups if group in written]


def main(arguments: list[str]) -> int:
    """Print the figures and the mistakes; return 1 if there is one."""
    data: Path | None = Path(arguments[0]) if arguments else DATA
    if data is not None and not data.exists():
        print(f"{data} is not there: paths and row counts are not compared with the data")
        data = None
    wrong = 0
    for truth in read_truth(HERE):
        print(summary(truth))
        lines = mistakes(truth, data)
        wrong += len(lines)
        print("".join(f"  {line}\n" for line in lines), end="")
    print(f"{wrong} mistakes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
