"""A draft of the first-level map, for when nobody has made one: read off the links between categories.

Identical names of different platforms are one class. Another name joins a class where most of its links,
from enough of its categories, lead there; the class it joins is never one that itself joins another, so
that no chain of weak links makes one class of many. The draft is a file for a person to correct, never
applied by itself.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mep3m.alignment.connected import connected_sets
from mep3m.alignment.merging.first_level import class_id
from mep3m.alignment.names.compare import plain
from mep3m.alignment.records import Proposal, Side
from mep3m.taxonomy import Category

#: (platform, its own first-level name)
Name = tuple[str, str]
#: a name joins the class that has more than this share of its links to the class's platforms
MAJORITY = 0.5
#: links (summed probabilities) that such a majority rests on, at least
LINKS = 0.9
#: and as a share of the categories of the name that joins, or of those of the class it joins
COVERED = 0.2


@dataclass(frozen=True)
class DraftClass:
    """One drafted class: its names, its members by platform, and the links between them."""

    category: Category
    members: Mapping[str, tuple[str, ...]]
    links: float


def draft_first_level(sides: Sequence[Side], proposals: Iterable[Proposal]) -> list[DraftClass]:
    """Return the classes that the accepted links suggest, the largest first.

    See the module for what joins; what joins nothing is a class of its own. A class is called as most of
    its members are, or as the one with most categories.
    """
    sizes = Counter((side.name, entry.path[0]) for side in sides for entry in side)
    weight = _links(sides, proposals)
    alike = connected_sets(sizes, _identical(sizes))
    joined = [(alike[one][0], alike[other][0]) for one, other in _joins(alike, sizes, weight)]
    joined += [(names[0], name) for names in alike for name in names]
    english = {
        (side.name, entry.path[0]): entry.path_en[0] for side in sides for entry in side if entry.path_en
    }
    drafted = [_drafted(group, sizes, weight, english) for group in connected_sets(sizes, joined)]
    drafted.sort(key=lambda of: (len(of.members) < 2, -of.links, of.category.name))
    return _with_own_ids(drafted)


def _links(sides: Sequence[Side], proposals: Iterable[Proposal]) -> dict[tuple[Name, Name], float]:
    """Return the summed probability of the accepted links between first-level names, in both directions."""
    by_name = {side.name: side for side in sides}
    weight: dict[tuple[Name, Name], float] = defaultdict(float)
    for one in proposals:
        if one.accept:
            left = one.left_source, by_name[one.left_source][one.left_id].path[0]
            right = one.right_source, by_name[one.right_source][one.right_id].path[0]
            weight[left, right] += one.probability
            weight[right, left] += one.probability
    return weight


def _identical(sizes: Iterable[Name]) -> list[tuple[Name, Name]]:
    """Return the pairs of names of different platforms that are equal in comparable form.

    A form that a platform has twice joins nothing: only a person can say which of the two is meant.
    """
    forms: dict[str, list[Name]] = defaultdict(list)
    for one in sorted(sizes):
        forms[plain(one[1]) or one[1]].append(one)
    return [
        (names[0], other)
        for names in forms.values()
        if len({platform for platform, _ in names}) == len(names)
        for other in names[1:]
    ]


def _joins(
    alike: Sequence[tuple[Name, ...]], sizes: Mapping[Name, int], weight: Mapping[tuple[Name, Name], float]
) -> list[tuple[int, int]]:
    """Return (set of names that joins, set that it joins), as places in `alike`; the strongest come first."""
    place = {name: number for number, names in enumerate(alike) for name in names}
    links: dict[tuple[int, int], float] = defaultdict(float)
    to: dict[tuple[int, str], float] = defaultdict(float)
    for (one, other), probability in weight.items():
        if place[one] != place[other]:
            links[place[one], place[other]] += probability
            to[place[one], other[0]] += probability
    size = [sum(sizes[name] for name in names) for names in alike]
    wanted = []
    for (low, high), summed in links.items():
        total = sum(to[low, platform] for platform in {platform for platform, _ in alike[high]})
        enough = summed >= LINKS and summed >= COVERED * min(size[low], size[high])
        if enough and summed > MAJORITY * total:
            wanted.append((-summed / total, -summed, low, high))
    joins: dict[int, int] = {}
    heads: set[int] = set()
    for _, _, low, high in sorted(wanted):
        if low not in joins and low not in heads and high not in joins:
            joins[low] = high
            heads.add(high)
    return list(joins.items())


def _drafted(
    group: Sequence[Name],
    sizes: Mapping[Name, int],
    weight: Mapping[tuple[Name, Name], float],
    english: Mapping[Name, str],
) -> DraftClass:
    uses = Counter(name for _, name in group)
    best = max(group, key=lambda of: (uses[of[1]], sizes[of], of))
    members: dict[str, list[str]] = defaultdict(list)
    for platform, name in group:
        members[platform].append(name)
    within = sum(weight.get((one, other), 0.0) for one in group for other in group) / 2
    category = Category(class_id(best[1], english.get(best)), best[1], english.get(best) or None)
    return DraftClass(category, {platform: tuple(names) for platform, names in members.items()}, within)


def _with_own_ids(drafted: Iterable[DraftClass]) -> list[DraftClass]:
    """Return the classes with ids that are all different."""
    taken: set[str] = set()
    distinct = []
    for one in drafted:
        category, number = one.category, 1
        own = category.id
        while own in taken:
            number += 1
            own = f"{category.id}-{number}"
        taken.add(own)
        distinct.append(replace(one, category=replace(category, id=own)))
    return distinct


def first_level_toml(drafted: Sequence[DraftClass]) -> str:
    """Return the draft as `read_first_level` takes it, with what each class rests on as a comment."""
    lines = ["# A draft of the first-level map, read off the proposed links: correct it before use.", ""]
    for one in drafted:
        told = f"{one.links:.1f} links join these" if one.links else "no link joins it to another platform"
        if len(one.members) > 1 and not one.links:
            told = "joined by the name alone"
        lines += [f"# {told}", "[[first_level]]", f"id = {_quoted(one.category.id)}"]
        lines.append(f"name_zh = {_quoted(one.category.name_zh or '')}")
        if one.category.name_en:
            lines.append(f"name_en = {_quoted(one.category.name_en)}")
        covers = ", ".join(
            f"{_quoted(platform)} = [{', '.join(map(_quoted, names))}]"
            for platform, names in one.members.items()
        )
        lines += [f"from = {{ {covers} }}", ""]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Return the text as a TOML string (JSON's escapes are TOML's)."""
    return json.dumps(text, ensure_ascii=False)
