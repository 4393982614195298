"""Sides, decisions and a first-level map become one taxonomy and a label path for every category."""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mep3m.alignment.merging.first_level import FirstLevelMap, PlatformPath
from mep3m.alignment.merging.groups import Forest, Group, Link, build_forest, with_ancestors
from mep3m.alignment.records import Side
from mep3m.alignment.review.decisions import Decision, Problem, Ref, contradictions, links
from mep3m.errors import TaxonomyError, did_you_mean
from mep3m.product import Label
from mep3m.settings.align import MergeSettings
from mep3m.taxonomy import PATH_SEPARATOR, Category, Taxonomy

PROBLEMS_SHOWN = 30


@dataclass(frozen=True)
class Catalogue:
    """Every shop's categories: names in Chinese and English, products each, and ids to paths.

    `used` are the categories that the merged tree is for: those with rows where there is a store,
    else all. `listed` are the platforms whose categories a table lists.
    """

    rows: Mapping[PlatformPath, int]
    ids: Mapping[Ref, PlatformPath]
    names_en: Mapping[PlatformPath, str]
    sources: tuple[str, ...]
    used: frozenset[PlatformPath]
    listed: frozenset[str]

    def labels(self) -> dict[Ref, str]:
        """Return every category's path as people read it; its table's id comes before its path."""
        first: dict[PlatformPath, Ref] = {}
        for ref, node in self.ids.items():
            first.setdefault(node, ref)
        return {ref: PATH_SEPARATOR.join(node[1]) for node, ref in first.items()}

    def find(self, ref: Ref, label: str) -> PlatformPath | None:
        """Return the category that a review names, or `None`.

        Where no table lists a platform's categories, an id is a path; one that the review shows as
        its label too is a category that has lost its products, not a mistake.
        """
        if (node := self.ids.get(ref)) is not None:
            return node
        if ref.source in self.sources and ref.source not in self.listed and ref.id == label:
            return ref.source, tuple(ref.id.split(PATH_SEPARATOR))
        return None

    def ends(self, row: Decision) -> tuple[PlatformPath | None, PlatformPath | None]:
        """Return the two categories that a row of a review names, each as `find` does."""
        return self.find(row.left, row.left_label), self.find(row.right, row.right_label)

    @classmethod
    def of(cls, sides: Sequence[Side], rows: Mapping[PlatformPath, int] | None = None) -> Catalogue:
        """Join the sides' tables with the products counted in a store (`rows`), where there is one."""
        ids: dict[Ref, PlatformPath] = {}
        names_en: dict[PlatformPath, str] = {}
        counts: dict[PlatformPath, int] = dict(rows or {})
        for side in sides:
            for entry in side:
                node = (side.name, entry.path)
                ids[Ref(side.name, entry.id)] = node
                counts.setdefault(node, entry.count or 0 if rows is None else 0)
                english = [(depth, name) for depth, name in enumerate(entry.path_en, start=1) if name]
                names_en.update({(side.name, entry.path[:depth]): name for depth, name in english})
        for node in with_ancestors(node for node in counts if node[1]):
            ids.setdefault(Ref(node[0], PATH_SEPARATOR.join(node[1])), node)
        sources = dict.fromkeys([*(side.name for side in sides), *sorted(node[0] for node in counts)])
        used = frozenset(with_ancestors(counts if rows is None else rows))
        return cls(counts, ids, names_en, tuple(sources), used, frozenset(side.name for side in sides))


@dataclass(frozen=True)
class MergeInputs:
    """What goes into a merge beside the catalogue; all of it is data, so it pickles and hashes."""

    decisions: tuple[Decision, ...] = ()
    first_level: FirstLevelMap | None = None
    previous: Mapping[PlatformPath, str] | None = None
    settings: MergeSettings = field(default_factory=MergeSettings)


@dataclass(frozen=True)
class Merge:
    """One tree, the label path of every category that found a place, and the list of the others.

    `members` are the shops' categories that each category of the tree is, but for the classes of a
    first-level map: id -> shop categories. `unmapped` gives the reason.
    `unnamed` are merged categories whose shops use different names and that nobody named.
    """

    taxonomy: Taxonomy
    mapping: Mapping[PlatformPath, tuple[Label, ...]]
    unmapped: Mapping[PlatformPath, str]
    members: Mapping[str, tuple[PlatformPath, ...]]
    unnamed: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def joined(self) -> dict[str, tuple[PlatformPath, ...]]:
        """The merged categories: id -> their shop categories, of which there are several."""
        return {category: nodes for category, nodes in self.members.items() if len(nodes) > 1}

    def ids(self) -> dict[PlatformPath, str]:
        """Return each category's id at its own level: what keeps ids stable in the next merge."""
        id_of: dict[PlatformPath, str] = {}
        for node, labels in self.mapping.items():
            if labels and (category := labels[-1].category) is not None:
                id_of[node] = category
        return id_of


def find_problems(catalogue: Catalogue, review: MergeInputs) -> list[Problem]:
    """Return everything that keeps the review from being applied; an empty list when nothing does."""
    return _prepare(catalogue, review)[1]


def merge(catalogue: Catalogue, review: MergeInputs) -> Merge:
    """Build the merged tree and the mapping.

    Raises:
        TaxonomyError: the decisions contradict each other, the map or the catalogue; the message
            lists every problem with its lines, and nothing has been applied.
    """
    forest, problems = _prepare(catalogue, review)
    if problems:
        more = f"\n  and {len(problems) - PROBLEMS_SHOWN} more" if len(problems) > PROBLEMS_SHOWN else ""
        listed = "\n  ".join(str(problem) for problem in problems[:PROBLEMS_SHOWN])
        raise TaxonomyError(f"nothing was applied; {len(problems)} problem(s):\n  {listed}{more}")
    return _assemble(catalogue, review, forest)


def _prepare(catalogue: Catalogue, review: MergeInputs) -> tuple[Forest, list[Problem]]:
    accepted = links(review.decisions, review.settings)
    problems = contradictions(review.decisions)
    used = [
        Link(*ends, decision) for decision in accepted if (ends := _resolve(catalogue, decision, problems))
    ]
    nodes = with_ancestors(
        [*catalogue.ids.values(), *(end for link in used for end in (link.left, link.right))]
    )
    rejected = {
        frozenset((left, right))
        for row in review.decisions
        if row.verdict == "reject"
        for left, right in [catalogue.ends(row)]
        if left is not None and right is not None
    }
    weights = rows_below(catalogue)
    forest = build_forest(nodes, used, review.first_level, review.settings, weights, rejected)
    problems += forest.problems
    problems += _rejected_but_joined(catalogue, forest, review.decisions)
    problems += _two_names(forest)
    return forest, sorted(problems, key=lambda problem: problem.lines)


def _resolve(
    catalogue: Catalogue, decision: Decision, problems: list[Problem]
) -> tuple[PlatformPath, PlatformPath] | None:
    """Return the nodes of a decision, or note what it names that does not exist."""
    nodes: list[PlatformPath] = []
    for ref, shown in ((decision.left, decision.left_label), (decision.right, decision.right_label)):
        if (node := catalogue.find(ref, shown)) is not None:
            nodes.append(node)
        elif ref.source not in catalogue.sources:
            text = f"unknown platform '{ref.source}'{did_you_mean(ref.source, catalogue.sources)}"
            problems.append(Problem("unknown", (decision.line,), text))
        else:
            text = f"{ref.source} has no category '{ref.id}'{_near_id(catalogue, ref)}"
            problems.append(Problem("unknown", (decision.line,), text))
    return (nodes[0], nodes[1]) if len(nodes) == 2 else None


def _near_id(catalogue: Catalogue, ref: Ref) -> str:
    """Return a hint: the id with the zeros a spreadsheet cut, or the nearest one."""
    known = [other.id for other in catalogue.ids if other.source == ref.source]
    plain = [other for other in known if other.lstrip("0") == ref.id.lstrip("0").removesuffix(".0")]
    if plain:
        return f" (did you mean '{plain[0]}'? a spreadsheet may have changed it)"
    near = difflib.get_close_matches(ref.id, known, n=1)
    return f" (did you mean '{near[0]}'?)" if near else "; run 'mep3m align migrate' after a new export"


def rows_below(catalogue: Catalogue) -> dict[PlatformPath, int]:
    """Return the products of each node, those of the categories below it included."""
    weights: Counter[PlatformPath] = Counter()
    for (source, path), count in catalogue.rows.items():
        for depth in range(1, len(path) + 1):
            weights[(source, path[:depth])] += count
    return weights


def _rejected_but_joined(
    catalogue: Catalogue, forest: Forest, decisions: Iterable[Decision]
) -> list[Problem]:
    problems = []
    for row in decisions:
        left, right = catalogue.ends(row)
        if row.verdict != "reject" or row.relation != "exact" or left is None or right is None:
            continue
        if left in forest.of and forest.of[left] == forest.of.get(right):
            group = forest.groups[forest.of[left]]
            lines = tuple(sorted({row.line, *(link.line for link in group.links)}))
            if len(lines) == 1:
                continue
            text = f"{row.link} is rejected in line {row.line}, but the other rows join the two; change one"
            problems.append(Problem("contradiction", lines, text))
    return problems


def _two_names(forest: Forest) -> list[Problem]:
    problems = []
    for group in forest.groups:
        for attribute, word in (("name_zh", "Chinese"), ("name_en", "English")):
            named = [link for link in group.links if getattr(link, attribute)]
            names = {getattr(link, attribute): link.line for link in named}
            if len(names) > 1:
                given = " and ".join(f"'{name}' (line {line})" for name, line in names.items())
                text = f"one merged category gets two {word} names, {given}; keep one"
                problems.append(Problem("name", tuple(sorted(names.values())), text))
    return problems


def _assemble(catalogue: Catalogue, review: MergeInputs, forest: Forest) -> Merge:
    weights = rows_below(catalogue)
    depth = review.settings.depth
    used = {forest.of[node] for node in catalogue.used}
    used |= {number for number, group in enumerate(forest.groups) if group.class_id is not None}
    chains = {number: forest.chain(number)[:depth] for number in sorted(used) if forest.groups[number].placed}
    kept = sorted({number for chain in chains.values() for number in chain})
    ids = _stable_ids(forest, kept, review.previous or {}, weights)
    names = {number: _names(forest.groups[number], catalogue, review.first_level, weights) for number in kept}
    categories = [
        Category(
            ids[number],
            *names[number][:2],
            parent=ids[chains[number][-2]] if len(chains[number]) > 1 else None,
        )
        for number in sorted(kept, key=lambda number: (len(chains[number]), number))
    ]
    mapping: dict[PlatformPath, tuple[Label, ...]] = {}
    unmapped: dict[PlatformPath, str] = {}
    for node in sorted(catalogue.used):
        number = forest.of[node]
        if number in chains:
            mapping[node] = _labels(ids, forest, chains[number], node, review.first_level)
        else:
            unmapped[node] = "its first level is not in the first-level map, and no accepted link places it"
    members = {
        ids[number]: tuple(node for node in forest.groups[number].members if node in catalogue.used)
        for number in kept
        if forest.groups[number].class_id is None
    }
    unnamed = tuple(ids[number] for number in kept if not names[number][2])
    folded = sum(len(forest.chain(number)) > depth for number in chains)
    deep = [f"{folded} categories lie below level {depth}: their rows get the label above"] if folded else []
    unknown = review.first_level.unknown(forest.of) if review.first_level is not None else []
    mistaken = [f"first-level map: {text}" for text in unknown]
    notes = (*mistaken, *deep, *forest.notes, *_same_names(categories))
    return Merge(Taxonomy(tuple(categories)), mapping, unmapped, members, unnamed, notes)


def _stable_ids(
    forest: Forest,
    kept: Sequence[int],
    previous: Mapping[PlatformPath, str],
    weights: Mapping[PlatformPath, int],
) -> dict[int, str]:
    """Return an id for each group: the map's, the one most of its products had before, or a new one.

    A new id is a hash of the group's first category, so two people who merge the same get the same.
    """
    ids: dict[int, str] = {}
    for number in kept:
        if (class_id := forest.groups[number].class_id) is not None:
            ids[number] = class_id
    taken = set(ids.values())
    claims: list[tuple[int, str, int]] = []
    for number in kept:
        votes: Counter[str] = Counter()
        for node in forest.groups[number].members:
            if number not in ids and node in previous:
                votes[previous[node]] += 1 + weights.get(node, 0)
        claims += [(count, old, number) for old, count in votes.items()]
    for _, old, number in sorted(claims, key=lambda claim: (-claim[0], claim[1], claim[2])):
        if number not in ids and old not in taken:
            ids[number] = old
            taken.add(old)
    reserved = taken | set(previous.values())
    for number in kept:
        if number not in ids:
            ids[number] = _new_id(forest.groups[number].members[0], reserved)
            reserved.add(ids[number])
    return ids


def _new_id(anchor: PlatformPath, taken: set[str]) -> str:
    digest = hashlib.sha256("\x1f".join((anchor[0], *anchor[1])).encode()).hexdigest()
    return next(f"c{digest[:n]}" for n in range(8, 65) if f"c{digest[:n]}" not in taken)


def _names(
    group: Group, catalogue: Catalogue, first_level: FirstLevelMap | None, weights: Mapping[PlatformPath, int]
) -> tuple[str | None, str | None, bool]:
    """Return a group's Chinese and English name, and whether it needs no person to name it."""
    if group.class_id is not None and first_level is not None:
        common = next(category for category in first_level.classes if category.id == group.class_id)
        return common.name_zh, common.name_en, True
    heaviest = sorted(group.members, key=lambda node: (-weights.get(node, 0), node))
    zh = next((link.name_zh for link in group.links if link.name_zh), None)
    en = next((link.name_en for link in group.links if link.name_en), None)
    english = [catalogue.names_en[node] for node in heaviest if node in catalogue.names_en]
    own = {node[1][-1] for node in group.members}
    return zh or heaviest[0][1][-1], en or (english[0] if english else None), bool(zh) or len(own) == 1


def _labels(
    ids: Mapping[int, str],
    forest: Forest,
    chain: Sequence[int],
    node: PlatformPath,
    first_level: FirstLevelMap | None,
) -> tuple[Label, ...]:
    """Return the label path of a category: that of the groups of `chain`, from the first level down."""
    own = first_level.class_of(node) if first_level is not None else None
    whole = forest.chain(forest.of[node])
    return tuple(
        _label(ids[at], forest, whole[place:], node, own is not None and forest.groups[at].class_id == own)
        for place, at in enumerate(chain)
    )


def _label(category: str, forest: Forest, way: Sequence[int], node: PlatformPath, mapped: bool) -> Label:
    """Return the first level of `way`, the groups from it down to that of `node`, with who decided it.

    `mapped` says that the first-level map gives the category to this class. Where the category's own platform
    has nothing there, it was decided by what brought the category below it.
    """
    group, source = forest.groups[way[0]], node[0]
    own = any(member[0] == source for member in group.members)
    deciding: Sequence[Decision] = group.links if own and group.class_id is None else ()
    if not own and not mapped:
        deciding = _brought(forest, way, source)
    if not deciding:
        alone = own and len(group.members) == 1
        by = "first-level map" if group.class_id else f"tree of {source}" if alone else "same name"
        return Label(category, "mapped", by)
    reviewers = sorted({link.reviewer or "unnamed reviewer" for link in deciding if link.verdict == "accept"})
    if all(link.verdict == "accept" for link in deciding):
        return Label(category, "reviewed", ", ".join(reviewers))
    known = [row.probability for row in deciding if row.verdict != "accept" and row.probability is not None]
    by = ", ".join(["mep3m align", *reviewers])
    return Label(category, "mapped", by, min(known) if known else None)


def _brought(forest: Forest, way: Sequence[int], source: str) -> list[Decision]:
    """Return the links that bring a platform's categories below the first group of `way`, the lowest first.

    From the platform's own group upwards: a group that a link placed is there by that link; one that a tree
    placed is there by its exact links, unless that tree is of the platform that has been followed so far.
    """
    found: list[Decision] = []
    platforms = {source}
    start = next(
        place for place, at in enumerate(way) if any(of[0] == source for of in forest.groups[at].members)
    )
    for at, above in zip(way[start:0:-1], way[start - 1 :: -1], strict=True):
        group = forest.groups[at]
        trees = {member[0] for member in forest.groups[above].members}
        if (link := group.placed_by) is not None:
            found.append(link)
            platforms = {link.right.source if link.relation == "narrower" else link.left.source}
        elif platforms.isdisjoint(trees):
            found += group.links
            platforms = trees
    return found


def _same_names(categories: Iterable[Category]) -> list[str]:
    """Name the siblings that share a name and are not merged."""
    seen: dict[tuple[str | None, str], list[str]] = {}
    for category in categories:
        seen.setdefault((category.parent, category.name), []).append(category.id)
    return [
        f"{len(ids)} categories below '{parent}' are called '{name}' and are not merged: {', '.join(ids)}"
        for (parent, name), ids in seen.items()
        if len(ids) > 1
    ]
