"""A newer export of the same shops: what changed is processed, what is gone is marked, nothing is lost.

The new state is built beside the old one in `update/`, then takes its place by renames; the old
state stays in `history/`. A killed update goes on with the next run.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mep3m.engine import Engine, Progress, run
from mep3m.errors import InputError
from mep3m.ingest.extras import write_extras
from mep3m.ingest.origin import Catalogues, write_origin
from mep3m.ingest.remarks import remarks
from mep3m.ingest.request import ORIGIN
from mep3m.ingest.shards import IN_ORDER, PartReader, find_taxonomy, refuse_repeats
from mep3m.product import PRODUCT_SCHEMA
from mep3m.sources.base import Batch, Part
from mep3m.sources.images.intake import COLUMNS, Intake, is_url
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.filesystem import inside, sweep
from mep3m.store.json_files import read_json
from mep3m.store.layout import HISTORY, STATE, Layout
from mep3m.store.rejects import INGEST

WITHDRAWN = "withdrawn: not in the newer export"
#: what a message says of a platform all of whose rows have no id of their own
UNNAMED = (
    "Its rows have no id and are known by their file's name and line: keep the name from export to export, "
    "or name an id column. "
)


def update(
    catalogues: Catalogues,
    plan: Plan,
    parts: Sequence[tuple[int, Part]],
    inputs: list[dict[str, Any]],
    folder: Path,
    engine: Engine,
    progress: Progress,
) -> Store:
    """Bring a finished store to the state of newer input; the manifest counts what changed.

    Raises:
        InputError: a source lacks more of its products than its `max_withdrawn`; the store stays as it is.
    """
    previous = Store.open(folder)
    plan = replace(plan, parts=(*plan.parts, "withdrawn"), parent=previous.fingerprint)
    draft = Layout(folder).update
    if Layout(draft).begun:
        writer = StoreWriter.begin(draft, plan, replace=True)
    else:
        shutil.rmtree(draft, ignore_errors=True)
        writer = StoreWriter.begin(draft, plan)
    reader = UpdateReader(catalogues, tuple(parts), writer, folder)
    own = [index for index in writer.missing() if index < len(parts)]
    run(engine, reader, own, INGEST, progress)
    if len(parts) in writer.missing():
        _refuse_repeats_of(writer, len(parts))
        writer.write(len(parts), _withdrawn(previous, writer, len(parts)))
    _hold(previous, writer, len(parts), catalogues)
    counts = _count_changes(previous, writer, len(parts))
    sweep(folder)
    write_extras(catalogues, folder)  # only now: what is held keeps the extras it has
    write_origin(draft, catalogues, inputs)
    writer.finish(find_taxonomy(catalogues, writer), update=counts, **remarks(catalogues, writer))
    finish_update(folder)
    return Store.open(folder)


@dataclass(frozen=True)
class UpdateReader(PartReader):
    """Reads a part of the newer export; images that cannot have changed keep their facts."""

    previous: Path

    def take(self, intake: Intake, batch: Batch) -> Batch:
        """Return a batch with its images taken in, in the order of its rows."""
        known, fresh = self._split(batch, intake)
        taken = intake.take(fresh)
        return Batch(pa.concat_tables([known, taken.products]).sort_by(IN_ORDER), taken.rejects)

    def _split(self, batch: Batch, intake: Intake) -> tuple[pa.Table, Batch]:
        """Return the rows whose image is known from the previous state, and the others."""
        if intake.idle or batch.contents is not None:
            return PRODUCT_SCHEMA.empty_table(), batch
        before = known_images(self.previous)
        at = pc.index_in(batch.products["id"], before["id"].combine_chunks())
        same = pc.fill_null(pc.equal(before["image_ref"].take(at), batch.products["image_ref"]), False)
        made = Layout(self.previous).manifest.stat().st_mtime_ns
        kept = [
            ok and _still(intake, reference, made)
            for ok, reference in zip(same.to_pylist(), batch.products["image_ref"].to_pylist(), strict=True)
        ]
        mask = pa.array(kept, pa.bool_())
        known, facts = batch.products.filter(mask), before.take(at.filter(mask))
        for name in COLUMNS:
            known = known.set_column(
                PRODUCT_SCHEMA.get_field_index(name), PRODUCT_SCHEMA.field(name), facts[name]
            )
        return known, Batch(batch.products.filter(pc.invert(mask)), batch.rejects)


@lru_cache(maxsize=1)
def known_images(folder: Path) -> pa.Table:
    """Return id, reference and image facts of every product that has its image."""
    tables = list(Store.open(folder).tables(["id", "image_ref", *COLUMNS]))
    table = pa.concat_tables(tables) if tables else PRODUCT_SCHEMA.empty_table()
    return table.filter(table["image"].is_valid())


def _still(intake: Intake, reference: str, made: int) -> bool:
    """Whether the image behind a reference is older than the previous state (URLs: taken for the same)."""
    if is_url(reference):
        return True
    root = intake.root
    try:
        path = root if root is None or root.is_file() else inside(root, reference)
        return path is not None and path.exists() and path.stat().st_mtime_ns < made
    except Exception:  # an image that cannot be looked at is looked at again by the intake
        return False


def _refuse_repeats_of(writer: StoreWriter, parts: int) -> None:
    own = replace(writer.plan, parts=writer.plan.parts[:parts])
    refuse_repeats(StoreWriter(writer.folder, own))


def _withdrawn(previous: Store, writer: StoreWriter, parts: int) -> pa.Table:
    """Return the rows of the previous state that the newer export lacks, marked."""
    old = [str(path) for path in previous.shards]
    new = [str(writer.shard(index)) for index in range(parts)]
    if not old:
        return PRODUCT_SCHEMA.empty_table()
    present = "SELECT id FROM read_parquet($new)" if new else "SELECT '' AS id WHERE false"
    query = f"SELECT * FROM read_parquet($old) WHERE id NOT IN ({present})"
    missing = _connect().sql(query, params={"old": old, **({"new": new} if new else {})})
    # a join comes in any order; two exports can share a line, so the id decides
    rows = missing.to_arrow_table().cast(PRODUCT_SCHEMA).sort_by([*IN_ORDER, ("id", "ascending")])
    reason = pc.coalesce(rows["dropped"], pa.scalar(WITHDRAWN))
    index = PRODUCT_SCHEMA.get_field_index("dropped")
    return rows.set_column(index, PRODUCT_SCHEMA.field("dropped"), reason)


def _hold(previous: Store, writer: StoreWriter, parts: int, catalogues: Catalogues) -> None:
    """Refuse an export that lacks too much: it is more likely an error page than a shop that closes.

    Raises:
        InputError: it lacks more of a source's products than `max_withdrawn` allows.
    """
    old = [str(path) for path in previous.shards]
    if not old:
        return
    query = """
        SELECT source, count(*), count(*) FILTER (id IN (SELECT id FROM read_parquet($gone))),
               bool_and(source_id = file || ':' || line)
        FROM read_parquet($old) WHERE dropped IS NULL GROUP BY source ORDER BY source
    """
    limits = {entry.name: entry.max_withdrawn for entry in catalogues.entries}
    rows = _connect().execute(query, {"old": old, "gone": [str(writer.shard(parts))]}).fetchall()
    for source, before, gone, unnamed in rows:
        allowed = limits.get(source, min(limits.values()))
        if gone > allowed * before:
            raise InputError(
                f"'{source}': the newer export lacks {gone:,} of {before:,} products ({gone / before:.0%}), "
                f"at most {allowed:.0%} may go at once; nothing was changed. {UNNAMED if unnamed else ''}"
                "Look at the file; if it is right, run the same command with --max-withdrawn 1 (in a project "
                "file: max_withdrawn = 1.0)"
            )


def _count_changes(previous: Store, writer: StoreWriter, parts: int) -> dict[str, int]:
    """Return how many products were added, changed, unchanged and withdrawn since the previous state."""
    old = [str(path) for path in previous.shards]
    new = [str(writer.shard(index)) for index in range(parts)]
    gone = writer.shard(parts)
    if not old or not new:
        return {}
    query = """
        WITH o AS (SELECT id, hash(title, ocr, source_path, image_ref, image) AS h
                   FROM read_parquet($old) WHERE dropped IS NULL),
             n AS (SELECT id, hash(title, ocr, source_path, image_ref, image) AS h
                   FROM read_parquet($new))
        SELECT count(*) FILTER (o.id IS NULL), count(*) FILTER (o.h <> n.h), count(*) FILTER (o.h = n.h),
               (SELECT count(*) FROM o WHERE id IN (SELECT id FROM read_parquet($gone)))
        FROM n LEFT JOIN o ON o.id = n.id
    """
    row = _connect().execute(query, {"old": old, "new": new, "gone": [str(gone)]}).fetchone()
    names = ("added", "changed", "unchanged", "withdrawn")
    return dict(zip(names, row or (0, 0, 0, 0), strict=True))


def _connect() -> Any:
    import duckdb

    return duckdb.connect(config={"memory_limit": "1GB", "preserve_insertion_order": True})


def finish_update(folder: Path) -> None:
    """Put a finished update in the place of the old state; does nothing where there is none.

    Every step can be repeated: the update's manifest moves last, so until then the move goes on.
    """
    draft = Layout(folder).update
    if not Layout(draft).finished:
        return
    away = draft / "old-state-is-away"
    if not away.exists():
        history = folder / HISTORY / str(read_json(Layout(draft).manifest)["parent"])
        history.mkdir(parents=True, exist_ok=True)
        for name in STATE:
            if (folder / name).exists():
                _clear(history / name)
                (folder / name).rename(history / name)
        away.touch()
    for name in (ORIGIN, *STATE):
        if (draft / name).exists():
            (draft / name).replace(folder / name)
    shutil.rmtree(draft)


def _clear(path: Path) -> None:
    """Make room in the history, where an older state with the same fingerprint may stand."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
