"""Draw a whole world: the platforms' catalogues, a project file over them, and the truth.

Rows are rendered in pieces, by any number of workers; a piece exists only when it is whole, so an
interrupted simulation goes on where it stopped. Joining the pieces in order makes the files.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from mep3m import __version__
from mep3m.engine import Engine, Progress, make_engine, run, silent
from mep3m.errors import UsageError
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator import truth
from mep3m.simulator.files import FORMATS, Format, write_tsv
from mep3m.simulator.lettering import font_folder
from mep3m.simulator.listings import Listing, make_listing
from mep3m.simulator.plan import DEFECTS, DrawPlan, make_plan
from mep3m.simulator.platforms import Platform, World, make_world
from mep3m.simulator.project_file import project_toml
from mep3m.store.filesystem import atomic_write, exclusive_lock
from mep3m.store.layout import TAXONOMY
from mep3m.store.stamp import is_current, make_key, write_stamp
from mep3m.taxonomy import PATH_SEPARATOR

#: rows rendered together
PIECE = 500
#: titles kept a category in categories.tsv; about 22,000 characters, what the paper compares
TITLES = 450


@dataclass(frozen=True)
class Simulation:
    """The paths of a finished simulation."""

    folder: Path
    platforms: tuple[str, ...]

    @property
    def project(self) -> Path:
        """The project file for `mep3m build`."""
        return self.folder / "mep3m.toml"

    def catalogue(self, platform: str) -> Path:
        """The export of one platform."""
        return self.folder / platform / FORMATS[self.platforms.index(platform)].file

    def images(self, platform: str) -> Path:
        """The folder below which a platform's image paths lie."""
        return self.folder / platform / FORMATS[self.platforms.index(platform)].images

    def categories(self, platform: str) -> Path:
        """A platform's categories as `mep3m align propose` reads them."""
        return self.folder / platform / "categories.tsv"

    @property
    def products(self) -> Path:
        """The truth of every row (Parquet, `truth.PRODUCT_TRUTH`)."""
        return self.folder / "truth" / "products.parquet"

    @property
    def ocr(self) -> Path:
        """The text on every image (JSON lines)."""
        return self.folder / "truth" / "ocr.jsonl"

    def alignment(self, left: str, right: str) -> Path:
        """The gold alignment of two platforms, the earlier one left."""
        return self.folder / "truth" / "alignment" / f"{left}-{right}.tsv"


def simulate(
    folder: Path, settings: SimulatorSettings | None = None, workers: int = 1, progress: Progress = silent
) -> Simulation:
    """Draw a world into `folder`; the same settings give the same bytes for any number of workers.

    Raises:
        UsageError: the folder holds something else, or `workers` is less than 1.
        StoreError: another run draws into the folder.
        MissingExtraError: images are wanted and the fonts are not installed.
    """
    settings = settings or SimulatorSettings()
    engine = make_engine("local", workers)
    if settings.images:
        font_folder()
    world = make_world(settings)
    simulation = Simulation(folder, tuple(platform.name for platform in world.platforms))
    with exclusive_lock(folder):
        if not _begin(folder, settings):
            _draw(simulation, world, settings, engine, progress)
    return simulation


def _draw(
    simulation: Simulation, world: World, settings: SimulatorSettings, engine: Engine, progress: Progress
) -> None:
    """Render what is missing, and join the pieces."""
    folder = simulation.folder
    plan = make_plan(settings, world)
    pieces = folder / ".pieces"
    work = partial(_render, folder, settings)
    chunks = [
        (platform.index, start)
        for platform in world.platforms
        for start in range(0, len(plan.of_platform(platform.index)), PIECE)
    ]
    missing = [chunk for chunk in chunks if not _piece(pieces, *chunk).exists()]
    waiting = sum(min(PIECE, len(plan.of_platform(platform)) - start) for platform, start in missing)
    run(engine, work, missing, "simulate", progress, waiting)
    _join(simulation, world, settings)
    facts = {"settings": settings.model_dump(), "version": __version__,
             "platforms": list(simulation.platforms), "rows": len(plan)}  # fmt: skip
    write_stamp(folder / "simulation.json", settings.model_dump(), **facts)
    shutil.rmtree(pieces, ignore_errors=True)


def _begin(folder: Path, settings: SimulatorSettings) -> bool:
    """Return whether the simulation is finished already; claim an empty folder."""
    for mark in (folder / "simulation.json", folder / ".pieces" / "key.json"):
        if mark.exists():
            if not is_current(mark, settings.model_dump()):
                raise UsageError(
                    f"{folder} holds a simulation of other settings; choose another folder or delete it"
                )
            if mark.name == "simulation.json":  # a kill may have left the pieces of a finished world
                shutil.rmtree(folder / ".pieces", ignore_errors=True)
                return True
            return False
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty and holds no simulation; choose another folder")
    write_stamp(folder / ".pieces" / "key.json", settings.model_dump())
    return False


def _piece(pieces: Path, platform: int, start: int) -> Path:
    return pieces / f"{platform}-{start:09d}.jsonl"


#: the last world drawn in this process: workers render many pieces of one world
_drawn: dict[str, tuple[World, DrawPlan]] = {}


def _world_and_plan(settings: SimulatorSettings) -> tuple[World, DrawPlan]:
    key = make_key(settings.model_dump())
    if key not in _drawn:
        _drawn.clear()
        world = make_world(settings)
        _drawn[key] = (world, make_plan(settings, world))
    return _drawn[key]


def _render(folder: Path, settings: SimulatorSettings, chunk: tuple[int, int]) -> int:
    """Word and draw one piece: images go to their place, rows into the piece's file."""
    world, plan = _world_and_plan(settings)
    platform, start = chunk
    shop, kind = world.platforms[platform], FORMATS[platform]
    every = plan.of_platform(platform)
    numbers = kind.numbers(plan.defect[every] == DEFECTS.index("broken_row"))
    lines = []
    for place, row in enumerate(np.asarray(every[start : start + PIECE]).tolist(), start):
        listing = make_listing(plan, world, row, place, settings)
        image = _image_name(listing, kind)
        if listing.picture and image:
            target = folder / shop.name / kind.images / image
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(listing.picture.content)
        lines.append(orjson.dumps(_row(listing, image, shop, world, int(numbers[place]))))
    with atomic_write(_piece(folder / ".pieces", platform, start)) as temporary:
        temporary.write_bytes(b"\n".join(lines))
    return len(lines)


def _image_name(listing: Listing, kind: Format) -> str | None:
    """Return the image path as the shop's file has it; MEP-3M's begin with 'Images/'."""
    if listing.image is None or kind.images or listing.defect == "outside_path":
        return listing.image
    return f"Images/{listing.image}"


def _row(listing: Listing, image: str | None, shop: Platform, world: World, line: int) -> dict[str, Any]:
    """Return everything about a row that the files and the truth say; `line` is its number there."""
    kind = FORMATS[shop.index]
    leaf = world.leaves[listing.item.leaf]
    own = image if kind.kind == "mep3m" else listing.source_id
    cells = {
        "source_id": listing.source_id,
        "title": listing.title,
        "labels": listing.path,
        "ids": _ids(shop, listing.path),
        "image": image,
        "size": listing.picture.size if listing.picture else None,
        "broken": listing.broken,
    }
    facts = {
        "source": shop.name,
        "source_id": own if own and not listing.broken else f"{kind.file}:{line}",
        "file": kind.file,
        "line": line,
        "category": PATH_SEPARATOR.join(leaf.path),
        "path": leaf.path,
        "source_path": listing.node.names,
        "shown_path": listing.path,
        "noisy": listing.noisy,
        "group": f"g{listing.item.number}",
        "copy": listing.copy,
        "defect": listing.defect or None,
        "title": listing.title,
        "image": image,
        "has_text": bool(listing.lines),
    }
    texts = None
    if listing.picture and image:
        joined = " ".join(line.text for line in listing.lines)
        drawn = [{"text": line.text, "kind": line.kind, "box": line.box} for line in listing.lines]
        texts = {"source": shop.name, "image": image, "text": joined or None, "lines": drawn}
    return {"cells": cells, "truth": facts, "ocr": texts}


def _ids(shop: Platform, path: tuple[str, ...]) -> list[str]:
    """Return MEP-3M's ids of a path: classes, sub-classes and third levels are numbered on their own."""
    if not path:
        return []
    classes = list(shop.first_level())
    nodes = [node.names for node in shop.nodes]
    thirds = [node.names for node in shop.thirds]
    ids = [str(classes.index(path[0]) + 1), str(nodes.index(path[:2]) + 1)]
    return [*ids, str(len(nodes) + thirds.index(path) + 1)] if len(path) > 2 else ids


def _rows(folder: Path, platform: int) -> Iterator[dict[str, Any]]:
    for piece in sorted((folder / ".pieces").glob(f"{platform}-*.jsonl")):
        for line in piece.read_bytes().splitlines():
            yield orjson.loads(line)


def _join(simulation: Simulation, world: World, settings: SimulatorSettings) -> None:
    folder = simulation.folder
    every = [platform.index for platform in world.platforms]
    for platform in world.platforms:
        catalogue = simulation.catalogue(platform.name)
        FORMATS[platform.index].write(catalogue, (row["cells"] for row in _rows(folder, platform.index)))
        _write_categories(simulation, platform)
    truth.write_products(simulation.products, (row["truth"] for p in every for row in _rows(folder, p)))
    if settings.images:
        truth.write_ocr(simulation.ocr, (row["ocr"] for p in every for row in _rows(folder, p) if row["ocr"]))
    truth.write_alignment(folder / "truth", world)
    truth.true_taxonomy(world).save(folder / "truth" / TAXONOMY)
    sold: dict[str, set[str]] = {platform.name: set() for platform in world.platforms}
    for facts in (row["truth"] for p in every for row in _rows(folder, p)):
        if facts["shown_path"] and facts["defect"] is None:
            sold[facts["source"]].add(facts["shown_path"][0])
    with atomic_write(simulation.project) as temporary:
        temporary.write_text(project_toml(world, settings, sold), encoding="utf-8", newline="\n")


def _write_categories(simulation: Simulation, platform: Platform) -> None:
    """Write the platform's categories with some of the titles that it files there."""
    titles: dict[tuple[str, ...], list[str]] = {}
    for row in _rows(simulation.folder, platform.index):
        path, title = tuple(row["cells"]["labels"]), row["cells"]["title"]
        for depth in range(2, len(path) + 1):
            kept = titles.setdefault(path[:depth], [])
            if title and len(kept) < TITLES:
                kept.append(title)
    rows = [
        (node.id, node.id, " > ".join(name.en for name in node.path), " || ".join(titles.get(node.names, [])))
        for node in (*platform.nodes, *platform.thirds)
    ]
    write_tsv(simulation.categories(platform.name), ("id", "path", "name_en", "titles"), rows)
