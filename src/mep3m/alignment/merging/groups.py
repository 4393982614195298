"""Groups of categories that are the same, and the place of each group in one tree.

A merge is a group, not a pair: whatever exact links connect, directly or through others, becomes
one category. Each shop's own tree says what lies above a group; accepted narrower and broader links
and the hand-made first level come before it.
"""

from __future__ import annotations

import graphlib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from mep3m.alignment.connected import connected_sets
from mep3m.alignment.merging.first_level import FirstLevelMap, PlatformPath
from mep3m.alignment.names.compare import plain
from mep3m.alignment.review.decisions import Decision, Problem
from mep3m.settings.align import MergeSettings
from mep3m.taxonomy import PATH_SEPARATOR

#: the source of the nodes that stand for the classes of the first-level map
CLASS = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A decision between two nodes; `left` is `relation` to `right`."""

    left: PlatformPath
    right: PlatformPath
    decision: Decision

    @property
    def lower_upper(self) -> tuple[PlatformPath, PlatformPath]:
        """The narrower and the broader node of a link that is not exact."""
        if self.decision.relation == "narrower":
            return self.left, self.right
        return self.right, self.left


@dataclass(frozen=True)
class Group:
    """Categories that are one: its nodes, the exact links inside, and its place in the tree.

    `parent` is a group's number, `None` for a root. A group that is not `placed` belongs to no
    class of the first-level map. `placed_by` is the link that chose the parent, where one did.
    """

    nodes: tuple[PlatformPath, ...]
    links: tuple[Decision, ...]
    parent: int | None = None
    placed: bool = False
    placed_by: Decision | None = None

    @property
    def members(self) -> tuple[PlatformPath, ...]:
        """The shops' categories in the group."""
        return tuple(node for node in self.nodes if node[0] != CLASS)

    @property
    def class_id(self) -> str | None:
        """The class of the first-level map that the group is, or `None`."""
        return next((path[0] for source, path in self.nodes if source == CLASS), None)


@dataclass(frozen=True)
class Forest:
    """All groups, which group each node is in, and which conflicts are left."""

    groups: tuple[Group, ...]
    of: Mapping[PlatformPath, int]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def chain(self, number: int) -> list[int]:
        """Return the groups from the first level down to `number`, inclusive."""
        numbers = [number]
        while (above := self.groups[numbers[-1]].parent) is not None:
            numbers.append(above)
        return numbers[::-1]


def label(node: PlatformPath) -> str:
    """Return a node as people read it."""
    return f"{node[0]} '{PATH_SEPARATOR.join(node[1])}'"


def with_ancestors(nodes: Iterable[PlatformPath]) -> list[PlatformPath]:
    """Return the nodes and everything above them, sorted by source and path."""
    return sorted({(source, path[:depth]) for source, path in nodes for depth in range(1, len(path) + 1)})


def build_forest(
    nodes: Sequence[PlatformPath],
    links: Sequence[Link],
    first_level: FirstLevelMap | None,
    settings: MergeSettings,
    rows: Mapping[PlatformPath, int],
    rejected: Set[frozenset[PlatformPath]] = frozenset(),
) -> Forest:
    """Join what is the same and find each group's place; every contradiction is listed.

    `nodes` are closed under ancestors; `rows` (products a node) decides where shops disagree;
    `rejected` are the pairs that are not the same.
    """
    exact = [link for link in links if link.decision.relation == "exact"]
    places, joins = _first_level_joins(nodes, links, first_level)
    pairs = [*joins, *((link.left, link.right) for link in exact)]
    groups, of = _connect(nodes, pairs, exact)
    while settings.join_inner and (
        more := _same_names(nodes, groups, of, places, rejected, first_level is None)
    ):
        pairs += more
        groups, of = _connect(nodes, pairs, exact)
    problems = [] if settings.allow_joins else _platform_joins(groups, exact)
    problems += _class_joins(groups, first_level)
    builder = _Placer(groups, of, places, rows, first_level)
    problems += builder.add_links([link for link in links if link.decision.relation != "exact"])
    problems += builder.place()
    if first_level is not None and not problems:
        problems += _class_conflicts(builder, first_level)
    return Forest(tuple(builder.groups), of, tuple(problems), tuple(builder.notes))


def _first_level_joins(
    nodes: Sequence[PlatformPath], links: Sequence[Link], first_level: FirstLevelMap | None
) -> tuple[dict[PlatformPath, PlatformPath], list[tuple[PlatformPath, PlatformPath]]]:
    """Return the entries that place a node below a class, and the pairs (node, class) that are one.

    A first-level category becomes its class, unless an accepted link says that it is the same as,
    or narrower than, a category further down: then it lies below its class. A deeper entry lies below
    its class, unless what is above it belongs to the same class: then that level is flattened away.
    """
    if first_level is None:
        return {}, []
    lower: set[PlatformPath] = set()
    for link in links:
        if link.decision.relation != "exact":
            lower.add(link.lower_upper[0])
        elif len(link.left[1]) > 1 or len(link.right[1]) > 1:
            lower.update((link.left, link.right))
    places: dict[PlatformPath, PlatformPath] = {}
    joins: list[tuple[PlatformPath, PlatformPath]] = []
    known = set(nodes)
    for node, class_id in first_level.entries.items():
        if node not in known:
            continue
        above = first_level.class_of((node[0], node[1][:-1]))
        if node in lower or (len(node[1]) > 1 and above != class_id):
            places[node] = (CLASS, (class_id,))
        else:
            joins.append((node, (CLASS, (class_id,))))
    return places, joins + [((CLASS, (c.id,)), (CLASS, (c.id,))) for c in first_level.classes]


def _connect(
    nodes: Sequence[PlatformPath], pairs: Iterable[tuple[PlatformPath, PlatformPath]], exact: Iterable[Link]
) -> tuple[list[Group], dict[PlatformPath, int]]:
    """Return the connected sets of nodes, in the order of their first node."""
    sets = connected_sets(nodes, pairs)
    number_of = {node: number for number, members in enumerate(sets) for node in members}
    inside: dict[int, list[Decision]] = {}
    for link in exact:
        inside.setdefault(number_of[link.left], []).append(link.decision)
    groups = [Group(members, tuple(inside.get(number, ()))) for number, members in enumerate(sets)]
    return groups, number_of


def _same_names(
    nodes: Sequence[PlatformPath],
    groups: Sequence[Group],
    of: Mapping[PlatformPath, int],
    places: Mapping[PlatformPath, PlatformPath],
    rejected: Set[frozenset[PlatformPath]],
    own_first_levels: bool,
) -> list[tuple[PlatformPath, PlatformPath]]:
    """Return pairs of inner categories of different platforms with one name below one parent.

    Where there is no first-level map (`own_first_levels`), one of two first-level categories may have
    none below it. Only such pairs whose groups share no platform: nothing is joined that a person would
    have to take apart. One pair a parent and name at a time, so that every pair sees the groups before it.
    """
    inner = {(source, path[:-1]) for source, path in nodes if len(path) > 1}
    seen: dict[tuple[int | None, str], PlatformPath] = {}
    pairs: list[tuple[PlatformPath, PlatformPath]] = []
    touched: set[int] = set()
    flat = [node for node in nodes if own_first_levels and len(node[1]) == 1 and node not in inner]
    for node in [*(node for node in nodes if node in inner), *flat]:  # so that a flat one meets an inner one
        source, path = node
        if node in places or groups[of[node]].class_id is not None:
            continue
        above = of[(source, path[:-1])] if len(path) > 1 else None
        name = (plain(path[-1]) or path[-1]) if own_first_levels and len(path) == 1 else path[-1]
        key = (above, name)
        other = seen.get(key) if node not in inner else seen.setdefault(key, node)
        if other is None:
            continue
        numbers = {of[node], of[other]}
        if len(numbers) < 2 or numbers & touched or frozenset((node, other)) in rejected:
            continue
        sources = [{member[0] for member in groups[number].members} for number in numbers]
        if sources[0].isdisjoint(sources[1]):
            pairs.append((other, node))
            touched |= numbers
    return pairs


def _platform_joins(groups: Iterable[Group], exact: Sequence[Link]) -> list[Problem]:
    """Name each merge that would make one category of two of the same platform, by its rows."""
    near: dict[PlatformPath, list[tuple[PlatformPath, int]]] = {}
    for link in exact:
        near.setdefault(link.left, []).append((link.right, link.decision.line))
        near.setdefault(link.right, []).append((link.left, link.decision.line))
    problems: list[Problem] = []
    for group in groups:
        first: dict[str, PlatformPath] = {}
        for node in group.members:
            other = first.setdefault(node[0], node)
            lines = _way(near, other, node) if other != node else ()
            if lines:
                text = (
                    f"would join two categories of one platform: {label(other)} and {label(node)}; accept "
                    "one of them as exact and write the other as skos:broadMatch, or reject it"
                )
                problems.append(Problem("join", lines, text))
    return problems


def _way(
    near: Mapping[PlatformPath, Sequence[tuple[PlatformPath, int]]], start: PlatformPath, goal: PlatformPath
) -> tuple[int, ...]:
    """Return the lines of the shortest chain of links between two nodes; () where there is none."""
    came: dict[PlatformPath, tuple[PlatformPath, int]] = {}
    queue = deque([start])
    while queue and goal not in came:
        node = queue.popleft()
        for other, line in near.get(node, ()):
            if other not in came and other != start:
                came[other] = (node, line)
                queue.append(other)
    lines: list[int] = []
    node = goal
    while node in came:
        node, line = came[node]
        lines.append(line)
    return tuple(sorted(lines))


def _class_joins(groups: Iterable[Group], first_level: FirstLevelMap | None) -> list[Problem]:
    """Name the merges that would make one of two classes of the hand-made map."""
    problems = []
    for group in groups:
        classes = [path[0] for source, path in group.nodes if source == CLASS]
        if first_level is not None and len(classes) > 1:
            lines = tuple(sorted(decision.line for decision in group.links))
            names = " and ".join(f"'{first_level.called(name)}'" for name in classes)
            text = f"would join the classes {names} of the first-level map; change the map, or reject"
            problems.append(Problem("class", lines, text))
    return problems


def _class_conflicts(placer: _Placer, first_level: FirstLevelMap) -> list[Problem]:
    """Name the groups that lie in another class than the first-level map gives to a member."""
    problems: list[Problem] = []
    wrong: set[int] = set()
    for number in placer.order:
        group = placer.groups[number]
        if not group.placed or group.parent is None:
            continue
        actual = placer.groups[placer.chain[number][0]].class_id
        stray = [node for node in group.members if first_level.class_of(node) not in (None, actual)]
        if not stray:
            continue
        wrong.add(number)
        links = [*group.links, *([group.placed_by] if group.placed_by else [])]
        if group.parent in wrong and not links:
            continue
        wanted = first_level.called(first_level.class_of(stray[0]))
        text = (
            f"{label(stray[0])} belongs to the class '{wanted}' of the first-level map, but the link puts it "
            f"into '{first_level.called(actual)}'; reject it, or give that category a line in the map"
        )
        problems.append(Problem("class", tuple(sorted(link.line for link in links)), text))
    return problems


@dataclass
class _Placer:
    """Finds each group's parent; groups above are placed before the groups below them."""

    groups: list[Group]
    of: Mapping[PlatformPath, int]
    places: Mapping[PlatformPath, PlatformPath]
    rows: Mapping[PlatformPath, int]
    first_level: FirstLevelMap | None
    links: dict[int, dict[int, Decision]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    chain: dict[int, list[int]] = field(default_factory=dict)

    def add_links(self, links: Iterable[Link]) -> list[Problem]:
        """Take the accepted narrower and broader links, and name those inside one group."""
        problems = []
        for link in links:
            lower, upper = (self.of[node] for node in link.lower_upper)
            if lower == upper:
                lines = (link.decision.line, *(decision.line for decision in self.groups[lower].links))
                text = f"{link.decision.link}, but other rows make the two the same category; keep one"
                problems.append(Problem("contradiction", tuple(sorted(lines)), text))
            else:
                self.links.setdefault(lower, {}).setdefault(upper, link.decision)
        return problems

    def place(self) -> list[Problem]:
        """Give every group its parent."""
        graph = {number: self._above(number) for number in range(len(self.groups))}
        try:
            self.order = list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            return [self._cycle(error.args[1])]
        problems: list[Problem] = []
        for number in self.order:
            problems += self._place_one(number)
        return problems

    def _above(self, number: int) -> set[int]:
        mapped = {self.of[self.places[node]] for node in self.groups[number].nodes if node in self.places}
        return (mapped | set(self.links.get(number, ())) | set(self._derived(number))) - {number}

    def _derived(self, number: int) -> dict[int, int]:
        """Return the groups that the members' own trees put above, with the rows that say so."""
        weights: dict[int, int] = {}
        if self.groups[number].class_id is not None:
            return weights
        for node in self.groups[number].nodes:
            source, path = node
            if node not in self.places and len(path) > 1:
                above = self.of[(source, path[:-1])]
                weights[above] = weights.get(above, 0) + self.rows.get(node, 0)
        return weights

    def _place_one(self, number: int) -> list[Problem]:
        group = self.groups[number]
        given = {self.of[self.places[node]] for node in group.nodes if node in self.places}
        linked = {
            above: row for above, row in self.links.get(number, {}).items() if self.groups[above].placed
        }
        derived = {above: n for above, n in self._derived(number).items() if self.groups[above].placed}
        problems = self._rival_classes(group, given)
        given -= {number}  # joined with the class that it was to be below
        parent: int | None = None
        if linked:
            parent = self._deepest(linked)
            if any(above not in self.chain[parent] for above in linked):
                text = "puts one category below two that do not lie in one line: " + "; ".join(
                    row.link for row in linked.values()
                )
                lines = tuple(sorted(row.line for row in linked.values()))
                problems.append(Problem("parent", lines, text + "; reject one, or merge the two above"))
        wanted = {*linked, *given}
        fitting = {above: n for above, n in derived.items() if wanted <= set(self.chain[above])}
        if fitting:
            parent = self._heaviest(group, fitting)
        elif parent is None and given:
            parent = min(given)
        root = group.class_id is not None or (self.first_level is None and parent is None)
        placed_by = linked.get(parent) if parent is not None else None
        self.groups[number] = Group(group.nodes, group.links, parent, root or parent is not None, placed_by)
        self.chain[number] = [*(self.chain[parent] if parent is not None else []), number]
        return problems

    def _rival_classes(self, group: Group, given: set[int]) -> list[Problem]:
        if len(given) < 2 or self.first_level is None:
            return []
        called = sorted(self.first_level.called(self.groups[above].class_id) for above in given)
        names = " and ".join(f"'{name}'" for name in called)
        lines = tuple(sorted(decision.line for decision in group.links))
        text = f"the first-level map puts members of one merged category into {names}; reject, or change it"
        return [Problem("class", lines, text)]

    def _deepest(self, candidates: Iterable[int]) -> int:
        return max(candidates, key=lambda above: (len(self.chain[above]), -above))

    def _heaviest(self, group: Group, weights: Mapping[int, int]) -> int:
        """Return the lowest fitting parent; where shops disagree, the one with most products."""
        lowest = {a: n for a, n in weights.items() if not any(a in self.chain[b] and a != b for b in weights)}
        best = max(lowest, key=lambda above: (lowest[above], -above))
        if len(lowest) > 1:
            others = ", ".join(label(self.groups[above].nodes[0]) for above in lowest if above != best)
            self.notes.append(
                f"{label(group.members[0])}: the shops file it under different parents; taken: "
                f"{label(self.groups[best].nodes[0])} (most products), not: {others}"
            )
        return best

    def _cycle(self, numbers: Sequence[int]) -> Problem:
        """Name a cycle by the rows that make it."""
        inside = set(numbers)
        lines = {row.line for number in inside for row in self.groups[number].links}
        for number in inside:
            lines |= {row.line for above, row in self.links.get(number, {}).items() if above in inside}
        way = " -> ".join(label(self.groups[number].nodes[0]) for number in dict.fromkeys(numbers))
        text = f"the links and the shops' own trees make a cycle: {way}; reject one of these rows"
        return Problem("cycle", tuple(sorted(lines)), text)
