"""Nodes of a published taxonomy, and the categories that they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mep3m.alignment.records import Entry, Side
from mep3m.errors import FormatError
from mep3m.store.rejects import Reject


@dataclass(frozen=True, slots=True)
class TaxonomyNode:
    """One category as its file names it; `parent` is the id above, `line` where it stood.

    `path` is given by formats that write every name from the root; the others have a parent.
    """

    id: str
    name: str
    parent: str | None = None
    name_en: str | None = None
    path: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True)
class PublishedTaxonomy:
    """The categories of a file, what was refused, and what the file says of itself.

    `kind` is google, shopify, gpc, unspsc, etim, parents or table (the columns id and path);
    `version` is the publisher's, `None` where the file says none.
    """

    side: Side
    rejects: list[Reject]
    kind: str
    version: str | None = None


def to_side(path: Path, name: str, nodes: Iterable[TaxonomyNode]) -> tuple[Side, list[Reject]]:
    """Return the categories of nodes, and the nodes that cannot be used, with their lines.

    Raises:
        FormatError: none can be used.
    """
    kept: dict[str, TaxonomyNode] = {}
    rejects: list[Reject] = []

    def refuse(node: TaxonomyNode, reason: str) -> None:
        rejects.append(
            Reject("align", name, reason, file=str(path), line=node.line, value=node.name or node.id)
        )

    for node in nodes:
        if not node.id or not (node.name or node.path):
            refuse(node, "the id or the name is empty")
        elif node.id in kept:
            refuse(node, f"the id '{node.id}' stands in line {kept[node.id].line} too")
        else:
            kept[node.id] = node
    entries: list[Entry] = []
    for node in kept.values():
        chain = _chain(node, kept)
        if chain is None:
            refuse(
                node,
                f"the categories above '{node.id}' do not lead to a first level (parent '{node.parent}')",
            )
            continue
        names = node.path or tuple(one.name for one in chain)
        english = tuple(one.name_en or "" for one in chain) if len(chain) == len(names) else ()
        entries.append(Entry(node.id, names, english if any(english) else (), line=node.line))
    if not entries:
        first = f"; the first refused: line {rejects[0].line}: {rejects[0].reason}" if rejects else ""
        raise FormatError(f"{path} holds no category that can be used{first}")
    return Side(name, tuple(entries)), rejects


def _chain(node: TaxonomyNode, nodes: dict[str, TaxonomyNode]) -> list[TaxonomyNode] | None:
    """Return the nodes from the root down to this one; `None` for a parent that is missing or a circle."""
    chain = [node]
    while (parent := chain[-1].parent) is not None:
        if parent not in nodes or len(chain) > 50:
            return None
        chain.append(nodes[parent])
    return chain[::-1]
