"""The alignment step of a build: propose, keep what people decided, apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from mep3m.alignment.from_store import sides_from_products
from mep3m.alignment.merging.first_level import FirstLevelMap, from_entries
from mep3m.alignment.merging.merge import MergeInputs
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Proposal, Side
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.migrate import migrate_decisions
from mep3m.alignment.review.sssom import write_sssom
from mep3m.engine import Engine, Progress, silent
from mep3m.settings.project import Project
from mep3m.stages.apply_review import ApplyReview
from mep3m.stages.base import run_stage
from mep3m.store import Store
from mep3m.store.files import fingerprint, read_json, write_json

REVIEW = "review.sssom.tsv"


def align_store(
    project: Project, root: Path, store: Store, out: Path, engine: Engine, progress: Progress = silent
) -> Store:
    """Align the shops of `store` into `out/5-align`.

    The proposals go into `out/review.sssom.tsv`; decisions that are there already are
    migrated. An edited review makes the step run again.
    """
    first_level = from_entries(project.first_level, root / "mep3m.toml") if project.first_level else None
    out.mkdir(parents=True, exist_ok=True)
    review_file = out / REVIEW
    made_from = fingerprint([store.fingerprint, project.align.model_dump(mode="json"), _classes(first_level)])
    note = out / "review.made-from.json"
    if not (review_file.exists() and note.exists() and read_json(note) == made_from):
        _write_review(project, store, first_level, review_file)
        write_json(note, made_from)
    decisions = tuple(read_review(review_file)[1])
    stage = ApplyReview(MergeInputs(decisions, first_level, None, project.merge))
    return run_stage(stage, store, out / "5-align", engine, progress)


def shops(store: Store) -> set[str]:
    """Return the names of the platforms in a store."""
    return {shop for table in store.tables(["source"]) for shop in table["source"].unique().to_pylist()}


def proposals_of(project: Project, store: Store, first_level: FirstLevelMap | None) -> Sequence[Proposal]:
    """Return the proposals between every two shops of a store; one shop alone has none."""
    if len(shops(store)) < 2:
        return []
    columns = ["source", "source_path", "title", "ocr", "dropped", "image", "image_ref"]
    kept = (table.filter(pa.compute.is_null(table["dropped"])) for table in store.tables(columns))
    sides = sides_from_products(kept, store.images)
    if first_level is None:
        return propose(sides, project.align)
    return propose([_classified(side, first_level) for side in sides], project.align, first_level.by_name())


def _classified(side: Side, first_level: FirstLevelMap) -> Side:
    """Return a shop's categories with their common classes; the map may go below a first level."""
    entries = (replace(entry, first_level=first_level.class_of((side.name, entry.path))) for entry in side)
    return replace(side, entries=tuple(entries))


def _write_review(project: Project, store: Store, first_level: FirstLevelMap | None, path: Path) -> None:
    """Write the proposals; a review that is there already keeps its decisions."""
    draft = path.with_name("proposals.sssom.tsv")
    write_sssom(draft, proposals_of(project, store, first_level), project.name, {"store": store.folder})
    sheet = read_review(draft)[0]
    if path.exists():
        sheet = migrate_decisions(read_review(path)[0], sheet).sheet
    sheet.write(path)
    draft.unlink()


def _classes(first_level: FirstLevelMap | None) -> object:
    return sorted(map(str, first_level.entries.items())) if first_level else None
