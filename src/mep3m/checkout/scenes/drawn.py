"""Exemplars that are drawn, so that the lane can be tried without any picture of one's own."""

from __future__ import annotations

from collections import Counter as Tally
from pathlib import Path
from random import Random

from mep3m.errors import UsageError
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.pictures import draw, re_encode
from mep3m.simulator.platforms import make_world
from mep3m.simulator.titles import make_item
from mep3m.store.filesystem import atomic_write

#: the least side of a picture that shows enough of a product, in pixels
_LEAST = 160
#: drawings tried for one product until one is large enough
_TRIES = 50


def draw_exemplars(folder: Path, products: int = 24, seed: int = 0) -> Path:
    """Draw so many products of the simulator's kinds, two pictures each, one folder a product.

    Raises:
        UsageError: there are fewer kinds.
    """
    world = make_world(SimulatorSettings(seed=seed))
    if not 1 <= products <= len(world.leaves):
        raise UsageError(f"{products} products; from 1 to {len(world.leaves)} can be drawn")
    chosen = sorted(Random(f"{seed}/exemplars").sample(range(len(world.leaves)), products))
    names: Tally[str] = Tally()
    for number in chosen:
        leaf = world.leaves[number]
        name = leaf.kind.name.en if leaf.third is None else leaf.kind.thirds[leaf.third].en
        names[name] += 1
        name = (name if names[name] == 1 else f"{name} {names[name]}").replace("/", " and ")
        looks = (make_item(number + attempt * 10_000, number, leaf, seed) for attempt in range(_TRIES))
        images = (draw(item, leaf, 0.0)[0] for item in looks)
        image = next(one for one in images if min(one.size) >= _LEAST)
        first = folder / leaf.department.name.en.replace("/", " and ") / name
        first.mkdir(parents=True, exist_ok=True)
        with atomic_write(first / "1.png", durable=False) as temporary:
            image.save(temporary, "PNG")
        again = re_encode(image, (), Random(f"{seed}/again/{number}"))
        with atomic_write(first / "2.jpg", durable=False) as temporary:
            temporary.write_bytes(again.content)
    return folder
