"""The links of the paper's rule: kept as numbers, made into proposals when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from mep3m.alignment.records import Proposal, Side
from mep3m.alignment.similarity import Floats, Ints
from mep3m.settings.align import PaperSettings

#: refused pairs per left category that are kept for a person to look at
REFUSED_KEPT = 3
#: links that become proposals at once
CHUNK = 4096

LINK = np.dtype(
    [("row", "i8"), ("column", "i8"), ("label", "f8"), ("content", "f8"), ("rank", "f8"), ("accepted", "?")]
)
#: an array of `LINK`
Links = npt.NDArray[np.void]
#: the threshold of S_content, and where it comes from
Content = tuple[float, str]


def predicted_links(
    rows: Ints, columns: Ints, labels: Floats, contents: Floats, rule: PaperSettings, content: Content | None
) -> Links:
    """Return the pairs with the rule's decision; without `content` S_label decides alone."""
    links = np.empty(len(rows), LINK)
    links["row"], links["column"], links["label"], links["content"] = rows, columns, labels, contents
    links["rank"] = labels if content is None else (labels + contents) / 2
    links["accepted"] = labels >= rule.label_threshold
    if content is not None:
        links["accepted"] &= contents > content[0]
    if rule.identical_names:
        links["accepted"] |= labels == 1.0
    return links


def best_links(links: Links) -> Links:
    """Return the accepted links and each row's best refused ones.

    Row by row, the accepted first, each part by falling rank.
    """
    order = np.lexsort((links["column"], -links["rank"], ~links["accepted"], links["row"]))
    mine = links["accepted"][order]
    starts = np.flatnonzero(np.diff(links["row"][order], prepend=-1))
    if not len(starts):
        return links
    sizes = np.diff(starts, append=len(links))
    place = np.arange(len(links)) - np.repeat(starts + np.add.reduceat(mine, starts, dtype=np.int64), sizes)
    return links[order[mine | (place < REFUSED_KEPT)]]


class PaperLinks(Sequence[Proposal]):
    """The proposals between every two platforms; a pair takes 41 bytes until it is read."""

    def __init__(self, parts: Sequence[tuple[Side, Side, Links]], content: Content | None) -> None:
        self._parts = parts
        self._content = content

    def __len__(self) -> int:
        return sum(len(links) for _, _, links in self._parts)

    def __iter__(self) -> Iterator[Proposal]:
        for left, right, links in self._parts:
            for start in range(0, len(links), CHUNK):
                rows = links[start : start + CHUNK].tolist()
                yield from (self._proposal(left, right, link) for link in rows)

    @overload
    def __getitem__(self, place: int) -> Proposal: ...
    @overload
    def __getitem__(self, place: slice) -> list[Proposal]: ...
    def __getitem__(self, place: int | slice) -> Proposal | list[Proposal]:
        if isinstance(place, slice):
            return [self[k] for k in range(*place.indices(len(self)))]
        offset = range(len(self))[place]
        for left, right, links in self._parts:
            if offset < len(links):
                return self._proposal(left, right, links[offset].tolist())
            offset -= len(links)
        raise IndexError(place)

    def _proposal(self, left: Side, right: Side, link: tuple[Any, ...]) -> Proposal:
        row, column, label, content, rank, accepted = link
        words, evidence = f"S_label {label:.2f}", {"s_label": label}
        if self._content is None:
            words += "; no titles, so S_label decides alone"
        else:
            threshold, origin = self._content
            words += f", S_content {content:.3f} (> {threshold:.3f}, {origin})"
            evidence |= {"s_content": content, "content_threshold": threshold}
        one, other = left.entries[row], right.entries[column]
        return Proposal(
            one.id, other.id, "exact", rank, accepted, evidence, words,
            one.label, other.label, left.name, right.name,
        )  # fmt: skip
