"""The end-to-end run: catalogues in, one labelled dataset, a split, a classifier and a report out.

Layout of the output folder::

    project.json             the project, with every setting that it leaves to us
    <number>-<step>          one store a step of `recipes/steps.py`; the last is the dataset
    lines.jsonl              what was read in each image, line by line
    review.sssom.tsv         every proposed link; edit its decisions, build again
    split.json               ids of the training and test products
    model/                   the classifier, its settings and its scores on the test products
    where.tsv                where every category of every platform went, and why
    self-test.json           what a classifier that has not seen a platform says of its categories
    report/report.html       the paper's figures, the alignment, the scores
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mep3m.assignment.run import Run
from mep3m.dataset.dataset import Dataset
from mep3m.dataset.reading import Opened, open_kept
from mep3m.dataset.splits import Split, split_products
from mep3m.engine import Engine, Progress, silent
from mep3m.errors import Mep3mError
from mep3m.evaluation.truth import score_against_truth
from mep3m.recipes.align import REVIEW
from mep3m.recipes.classify import evaluate_run, train_run
from mep3m.recipes.steps import PROJECT, STEPS, Job, Step, run_steps
from mep3m.recipes.where import flag_review, self_test, where_categories_went
from mep3m.report.build_report import Facts, report_build
from mep3m.report.where_report import Where
from mep3m.representations.eyes import Eyes, can_see
from mep3m.settings.linear import LinearSettings
from mep3m.settings.project import Project
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.stages.ocr.folder import write_readings
from mep3m.stages.ocr.stage import default_cache, store_images
from mep3m.store import Store
from mep3m.store.filesystem import exclusive_lock
from mep3m.store.json_files import read_json, write_json
from mep3m.store.stamp import is_current, write_stamp
from mep3m.training.network_presets import RECIPES, resolve
from mep3m.training.registry import default_model, find

#: the stamp of the scores, which are in it
SCORES = "scores.json"
#: what was read in each image, and its stamp
LINES, LINES_STAMP = "lines.jsonl", "lines.made-from.json"


@dataclass(frozen=True)
class Built:
    """What a build made: its stores by step, the classifier's scores (None without labels), the report.

    `truth` are scores against what is known of simulated shops, None for real ones. `where` says what became
    of every category of every platform.
    """

    folder: Path
    stores: Mapping[str, Store]
    scores: Mapping[str, Any] | None
    truth: Mapping[str, Any] | None
    report: Path
    where: Where

    @property
    def dataset(self) -> Store:
        """The store of the last step."""
        return list(self.stores.values())[-1]


def build(
    project: Project,
    root: Path,
    out: Path,
    engine: Engine,
    progress: Progress = silent,
    steps: Sequence[Step] = STEPS,
) -> Built:
    """Run every step of a project into `out`, or go on where an earlier build stopped.

    `root` is the folder that the project's paths are relative to. A step whose input and settings
    have not changed is not run again, and one that does not apply is left out.

    Raises:
        UsageError: the sources gave no product, or the classifier is one that there is not.
        StoreError: another run builds into `out`.
    """
    ready = project.model_copy(update={"train": _trainable(project.train)})
    with exclusive_lock(out):
        return _build(Job(ready, root, out, engine, progress), steps)


def _trainable(wanted: RunSettings) -> RunSettings:
    """Return the settings with the modality's own model where none is named; wrong ones stop before any work.

    Raises:
        UsageError: there is no such model, or it does not take the modality.
        SettingsError: an option of the model is unknown or its value not allowed.
    """
    if "model" not in wanted.model_fields_set:
        wanted = wanted.model_copy(update={"model": default_model(wanted.modality)})
    find(wanted)
    if wanted.model == "linear":
        LinearSettings.parse(wanted.options, "[train] options")
    elif wanted.model in RECIPES:
        resolve(wanted.model, wanted.options)
    return wanted


def _build(job: Job, steps: Sequence[Step]) -> Built:
    """`build` with the lock on the folder held."""
    _keep_project(job)
    stores = run_steps(job, steps)
    dataset = list(stores.values())[-1]
    opened = open_kept(dataset)
    labelled = _any_label(opened.products)
    scores = _classify(job, dataset, opened) if labelled else None
    tested = self_test(dataset, opened.dataset, job.out) if labelled and job.project.merge.self_test else None
    if tested is not None and "align" in stores:
        flag_review(job.out / REVIEW, tested, dataset.taxonomy)
    where = where_categories_went(stores, tested, job.out)
    known = job.root / "truth"
    truth = None
    if (known / "products.parquet").exists():
        truth = score_against_truth(known, job.out / REVIEW if "align" in stores else None, stores)
    lines = _lines(job, stores["ocr"]) if "ocr" in stores else None
    facts = Facts(stores, scores, truth, lines, where)
    see = Eyes(dataset, job.progress).see if job.project.eyes.report and can_see() else None
    report = report_build(facts, job.out / "report", see=see)
    return Built(job.out, stores, scores, truth, report, where)


def _keep_project(job: Job) -> None:
    """Write the project beside what is made of it; one that says the same stays as it is."""
    path, project = job.out / PROJECT, job.project.model_dump(mode="json", by_alias=True)
    try:
        same = read_json(path) == project
    except Mep3mError:
        same = False
    if not same:
        write_json(path, project)


def _lines(job: Job, store: Store) -> Path | None:
    """Write what was read in each image (all of it is in the cache by now), and return the file."""
    project = job.project
    if project.ocr.backend == "none" or next(store_images(store), None) is None:
        return None
    lines, stamp, made_from = job.out / LINES, job.out / LINES_STAMP, [store.fingerprint]
    if not is_current(stamp, made_from, lines):
        write_readings(store_images(store), lines, default_cache(store), (project.ocr, project.ocr_pool))
        write_stamp(stamp, made_from)
    return lines


def _classify(job: Job, store: Store, opened: Opened) -> dict[str, Any] | None:
    """Split, train on one side, score on the other; what was done for the same data is kept.

    Returns None where there are not two classes to tell apart.
    """
    if len({cells for cells in opened.dataset.cells if cells}) < 2:
        return None
    split = make_split(job.project, opened.dataset)
    model, settings = job.out / "model", job.project.train
    made_from = [store.fingerprint, split.id, settings.model_dump(mode="json")]
    if is_current(model / SCORES, made_from, model / "run.json"):
        return dict(read_json(model / SCORES)["scores"])
    split.save(job.out / "split.json")
    train_run(opened, Columns(), None, settings, model, split)
    scores = evaluate_run(Run.open(model), opened, split, card=True).to_json()
    write_stamp(model / SCORES, made_from, split=split.id, scores=scores)
    return dict(read_json(model / SCORES)["scores"])  # as a later build reads them


def _any_label(products: pa.Table) -> bool:
    return bool(pc.any(pc.greater(pc.list_value_length(products["labels"]), 0)).as_py())


def make_split(project: Project, dataset: Dataset) -> Split:
    """Return the split that the project asks for, of products that no stage dropped."""
    wanted = project.split
    labels = [cells[-1] if cells else None for cells in dataset.cells]
    return split_products(
        dataset.products, wanted.kind, wanted.test_share, wanted.seed, labels, wanted.platforms
    )
