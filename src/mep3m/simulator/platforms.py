"""Each platform's own category tree, and which of its categories mean the same as another's.

Every platform category covers a set of leaves of the true tree; two categories correspond exactly
when their sets are equal, and one is narrower when its set is a proper subset.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from random import Random

from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.vocabulary import Department, Kind, Name, departments
from mep3m.taxonomy import PATH_SEPARATOR

PLATFORM_NAMES = ("pinshang", "haohuo", "jiajia", "tiantian", "wanmai", "xianhui")

#: how likely a platform other than the first files a kind in each of these ways
SYNONYM, FAMILY, SPLIT, SHELVES, ABSENT = 0.35, 0.5, 0.4, 0.5, 0.06


@dataclass(frozen=True, slots=True)
class Leaf:
    """A finest category of the true tree; `third` is its place among the kind's thirds, if any."""

    department: Department
    kind: Kind
    third: int | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The true category path in Chinese, two or three names."""
        names = (self.department.name.zh, self.kind.name.zh)
        return names if self.third is None else (*names, self.kind.thirds[self.third].zh)


@dataclass(frozen=True)
class Node:
    """One category of a platform: its path in both languages, and the true leaves it covers."""

    path: tuple[Name, ...]
    department: Department
    leaves: frozenset[int]

    @property
    def names(self) -> tuple[str, ...]:
        """The Chinese names from the root down."""
        return tuple(name.zh for name in self.path)

    @property
    def id(self) -> str:
        """The names joined, as `mep3m.taxonomy.from_paths` makes ids."""
        return PATH_SEPARATOR.join(self.names)


@dataclass(frozen=True)
class Platform:
    """One shop: its second-level categories, and the third-level ones where it has them."""

    name: str
    index: int
    nodes: tuple[Node, ...]
    thirds: tuple[Node, ...]
    node_of: dict[int, Node] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        deepest = {leaf: node for node in (*self.nodes, *self.thirds) for leaf in node.leaves}
        object.__setattr__(self, "node_of", deepest)

    def first_level(self) -> dict[str, str]:
        """Return the hand-made map: the platform's own first-level name to the true class."""
        return {node.names[0]: node.department.name.zh for node in self.nodes}


@dataclass(frozen=True)
class World:
    """The true tree's leaves and the platforms that sell them."""

    leaves: tuple[Leaf, ...]
    platforms: tuple[Platform, ...]


def make_world(settings: SimulatorSettings) -> World:
    """Draw the platforms of these settings."""
    chosen = _chosen_kinds(settings)
    leaves = tuple(
        Leaf(department, kind, third)
        for department, kind in chosen
        for third in (range(len(kind.thirds)) if kind.thirds else [None])
    )
    numbers: dict[str, list[int]] = {}
    for number, leaf in enumerate(leaves):
        numbers.setdefault(leaf.kind.name.en, []).append(number)
    platforms = tuple(_platform(index, chosen, numbers, settings.seed) for index in range(settings.platforms))
    return World(leaves, platforms)


def _chosen_kinds(settings: SimulatorSettings) -> list[tuple[Department, Kind]]:
    """All kinds, or the first `categories` of them when taken from each class in turn."""
    every = [
        (place, department, kind)
        for department in departments()
        for place, kind in enumerate(department.kinds)
    ]
    if settings.categories is not None:
        every = sorted(every, key=lambda item: item[0])[: settings.categories]
    order = {department.name.zh: i for i, department in enumerate(departments())}
    every.sort(key=lambda item: order[item[1].name.zh])
    return [(department, kind) for _, department, kind in every]


def _platform(
    index: int, chosen: Sequence[tuple[Department, Kind]], numbers: dict[str, list[int]], seed: int
) -> Platform:
    rng = Random(f"{seed}/platform/{index}")
    nodes: list[Node] = []
    thirds: list[Node] = []
    for name, group in groupby(chosen, key=lambda item: item[0].name.zh):
        kinds = [kind for _, kind in group]
        department = next(d for d in departments() if d.name.zh == name)
        roots = _first_level(index, department, kinds, rng)
        for kind_names, members in _second_level(index, kinds, rng):
            root, own = roots[members[0].name.en], numbers[members[0].name.en]
            if isinstance(kind_names, Name):
                covered = frozenset(number for kind in members for number in numbers[kind.name.en])
                nodes.append(Node((root, kind_names), department, covered))
            else:
                nodes += _finer((root,), kind_names, own, department)
            if index == 0:
                thirds += _finer(nodes[-1].path, members[0].thirds, own, department)
    return Platform(PLATFORM_NAMES[index], index, tuple(_merge_namesakes(nodes)), tuple(thirds))


def _finer(
    path: tuple[Name, ...], thirds: Sequence[Name], numbers: Sequence[int], department: Department
) -> list[Node]:
    """Return one category a third of a kind; `numbers` are its leaves (one more than none)."""
    return [
        Node((*path, third), department, frozenset([number]))
        for third, number in zip(thirds, numbers, strict=False)
    ]


def _first_level(index: int, department: Department, kinds: Sequence[Kind], rng: Random) -> dict[str, Name]:
    """Return the first-level name of every kind: the class under some name, or its shelf."""
    own = department.name.zh if index == 0 else rng.choice([department.name.zh, *department.other_names])
    shelves = index > 0 and rng.random() < SHELVES
    root = Name(own, department.name.en)
    return {kind.name.en: kind.shelf if shelves and kind.shelf else root for kind in kinds}


def _second_level(
    index: int, kinds: Sequence[Kind], rng: Random
) -> Iterator[tuple[Name | tuple[Name, ...], list[Kind]]]:
    """Yield (name, kinds it covers), or (names of the thirds, [the kind split into them])."""
    families = {kind.family for kind in kinds if kind.family}
    coarse = {f for f in sorted(families, key=lambda f: f.en) if index > 0 and rng.random() < FAMILY}
    done: set[Name] = set()
    for kind in kinds:
        draws = [rng.random() for _ in range(3)]
        other = rng.choice(kind.other_names or (kind.name.zh,))
        if kind.family in coarse and kind.family is not None:
            if kind.family not in done:
                done.add(kind.family)
                yield kind.family, [k for k in kinds if k.family == kind.family]
        elif index > 0 and draws[0] < ABSENT:
            continue
        elif index > 0 and kind.thirds and draws[1] < SPLIT:
            yield kind.thirds, [kind]
        else:
            synonym = draws[2] < (SYNONYM if index else SYNONYM / 2)
            yield Name(other if synonym else kind.name.zh, kind.name.en), [kind]


def _merge_namesakes(nodes: Sequence[Node]) -> Iterator[Node]:
    """Two categories of one platform with one path are one category."""
    by_id: dict[str, Node] = {}
    for node in nodes:
        twin = by_id.get(node.id)
        by_id[node.id] = Node(node.path, node.department, node.leaves | twin.leaves) if twin else node
    yield from by_id.values()


@dataclass(frozen=True, slots=True)
class TrueLink:
    """A true correspondence; `relation` is said of the left category, as in `alignment.records`."""

    left: Node
    right: Node
    relation: str


def links(left: Platform, right: Platform) -> Iterator[TrueLink]:
    """Yield the gold alignment of two platforms' categories below the first level.

    Second-level categories are linked by every relation; a third-level one only to its equal.
    """
    for a in (*left.nodes, *left.thirds):
        for b in (*right.nodes, *right.thirds):
            if a.leaves == b.leaves:
                yield TrueLink(a, b, "exact")
            elif len(a.path) == len(b.path) == 2 and a.leaves < b.leaves:
                yield TrueLink(a, b, "narrower")
            elif len(a.path) == len(b.path) == 2 and a.leaves > b.leaves:
                yield TrueLink(a, b, "broader")
