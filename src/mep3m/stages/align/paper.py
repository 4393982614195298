"""The paper's rule (section 3.2): S_label ≥ 0.50 AND S_content > the mean of identically named pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from mep3m.settings.align import AlignSettings, PaperSettings
from mep3m.stages.align.proposal import Entry, Proposal, Side
from mep3m.stages.align.similarity import Floats, Ints, content_pairs, content_vectors, label_pairs

#: equation 3; used where no pair of identical names with titles exists to calibrate on
PUBLISHED_CONTENT_THRESHOLD = 0.75
#: refused pairs per left category that are kept for a person to look at
REFUSED_KEPT = 3

#: (platform, its first-level name) -> the common first-level class
FirstLevels = Mapping[tuple[str, str], str]


def propose_paper(
    sides: Sequence[Side], settings: AlignSettings, first_levels: FirstLevels | None = None
) -> list[Proposal]:
    """Return the pairs with S_label ≥ the threshold, accepted where equation 3 or the identity rule holds.

    Every pair of platforms is compared; the content threshold is calibrated once, on all of them.
    Where no category has titles, S_content cannot be computed and S_label decides alone (the words
    of each proposal say so). `probability` is (S_label + S_content)/2: a rank, not calibrated.
    """
    starts = np.cumsum([0, *(len(side) for side in sides)])
    vectors = content_vectors([entry.titles for side in sides for entry in side], settings.paper.content)
    with_content = vectors.nnz > 0
    found = []
    for a, b in combinations(range(len(sides)), 2):
        rows, columns, labels = _compared(sides[a], sides[b], settings, first_levels)
        shared = content_pairs(vectors, rows + starts[a], columns + starts[b]) if with_content else None
        contents = np.zeros(len(rows)) if shared is None else shared
        found.append((sides[a], sides[b], rows, columns, labels, contents))
    threshold, origin = _content_threshold(
        settings.paper,
        np.concatenate([labels for *_, labels, _ in found]),
        np.concatenate([contents for *_, contents in found]),
    )
    content = (threshold, origin) if with_content else None
    return [proposal for pair in found for proposal in _decided(*pair, settings.paper, content)]


def _decided(
    left: Side,
    right: Side,
    rows: Ints,
    columns: Ints,
    labels: Floats,
    contents: Floats,
    settings: PaperSettings,
    content: tuple[float, str] | None,
) -> Iterator[Proposal]:
    """Yield the proposals of two platforms; `content` is the threshold of S_content and its origin."""
    by_rule = labels >= settings.label_threshold
    if content is not None:
        by_rule &= contents > content[0]
    if settings.identical_names:
        by_rule |= labels == 1.0
    rank = labels if content is None else (labels + contents) / 2
    for k in _kept(rows, rank, by_rule):
        words, evidence = f"S_label {labels[k]:.2f}", {"s_label": float(labels[k])}
        if content is None:
            words += "; no titles, so S_label decides alone"
        else:
            words += f", S_content {contents[k]:.3f} (> {content[0]:.3f}, {content[1]})"
            evidence |= {"s_content": float(contents[k]), "content_threshold": content[0]}
        one, other = left.entries[rows[k]], right.entries[columns[k]]
        yield Proposal(
            one.id, other.id, "exact", float(rank[k]), bool(by_rule[k]), evidence, words,
            one.label, other.label, left.name, right.name,
        )  # fmt: skip


def first_level_classes(
    left: Side, right: Side, settings: AlignSettings, first_levels: FirstLevels | None = None
) -> tuple[list[str], list[str]] | None:
    """Return the first-level class of each entry of both sides, or `None` where they cannot be compared.

    A class is the entry's own `first_level`, else the map's word for the first name of its path,
    else that name. With the setting 'auto' the classes count when a map or own classes are given,
    or when at least half of the first-level names of the side with fewer of them are equal.
    """
    if settings.within_first_level == "never":
        return None
    classes = [
        [_first_level(side.name, entry, first_levels or {}) for entry in side] for side in (left, right)
    ]
    given = first_levels or any(entry.first_level for side in (left, right) for entry in side)
    ours, theirs = set(classes[0]), set(classes[1])
    agree = 2 * len(ours & theirs) >= min(len(ours), len(theirs))
    deep = all(any(len(entry.path) > 1 for entry in side) for side in (left, right))
    if settings.within_first_level == "always" or given or (agree and deep):
        return classes[0], classes[1]
    return None


def _first_level(source: str, entry: Entry, first_levels: FirstLevels) -> str:
    return entry.first_level or first_levels.get((source, entry.path[0]), entry.path[0])


def _compared(
    left: Side, right: Side, settings: AlignSettings, first_levels: FirstLevels | None
) -> tuple[Ints, Ints, Floats]:
    """Return (rows, columns, S_label) of the pairs that the rule may look at."""
    names = [[entry.name for entry in side] for side in (left, right)]
    blocks = list(label_pairs(names[0], names[1], settings.paper.label_threshold))
    if not blocks:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    rows, columns, labels = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    classes = first_level_classes(left, right, settings, first_levels)
    if classes is not None:
        known = {name: number for number, name in enumerate({*classes[0], *classes[1]})}
        numbers = [np.array([known[name] for name in of]) for of in classes]
        same = numbers[0][rows] == numbers[1][columns]
        rows, columns, labels = rows[same], columns[same], labels[same]
    order = np.lexsort((columns, rows))
    return rows[order], columns[order], labels[order]


def _content_threshold(settings: PaperSettings, labels: Floats, contents: Floats) -> tuple[float, str]:
    """Return the threshold of S_content and where it comes from."""
    if settings.content_threshold is not None:
        return settings.content_threshold, "set by hand"
    identical = contents[(labels == 1.0) & (contents > 0)]
    if len(identical) == 0:
        return PUBLISHED_CONTENT_THRESHOLD, "the published one: no identical names to calibrate on"
    return float(identical.mean()), f"mean of {len(identical)} identically named pairs"


def _kept(rows: Ints, rank: Floats, accepted: np.ndarray) -> list[int]:
    """Return the positions of the accepted pairs and of each row's best refused ones.

    Row by row, the accepted first, each part by falling rank.
    """
    if not len(rows):
        return []
    order = np.lexsort((-rank, ~accepted, rows))
    mine = accepted[order]
    starts = np.flatnonzero(np.diff(rows[order], prepend=-1))
    sizes = np.diff(starts, append=len(rows))
    place = np.arange(len(rows)) - np.repeat(starts + np.add.reduceat(mine, starts, dtype=np.int64), sizes)
    kept: list[int] = order[mine | (place < REFUSED_KEPT)].tolist()
    return kept


def groups(proposals: Sequence[Proposal]) -> list[tuple[tuple[str, str], ...]]:
    """Return the merges as groups of (platform, category id): the connected parts of the accepted
    exact proposals, each sorted, in sorted order.
    """  # noqa: D205
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for proposal in proposals:
        if proposal.accept and proposal.relation == "exact":
            ends = (proposal.left_source, proposal.left_id), (proposal.right_source, proposal.right_id)
            parent[root(ends[0])] = root(ends[1])
    members: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for node in parent:
        members.setdefault(root(node), []).append(node)
    return sorted(tuple(sorted(nodes)) for nodes in members.values())
