"""The checkout lane as a whole: from exemplars to a counter, and the trial on drawn products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mep3m.checkout.answers import CountedScenes, count_pictures
from mep3m.checkout.coco import NO_LEVEL, ScenePicture, read_annotated
from mep3m.checkout.counter import LEAST, Finder, ProductCounter
from mep3m.checkout.cuts import CutProducts, cut_products
from mep3m.checkout.exemplars import Exemplar, TableChoices, open_exemplars
from mep3m.checkout.regions import find_regions
from mep3m.checkout.scenes.compose import LEVELS
from mep3m.checkout.scenes.draw import draw_scenes
from mep3m.checkout.scenes.drawn import draw_exemplars
from mep3m.checkout.score import Scored, known_truth, score_scenes
from mep3m.dataset.reading import pictures_of
from mep3m.engine.progress import Progress, silent
from mep3m.errors import InputError, NotFoundError, UsageError
from mep3m.representations.records import Encoder
from mep3m.representations.weights import open_encoders
from mep3m.store.filesystem import as_text, exclusive_lock, sweep

#: what a folder of results keeps of what the encoder has computed
CACHE = "cache"


@dataclass(frozen=True)
class Lane:
    """What a lane is made of.

    `exemplars` see `exemplars.open_exemplars`; `weights` are an encoder's (`representations.weights`), and
    `detector` is what finds regions (`detector.open_finder`), without one their difference to the tray.
    A region less like every product than `least` is none.
    """

    exemplars: Path
    photos: int = 12
    choices: TableChoices = field(default_factory=TableChoices)
    weights: tuple[str, ...] = ()
    detector: Path | None = None
    least: float = LEAST

    def opened(self) -> tuple[tuple[Exemplar, ...], list[str]]:
        """Return the exemplars and what was left out, before any picture is opened."""
        if self.photos < 1:
            raise UsageError(f"{self.photos} pictures a product; at least 1")
        return open_exemplars(self.exemplars, self.photos, self.choices)

    def looks(self, cache: Path) -> tuple[Encoder, Finder]:
        """Return the encoder, which keeps in `cache` what it computes, and what finds regions."""
        finder: Finder = find_regions
        if self.detector is not None:
            from mep3m.checkout.detector import open_finder

            finder = open_finder(self.detector)
        return open_encoders("image", self.weights, cache=cache)[0], finder


def score_lane(
    lane: Lane, scenes: Path, out: Path, looked_at: int = 4, progress: Progress = silent
) -> tuple[Scored, CutProducts]:
    """Count on annotated scenes and score it; the scenes are read and matched before any picture is opened.

    Raises:
        NotFoundError: `scenes` has no ground truth.
        InputError: scenes show products that have no exemplar.
        StoreError: another run writes into `out`.
    """
    opened = lane.opened()
    read = read_annotated(scenes)
    truth = known_truth(read, [one.product for one in opened[0]], scenes)
    with _counter(lane, opened, out, progress) as (counter, cut):
        return score_scenes(counter, cut.products, read, truth, out, looked_at, progress), cut


def count_lane(
    lane: Lane, pictures: Path, out: Path, looked_at: int = 4, progress: Progress = silent
) -> tuple[CountedScenes, CutProducts]:
    """Count on pictures without ground truth: one, or all below a folder.

    Raises:
        NotFoundError: there are none.
        InputError: none can be read.
        StoreError: another run writes into `out`.
    """
    opened = lane.opened()
    files = pictures_of(pictures)
    if not files:
        raise NotFoundError(f"{pictures} holds no picture; give a picture of a tray, or a folder of such")
    root = pictures if pictures.is_dir() else pictures.parent
    named = [ScenePicture(file, as_text(file.relative_to(root).as_posix()), NO_LEVEL) for file in files]
    with _counter(lane, opened, out, progress) as (counter, cut):
        answers = count_pictures(counter, cut.products, named, out, looked_at, None, progress)
    if not len(answers.read):
        raise InputError(f"no picture can be read ({answers.refused[0]})")
    return answers, cut


@contextmanager
def _counter(
    lane: Lane, opened: tuple[tuple[Exemplar, ...], list[str]], out: Path, progress: Progress
) -> Iterator[tuple[ProductCounter, CutProducts]]:
    """Give what counts by opened exemplars, with their cut-outs, while no other run writes into `out`."""
    exemplars, left_out = opened
    with exclusive_lock(out):
        sweep(out)
        encoder, finder = lane.looks(out / CACHE)
        cut = cut_products(exemplars, progress)
        cut = replace(cut, refused=(*left_out, *cut.refused))
        yield ProductCounter(cut, encoder, lane.least, finder, progress), cut


@dataclass(frozen=True)
class Trial:
    """The sizes of a trial on drawn products."""

    products: int = 24
    images: int = 8
    scenes: int = 80
    epochs: int = 6
    seed: int = 0


def try_lane(
    out: Path, trial: Trial, weights: tuple[str, ...] = (), progress: Progress = silent
) -> dict[str, Any]:
    """Draw products and scenes, train outlines, and score the lane without and with them.

    Outlines are learned from half of the products (from all, where half are too few for a scene), and the
    scenes show all: what products look like, the lane has from their exemplars alone.
    """
    from mep3m.checkout.outlines import train_outlines

    folder = draw_exemplars(out / "exemplars", trial.products, trial.seed)
    exemplars, _ = open_exemplars(folder)
    cut = cut_products(exemplars, progress)
    levels = [name for name, one in LEVELS.items() if one.products[0] <= trial.products]
    draw_scenes(cut, out / "scenes", trial.images, levels, seed=trial.seed + 1, progress=progress)
    half = cut.cuts[::2]
    learned = half if len(half) >= LEVELS["easy"].products[0] else cut.cuts
    outlines = train_outlines(learned, trial.scenes, trial.epochs, trial.seed, progress=progress)
    outlines.save(out / "detector")
    scored: dict[str, Any] = {}
    for name, detector in (("tray", None), ("outlines", out / "detector")):
        lane = Lane(folder, weights=weights, detector=detector)
        scored[name] = score_lane(lane, out / "scenes", out / f"by-{name}", progress=progress)[0].levels
    return {"out": str(out), "products": trial.products, "outlines": outlines.facts, "scores": scored}
