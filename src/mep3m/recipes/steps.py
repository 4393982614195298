"""The steps of a build: one list, which everything else follows from.

The folder of a step is its place in `STEPS` and its name. To add a stage to `mep3m build`, add one line::

    Step("no-tests", staged(lambda job, store: NoTestProducts())),
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mep3m.engine import Engine, Progress, silent
from mep3m.errors import UsageError
from mep3m.ingest.run import ingest
from mep3m.recipes.align import align_store, shops
from mep3m.representations.eyes import Eyes
from mep3m.settings.project import Project
from mep3m.stages.base import GlobalStage, RowStage, run_stage
from mep3m.stages.dedupe.stage import DedupeStage
from mep3m.stages.ocr.stage import OcrStage, default_cache
from mep3m.stages.quality.stage import QualityStage
from mep3m.store import Store

#: the project of a build, in the folder of the build: where it lies, and with which settings it was built
PROJECT = "project.json"


@dataclass(frozen=True)
class Job:
    """What every step of one build is given.

    `root` is the folder that the project's paths are relative to, `out` that of the build.
    """

    project: Project
    root: Path
    out: Path
    engine: Engine
    progress: Progress = silent


def always(before: Store) -> bool:
    """Say that a step always has something to do."""
    return True


@dataclass(frozen=True)
class Step:
    """One step: its name, what makes its store, and whether it has anything to do.

    `make` gets the job, the store of the step before (`None` for the first) and the step's own folder; it
    goes on where an earlier run stopped. A step that does not apply to the store before it is left out.
    """

    name: str
    make: Callable[[Job, Store | None, Path], Store]
    applies: Callable[[Store], bool] = always


def staged(
    stage: Callable[[Job, Store], RowStage | GlobalStage],
) -> Callable[[Job, Store | None, Path], Store]:
    """Return what makes a step of a stage; `stage` gets the job and the store that the stage will read."""

    def make(job: Job, before: Store | None, folder: Path) -> Store:
        parent = _needed(before)
        return run_stage(stage(job, parent), parent, folder, job.engine, job.progress)

    return make


def take_in(job: Job, before: Store | None, folder: Path) -> Store:
    """Read the sources of the project.

    Raises:
        UsageError: they gave no product.
    """
    store = ingest(job.project.sources, job.root, folder, job.engine, job.progress)
    if not store.rows:
        raise UsageError(f"the sources of '{job.project.name}' gave no product; see 'mep3m status {job.out}'")
    return store


def duplicates(job: Job, store: Store) -> DedupeStage:
    """Return the stage that groups duplicates, with eyes where the project asks for them."""
    settings = job.project.dedupe
    return DedupeStage(settings, None if settings.same_photo is None else Eyes(store, job.progress).see)


def read_images(job: Job, before: Store | None, folder: Path) -> Store:
    """Read the text in the images. The stage brings its own processes, so the engine makes room for them."""
    parent = _needed(before)
    engine, processes = job.engine.for_pools(job.project.ocr_pool.workers)
    pool = job.project.ocr_pool.model_copy(update={"workers": processes})
    return run_stage(
        OcrStage(job.project.ocr, pool, default_cache(parent)), parent, folder, engine, job.progress
    )


def align(job: Job, before: Store | None, folder: Path) -> Store:
    """Propose links between the platforms' categories, keep what people decided, relabel."""
    return align_store(job.project, job.root, _needed(before), folder, job.engine, job.progress)


def has_trees_to_join(before: Store) -> bool:
    """Say whether there is anything to align: one platform that brought its own tree has nothing."""
    return not len(before.taxonomy) or len(shops(before)) > 1


#: the steps in order; the first takes the sources in, the last that applies makes the dataset
STEPS: tuple[Step, ...] = (
    Step("ingest", take_in),
    Step("quality", staged(lambda job, store: QualityStage(job.project.quality))),
    Step("dedupe", staged(duplicates)),
    Step("ocr", read_images),
    Step("align", align, has_trees_to_join),
)


def step_folders(steps: Sequence[Step] = STEPS) -> dict[str, str]:
    """Return the name of each step's folder: its number, counted over all steps, and its name."""
    return {step.name: f"{number}-{step.name}" for number, step in enumerate(steps, start=1)}


def run_steps(job: Job, steps: Sequence[Step] = STEPS) -> dict[str, Store]:
    """Run the steps that apply, and return their stores by name, in order.

    Raises:
        UsageError: two steps have one name, or the sources gave no product.
    """
    folders = step_folders(steps)
    if len(folders) < len(steps):
        raise UsageError(f"two steps have one name: {', '.join(step.name for step in steps)}")
    stores: dict[str, Store] = {}
    before: Store | None = None
    for step in steps:
        if before is None or step.applies(before):
            before = stores[step.name] = step.make(job, before, job.out / folders[step.name])
    return stores


def _needed(before: Store | None) -> Store:
    if before is None:
        raise UsageError("a stage reads the store of the step before it: the first step takes the sources in")
    return before
