"""What follows from a gold alignment and the platforms' own trees: which categories contain which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mep3m.alignment.gold import End, Gold
from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.merge import Catalogue
from mep3m.alignment.records import Relation
from mep3m.alignment.review.decisions import Ref
from mep3m.errors import FormatError

#: a category -> every category that contains or equals it, itself included
Containers = Mapping[PlatformPath, frozenset[PlatformPath]]


def containers(
    nodes: Iterable[PlatformPath], stated: Iterable[tuple[PlatformPath, Relation | None, PlatformPath]]
) -> Containers:
    """Return what contains each category, directly or through others.

    `stated` are (left, relation, right); `None` counts as 'exact', and an overlap contains nothing. What
    lies above a category in its own platform's tree contains it, too.
    """
    step: dict[PlatformPath, set[PlatformPath]] = {}
    for left, relation, right in stated:
        if relation in ("exact", "narrower", None):
            step.setdefault(left, set()).add(right)
        if relation in ("exact", "broader", None):
            step.setdefault(right, set()).add(left)
    return {node: frozenset(_reached(node, step)) for node in nodes}


def allowed(node: PlatformPath, within: Containers) -> frozenset[PlatformPath]:
    """Return the categories of other platforms below which a row of `node` is in a right place."""
    return frozenset(other for other in within[node] if other[0] != node[0])


def gold_containers(
    gold: Gold, catalogue: Catalogue, platforms: tuple[str, str] | tuple[()] = ()
) -> Containers:
    """Return what contains each category of a catalogue by a gold alignment.

    `platforms` are those of the left and the right ids where the gold does not name them.

    Raises:
        FormatError: the gold does not say which of several platforms with this id it means.
    """
    names = dict(zip(("left", "right"), platforms, strict=False))
    stated = [
        (_node(left, names.get("left"), catalogue), relation, _node(right, names.get("right"), catalogue))
        for left, relation, right in gold.stated
    ]
    return containers(catalogue.used, stated)


def _node(end: End, unnamed: str | None, catalogue: Catalogue) -> PlatformPath:
    platform, category = end[0] or unnamed, end[1]
    found = [
        node
        for source in ([platform] if platform else catalogue.sources)
        if (node := catalogue.ids.get(Ref(source, category))) is not None
    ]
    if len(found) != 1:
        has = " and ".join(node[0] for node in found) or "no platform"
        raise FormatError(
            f"the gold names '{category}', which {has} has; write whose it is into the columns "
            "left_platform and right_platform"
        )
    return found[0]


def _reached(
    start: PlatformPath, step: Mapping[PlatformPath, Iterable[PlatformPath]]
) -> Iterable[PlatformPath]:
    """Return what is reached from `start` in any number of steps up, `start` included."""
    seen, todo = {start}, [start]
    while todo:
        source, path = node = todo.pop()
        above = [(source, path[:-1])] if len(path) > 1 else []
        fresh = {*above, *step.get(node, ())} - seen
        seen |= fresh
        todo += fresh
    return seen
