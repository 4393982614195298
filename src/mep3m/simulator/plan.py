"""Which platform lists which product, in which row, with which flaw: the whole draw, before any drawing.

Everything random about rows is decided here, at once and in one process, so that the bytes never
depend on how the rendering is shared out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.files import FORMATS
from mep3m.simulator.platforms import World

Ints = NDArray[np.int64]

#: how a further listing of a product differs from the first
COPIES = ("original", "same", "image", "title", "both")
#: flaws of a row as the file holds it, then flaws of its text, then of its image
ROW_DEFECTS = ("broken_row", "repeated_id", "missing_id")
TEXT_DEFECTS = ("empty_title", "short_title", "long_title", "foreign_title", "no_category")
IMAGE_DEFECTS = (
    "missing_image", "broken_image", "empty_image", "not_an_image", "tiny_image", "blank_image",
    "uniform_image", "odd_aspect", "blurred_image", "outside_path",
)  # fmt: skip
DEFECTS = ("", *ROW_DEFECTS, *TEXT_DEFECTS, *IMAGE_DEFECTS)


@dataclass(frozen=True)
class DrawPlan:
    """One entry a row, in the order of the platforms' files.

    `shown` is the leaf whose category the platform shows for the row; it differs from `leaf` where
    the label is noisy. `copy` indexes `COPIES`, `defect` indexes `DEFECTS`.
    """

    platform: Ints
    item: Ints
    leaf: Ints
    shown: Ints
    copy: Ints
    defect: Ints

    def __len__(self) -> int:
        return len(self.item)

    def of_platform(self, platform: int) -> Ints:
        """Return the row numbers of one platform, in file order."""
        return np.flatnonzero(self.platform == platform)


def make_plan(settings: SimulatorSettings, world: World) -> DrawPlan:
    """Draw the rows."""
    rng = np.random.default_rng([settings.seed, 1])
    copies = min(round(settings.products * settings.duplicates), settings.products - 1)
    items = settings.products - copies
    leaf_of_item = _leaves(items, settings, world, rng)
    sellers = [[p.index for p in world.platforms if leaf in p.node_of] for leaf in range(len(world.leaves))]
    first_shop = _pick(leaf_of_item, sellers, rng)
    again = rng.integers(0, items, copies)
    kind = rng.integers(1, len(COPIES), copies)
    other_shop = _pick(leaf_of_item[again], sellers, rng)
    shop = np.where(rng.random(copies) < 0.5, first_shop[again], other_shop)
    item = np.concatenate([np.arange(items), again])
    platform = np.concatenate([first_shop, shop])
    copy = np.concatenate([np.zeros(items, dtype=np.int64), kind])
    order = rng.permutation(len(item))
    order = order[np.argsort(platform[order], kind="stable")]
    item, platform, copy = item[order], platform[order], copy[order]
    leaf = leaf_of_item[item]
    shown = _noisy(leaf, platform, settings, world, rng)
    return DrawPlan(platform, item, leaf, shown, copy, _defects(platform, settings, rng))


def _leaves(items: int, settings: SimulatorSettings, world: World, rng: np.random.Generator) -> Ints:
    """Draw the category of every product: a Zipf tail over kinds, and each category once if it fits."""
    kinds = list(dict.fromkeys(leaf.kind.name.en for leaf in world.leaves))
    ranks = dict(zip(kinds, rng.permutation(len(kinds)), strict=True))
    weights = np.array(
        [
            (ranks[leaf.kind.name.en] + 1.0) ** -settings.tail
            * (1.0 if leaf.third is None else (leaf.third + 1.0) ** -0.7 / 2)
            for leaf in world.leaves
        ]
    )  # fmt: skip
    drawn = rng.choice(len(weights), items, p=weights / weights.sum())
    if items >= 3 * len(weights):
        drawn[: len(weights)] = np.arange(len(weights))
    return drawn.astype(np.int64)


def _pick(leaves: Ints, sellers: list[list[int]], rng: np.random.Generator) -> Ints:
    """Pick one seller for each leaf number."""
    count = np.array([len(shops) for shops in sellers])
    table = np.array([shops + [shops[0]] * (count.max() - len(shops)) for shops in sellers])
    return np.asarray(table[leaves, (rng.random(len(leaves)) * count[leaves]).astype(np.int64)], np.int64)


def _noisy(
    leaf: Ints, platform: Ints, settings: SimulatorSettings, world: World, rng: np.random.Generator
) -> Ints:
    """File some rows under another category of their platform: mostly a sibling, else any."""
    shown = leaf.copy()
    department = [leaf_.department.name.zh for leaf_ in world.leaves]
    for row in np.flatnonzero(rng.random(len(leaf)) < settings.noise):
        shop = world.platforms[int(platform[row])]
        right = shop.node_of[int(leaf[row])]
        sibling = rng.random() < 0.8
        others = [
            other
            for other, node in shop.node_of.items()
            if node.id != right.id and (not sibling or department[other] == department[int(leaf[row])])
        ]
        if others:
            shown[row] = others[int(rng.integers(len(others)))]
    return shown


def _defects(platform: Ints, settings: SimulatorSettings, rng: np.random.Generator) -> Ints:
    """Spread the kinds of defect evenly over a random choice of rows; a file's first row stays sound."""
    defect = np.zeros(len(platform), dtype=np.int64)
    sound = np.flatnonzero(np.diff(platform, prepend=-1) == 0)
    chosen = rng.permutation(sound)[: round(len(platform) * settings.defects)]
    for index, kind in enumerate(FORMATS):
        usable = [
            code
            for code, name in enumerate(DEFECTS)
            if name and name not in kind.cannot and (settings.images or name not in IMAGE_DEFECTS)
        ]
        rows = chosen[platform[chosen] == index]
        start = int(rng.integers(len(usable)))
        defect[rows] = [usable[(start + place) % len(usable)] for place in range(len(rows))]
    return defect
