"""A folder of composed checkout images with their ground truth, in RPC's form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mep3m.checkout.coco import AnnotatedPictures, ScenePicture, write_annotated
from mep3m.checkout.cuts import CutProducts
from mep3m.checkout.scenes.compose import Drawing, Scene, check_levels, compose
from mep3m.engine.progress import Progress, silent
from mep3m.errors import UsageError
from mep3m.evaluation.checkout.boxes import Boxes
from mep3m.sources.formats.rpc import INSTANCES
from mep3m.store.filesystem import atomic_write, exclusive_lock, sweep
from mep3m.store.json_files import fingerprint, read_json

#: the name of the folder of pictures, as RPC's test images have one
PART = "test"
_QUALITY = 92


def draw_scenes(
    cut: CutProducts,
    out: Path,
    images: int,
    levels: Sequence[str],
    drawing: Drawing | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> AnnotatedPictures:
    """Draw so many images of each level into `out`; the same exemplars and seed give the same bytes.

    Raises:
        UsageError: a level needs more products, or `out` holds other scenes.
        StoreError: another run draws into `out`.
    """
    drawing = drawing or Drawing()
    check_levels(levels, len(cut.products))
    file = out / f"{INSTANCES}{PART}.json"
    info = _info(cut, images, levels, drawing, seed)
    chosen = [(place, number) for place in range(len(levels)) for number in range(images)]
    pictures: list[ScenePicture] = []
    scenes: list[Scene] = []
    with exclusive_lock(out), progress("draw", images * len(levels), "images") as advance:
        known = read_json(file) if file.exists() else {"info": info}
        if not isinstance(known, dict) or known.get("info") != info:
            raise UsageError(f"{out} holds scenes that were drawn otherwise; choose another folder")
        sweep(out)
        (out / PART).mkdir(exist_ok=True)
        for place, number in chosen:
            level = levels[place]
            scene = compose(cut.cuts, level, drawing, np.random.default_rng([seed, place, number]))
            name = f"{level}-{number + 1:04}.jpg"
            with atomic_write(out / PART / name, durable=False) as temporary:
                Image.fromarray(scene.pixels).save(temporary, "JPEG", quality=_QUALITY)
            pictures.append(ScenePicture(out / PART / name, name, level))
            scenes.append(scene._replace(pixels=scene.pixels[:0], owner=scene.owner[:0]))
            advance(1)
        drawn = AnnotatedPictures(tuple(pictures), cut.products, _boxes(scenes))
        write_annotated(file, drawn, info)
    return drawn


def _info(
    cut: CutProducts, images: int, levels: Sequence[str], drawing: Drawing, seed: int
) -> dict[str, Any]:
    """Return what decides the scenes."""
    shown = [
        [(one.mask.shape, int(one.pixels.sum()), int(one.mask.sum())) for one in own] for own in cut.cuts
    ]
    chosen = {"seed": seed, "images": images, "levels": list(levels), **asdict(drawing)}
    return {"made_by": "mep3m checkout draw", "exemplars": fingerprint([cut.products, shown]), **chosen}


def _boxes(scenes: Sequence[Scene]) -> Boxes:
    counts = [len(scene.product) for scene in scenes]
    return Boxes(
        np.repeat(np.arange(len(scenes)), counts),
        np.concatenate([scene.product for scene in scenes]),
        np.concatenate([scene.place for scene in scenes]),
        np.ones(sum(counts)),
    )
