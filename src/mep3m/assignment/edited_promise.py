"""What a promise still covers after edits of the category tree, and what it no longer does.

The promise keeps deciding in the tree that it was tested on, and what it files is moved to its new place. A
filing was right where the true category lay at or below its node. That stays so where all categories below
the node have come along: those that were merged, moved or split within it. Where one has left it, products
of that category would now be filed wrongly, so that nothing is filed at the node any more. Decision 250.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mep3m.label_tree.tree import LabelPath, LabelTree


@dataclass(frozen=True)
class MovedTree:
    """The tree `before` edits, and the node (C + 1,) of that `after` them that each of its nodes has become.

    The last place is that of the root, -1. `lost` says of nodes of the old tree why nothing is filed there.
    """

    before: LabelTree
    after: LabelTree
    place: NDArray[np.int32]
    lost: dict[int, str]

    @classmethod
    def of(cls, before: LabelTree, after: LabelTree, place: NDArray[np.int32]) -> MovedTree:
        """Return what became of a tree; `place` (C,) is -1 where a node has no successor."""
        return cls(before, after, np.append(place, np.int32(-1)), lost_nodes(before, after, place))

    def path(self, node: int) -> LabelPath:
        """Return where a node of the old tree lies now; the empty path where it is gone."""
        here = int(self.place[node])
        return self.after.paths[here] if here >= 0 else ()

    def places(self, nodes: list[int]) -> list[int]:
        """Return where the nodes of a prediction set lie now, ascending; the root where one is gone."""
        moved = sorted({int(self.place[node]) for node in nodes})
        return [-1] if -1 in moved else moved

    def no_longer_covered(self) -> list[dict[str, str]]:
        """Return the categories at which nothing is filed any more, by their old path, and why."""
        return [
            {"path": " > ".join(self.before.paths[node]), "why": why}
            for node, why in sorted(self.lost.items())
        ]


def lost_nodes(before: LabelTree, after: LabelTree, place: NDArray[np.int32]) -> dict[int, str]:
    """Return why a promise no longer covers nodes of the tree before edits, for those that it does not."""
    lost = {}
    for node, path in enumerate(before.paths):
        here = int(place[node])
        if here < 0:
            lost[node] = f"the promise no longer covers '{path[-1]}': it is gone from the tree"
            continue
        level = int(after.levels[here]) - 1
        inside = before.ancestors[:, len(path) - 1] == node
        left = inside & (place >= 0) & (after.ancestors[place, level] != here)
        gone = inside & (place < 0)
        if (left | gone).any():
            first = before.paths[int(np.flatnonzero(left | gone)[0])][-1]
            lost[node] = f"the promise no longer covers '{path[-1]}': '{first}' no longer lies in it"
    return lost
