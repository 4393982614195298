"""The end-to-end run: catalogues in, one labelled dataset, a split, a classifier and a report out.

Layout of the output folder::

    1-ingest … 5-align       one store a step (1-ingest holds the images); 5-align is the dataset
    lines.jsonl              what was read in each image, line by line
    review.sssom.tsv         every proposed link; edit its decisions, build again
    split.json               ids of the training and test products
    model/                   the classifier, its settings and its scores on the test products
    report/report.html       the paper's figures, the alignment, the scores
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from mep3m.assignment.run import Run
from mep3m.dataset.reading import Opened
from mep3m.dataset.splits import Split, split_products
from mep3m.engine import Engine, Progress, make_engine, silent
from mep3m.errors import UsageError
from mep3m.evaluation.truth import score_against_truth
from mep3m.ingest.run import ingest
from mep3m.recipes.align import REVIEW, align_store, shops
from mep3m.recipes.classify import evaluate_run, train_run
from mep3m.report.build_report import Facts, report_build
from mep3m.settings.linear import LinearSettings
from mep3m.settings.project import Project
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.stages.base import run_stage
from mep3m.stages.dedupe.stage import DedupeStage
from mep3m.stages.ocr.folder import write_readings
from mep3m.stages.ocr.stage import OcrStage, default_cache, store_images
from mep3m.stages.quality.stage import QualityStage
from mep3m.store import Store
from mep3m.store.files import exclusive_lock, fingerprint, read_json, write_json
from mep3m.training.network_presets import RECIPES, resolve
from mep3m.training.registry import default_model, find

STEPS = ("ingest", "quality", "dedupe", "ocr", "align")


@dataclass(frozen=True)
class Built:
    """What a build made: its stores by step, the classifier's scores (None without labels), the report.

    `truth` are scores against what is known of simulated shops, None for real ones.
    """

    folder: Path
    stores: Mapping[str, Store]
    scores: Mapping[str, Any] | None
    truth: Mapping[str, Any] | None
    report: Path

    @property
    def dataset(self) -> Store:
        """The store of the last step."""
        return list(self.stores.values())[-1]


def build(project: Project, root: Path, out: Path, engine: Engine, progress: Progress = silent) -> Built:
    """Run every step of a project into `out`, or go on where an earlier build stopped.

    `root` is the folder that the project's paths are relative to. A step whose input and settings
    have not changed is not run again.

    Raises:
        UsageError: the sources gave no product, or the classifier is one that there is not.
        StoreError: another run builds into `out`.
    """
    ready = project.model_copy(update={"train": _trainable(project.train)})
    with exclusive_lock(out):
        return _build(ready, root, out, engine, progress)


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


def _build(project: Project, root: Path, out: Path, engine: Engine, progress: Progress) -> Built:
    """`build` with the lock on the folder held."""
    stores = {"ingest": ingest(project.sources, root, out / "1-ingest", engine, progress, replace=False)}
    if not stores["ingest"].rows:
        raise UsageError(f"the sources of '{project.name}' gave no product; see 'mep3m status {out}'")
    makers: dict[str, Callable[[Store], Store]] = {
        "quality": lambda store: run_stage(
            QualityStage(project.quality), store, out / "2-quality", engine, progress
        ),
        "dedupe": lambda store: run_stage(
            DedupeStage(project.dedupe), store, out / "3-dedupe", engine, progress
        ),
        "ocr": lambda store: _ocr(project, store, out, engine, progress),
        "align": lambda store: align_store(project, root, store, out, engine, progress),
    }
    store = stores["ingest"]
    # one shop that brought its own tree has nothing to be aligned with
    steps = STEPS[:-1] if len(store.taxonomy) and len(shops(store)) == 1 else STEPS
    for step in steps[1:]:
        store = stores[step] = makers[step](store)
    scores = _classify(project, store, out)
    known = root / "truth"
    truth = (
        score_against_truth(known, out / REVIEW, stores) if (known / "products.parquet").exists() else None
    )
    facts = Facts(stores, scores, truth, _lines(project, stores["ocr"], out))
    return Built(out, stores, scores, truth, report_build(facts, out / "report"))


def _ocr(project: Project, store: Store, out: Path, engine: Engine, progress: Progress) -> Store:
    """Read the images, one shard at a time: the stage brings its own processes."""
    stage = OcrStage(project.ocr, project.ocr_pool, default_cache(store))
    return run_stage(stage, store, out / "4-ocr", make_engine("local", 1), progress)


def _lines(project: Project, store: Store, out: Path) -> Path | None:
    """Write what was read in each image (all of it is in the cache by now), and return the file."""
    lines = out / "lines.jsonl"
    if project.ocr.backend == "none" or next(store_images(store), None) is None:
        return None
    made = (store.folder / "manifest.json").stat().st_mtime_ns
    if not lines.exists() or lines.stat().st_mtime_ns < made:
        write_readings(store_images(store), lines, default_cache(store), (project.ocr, project.ocr_pool))
    return lines


def _classify(project: Project, store: Store, out: Path) -> dict[str, Any] | None:
    """Split, train on one side, score on the other; what was done for the same data is kept.

    Returns None where there are not two classes to tell apart.
    """
    tables = list(store.tables())
    products = pa.concat_tables(tables) if tables else None
    if products is None:
        return None
    products = products.filter(products["dropped"].is_null())
    paths = {tuple(one["category"] for one in labels or ()) for labels in products["labels"].to_pylist()}
    if len(paths - {()}) < 2:
        return None
    split = make_split(project, products)
    key = fingerprint([store.fingerprint, split.id, project.train.model_dump(mode="json")])
    done = out / "model" / "scores.json"
    if done.exists() and (found := read_json(done))["key"] == key:
        return dict(found["scores"])
    split.save(out / "split.json")
    train_rows, test_rows = split.rows(products["id"].to_pylist())
    tree = store.taxonomy if len(store.taxonomy) else None
    sides = [Opened(products.take(rows), store.images, [], tree) for rows in (train_rows, test_rows)]
    train_run(sides[0], Columns(), None, project.train, out / "model")
    scores = evaluate_run(Run.open(out / "model"), sides[1], card=True)
    write_json(done, {"key": key, "split": split.id, "scores": scores})
    return dict(scores)


def make_split(project: Project, products: pa.Table) -> Split:
    """Return the split that the project asks for, of products that no stage dropped."""
    wanted = project.split
    labels = [row[-1]["category"] if row else None for row in products["labels"].to_pylist()]
    return split_products(products, wanted.kind, wanted.test_share, wanted.seed, labels, wanted.shops)
