"""The alignment step of a build: propose, keep what people decided, apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from mep3m.alignment.from_store import sides_from_products
from mep3m.alignment.keeping.database_log import open_review
from mep3m.alignment.merging.first_level import FirstLevelMap, from_entries
from mep3m.alignment.merging.merge import MergeInputs
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Proposal, Side
from mep3m.alignment.review.contract import Signature
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.migrate import migrate_decisions
from mep3m.alignment.review.write import write_review
from mep3m.engine import Engine, Progress, silent
from mep3m.settings.project import Project
from mep3m.stages.apply_review import ApplyReview, store_counts
from mep3m.stages.base import run_stage
from mep3m.store import Store
from mep3m.store.append_log import now
from mep3m.store.stamp import is_current, write_stamp

REVIEW = "review.sssom.tsv"
STAMP = "review.made-from.json"


def align_store(
    project: Project, root: Path, store: Store, folder: Path, engine: Engine, progress: Progress = silent
) -> Store:
    """Align the platforms of `store` into the store at `folder`.

    The proposals go into `review.sssom.tsv` beside that; decisions that are there already are
    migrated. An edited review makes the step run again.
    """
    out = folder.parent
    first_level = from_entries(project.first_level, root / "mep3m.toml") if project.first_level else None
    if first_level is not None:
        first_level.require_known(store_counts(store).rows)
    out.mkdir(parents=True, exist_ok=True)
    review_file = out / REVIEW
    made_from = [store.fingerprint, project.align.model_dump(mode="json"), _classes(first_level)]
    if not is_current(out / STAMP, made_from, review_file):
        _write_review(project, store, first_level, review_file)
        write_stamp(out / STAMP, made_from)
    with open_review(review_file) as log:
        decisions = log.read(now()).decisions
    stage = ApplyReview(MergeInputs(tuple(decisions), first_level, None, project.merge))
    return run_stage(stage, store, folder, engine, progress)


def shops(store: Store) -> set[str]:
    """Return the names of the platforms in a store."""
    return {shop for table in store.tables(["source"]) for shop in table["source"].unique().to_pylist()}


def proposals_of(
    project: Project, store: Store, first_level: FirstLevelMap | None
) -> tuple[Sequence[Side], Sequence[Proposal]]:
    """Return the shops of a store and the proposals between every two; one shop alone has none."""
    if len(shops(store)) < 2:
        return [], []
    columns = ["source", "source_path", "title", "ocr", "dropped", "image", "image_ref"]
    kept = (table.filter(pa.compute.is_null(table["dropped"])) for table in store.tables(columns))
    sides = sides_from_products(kept, store.images)
    if first_level is None:
        return sides, propose(sides, project.align)
    sides = [_classified(side, first_level) for side in sides]
    return sides, propose(sides, project.align, first_level.by_name())


def _classified(side: Side, first_level: FirstLevelMap) -> Side:
    """Return a shop's categories with their common classes; the map may go below a first level."""
    entries = (replace(entry, first_level=first_level.class_of((side.name, entry.path))) for entry in side)
    return replace(side, entries=tuple(entries))


def _write_review(project: Project, store: Store, first_level: FirstLevelMap | None, path: Path) -> None:
    """Write the proposals; a review that is there already keeps its decisions."""
    draft = path.with_name("proposals.sssom.tsv")
    sides, proposals = proposals_of(project, store, first_level)
    write_review(draft, sides, proposals, project.name, {"store": store.folder})
    sheet = read_review(draft)[0]
    with open_review(path) as log:
        if path.exists():
            sheet = migrate_decisions(log.read(now()).sheet, sheet).sheet
        log.replace(sheet, Signature("", now(), "proposed anew by a build"))
    draft.unlink()


def _classes(first_level: FirstLevelMap | None) -> object:
    return sorted(map(str, first_level.entries.items())) if first_level else None
