"""What people agreed on, as rows that training reads: the columns of the run, coarse to fine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from mep3m.desk.reviewing.categories import Choice
from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.errors import UsageError
from mep3m.exports.rows import ENDINGS, WriteRows, ending, row_file
from mep3m.settings.sources import Columns, TableSettings
from mep3m.sources.tables import TableSource
from mep3m.store.filesystem import atomic_write
from mep3m.store.json_files import read_json

#: what a name may end in; .json is read by Label Studio
KINDS = (".tsv", ".jsonl", ".json", *ENDINGS)
#: columns beside those of training
SIGNED = ("reviewer", "when")
_AGREED = (
    "SELECT own_id, platform, title, ocr, picture, category, said_by, time, answer FROM items "
    "WHERE queue = ? AND state = 'decided' AND verdict = 'category' ORDER BY id"
)


@dataclass(frozen=True)
class TrainingColumns:
    """How the run of a desk calls what it reads; a run on a store has the usual names."""

    columns: Columns
    depth: int

    @classmethod
    def of(cls, reviewing: Reviewing) -> TrainingColumns:
        """Return the columns of the run, of which only the names are read."""
        run = reviewing.folder.run
        saved = {} if run is None else read_json(run / "run.json")["columns"]
        columns = Columns.parse(saved, "columns")
        depth = max((len(one.path) for one in reviewing.categories.choices), default=1)
        if not columns.labels and columns.path is None:
            labels = tuple(f"level_{level}" for level in range(1, depth + 1))
            columns = columns.model_copy(update={"labels": labels})
        return cls(columns, depth)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        one = self.columns
        first = [one.id or "id", *[one.platform or "platform"], one.title or "title", one.image or "image"]
        return list(dict.fromkeys([*first, *self.label_names, *([one.ocr] if one.ocr else [])]))

    @property
    def label_names(self) -> list[str]:
        """The columns of the label, coarse to fine, or the one of its whole path."""
        return [self.columns.path] if self.columns.path is not None else list(self.columns.labels)

    def cells(self, row: Mapping[str, Any], path: Sequence[str]) -> dict[str, str | None]:
        """Return the cells of a product with this label."""
        one = self.columns
        cells = {one.id or "id": row["own_id"], one.platform or "platform": row["platform"] or None}
        cells |= {one.title or "title": row["title"], one.image or "image": row["picture"]}
        cells |= {one.ocr: row["ocr"]} if one.ocr else {}
        if one.path is not None:
            return cells | {one.path: f" {one.separator} ".join(path)}
        return cells | dict(zip(one.labels, [*path, *[None] * self.depth], strict=False))


def export(reviewing: Reviewing, to: Path, beside: Path | None = None, queue: str = "review") -> int:
    """Write what was agreed on, and return how many rows that is; `beside` is a table to go on from.

    Rows of the audit are no training rows: a model that has seen them proves nothing with them. They are
    written alone, with `queue` = "audit".

    Raises:
        UsageError: nothing is agreed yet, the name says no kind, or the table has not the columns of the run.
    """
    kind = ending(to, KINDS)
    agreed = reviewing.database.read.execute(_AGREED, (queue,)).fetchall()
    if not agreed:
        raise UsageError(f"nothing is agreed on yet in the {queue} of {reviewing.folder.path}")
    categories, columns = reviewing.categories.by_id, TrainingColumns.of(reviewing)
    if kind == ".json":
        _label_studio(to, [(row, categories[row["category"]]) for row in agreed])
        return len(agreed)
    header, before = _before(beside, columns)
    names = list(dict.fromkeys([*header, *SIGNED])) if beside else [*columns.names, *SIGNED]
    with table_file(to, names) as write:
        for cells in before:
            write([[*cells, *[None] * (len(names) - len(cells))]])
        for row in agreed:
            told = columns.cells(row, categories[row["category"]].names)
            told |= {"reviewer": row["said_by"], "when": row["time"]}
            write([[told.get(name) for name in names]])
    return len(agreed)


@contextmanager
def table_file(to: Path, names: Sequence[str]) -> Iterator[WriteRows]:
    """Yield what writes rows of texts into a .tsv, .jsonl, .csv, .xlsx or .parquet file; it appears whole."""
    writer = {".tsv": _tsv, ".jsonl": _lines}.get(ending(to, KINDS))
    if writer is None:
        with row_file(to, pa.schema([(name, pa.string()) for name in names])) as write:
            yield write
        return
    with atomic_write(to) as temporary, temporary.open("wb") as file:
        if writer is _tsv:
            _tsv(file.write, names, [names])
        yield partial(writer, file.write, names)


def _tsv(write: Callable[[bytes], Any], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write rows as training reads them: without quotes, so that no cell holds a tab or a line end."""
    for row in rows:
        cells = [" ".join(str(cell).split()) if cell is not None else "" for cell in row]
        write(("\t".join(cells) + "\n").encode(errors="replace"))


def _lines(write: Callable[[bytes], Any], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    for row in rows:
        write(orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE))


def _before(beside: Path | None, columns: TrainingColumns) -> tuple[list[str], Iterator[list[str]]]:
    """Return the header and the rows of the table that the new rows are added to."""
    if beside is None:
        return [], iter(())
    source = TableSource(beside, TableSettings())
    if source.format not in ("csv", "tsv"):
        raise UsageError(
            f"{beside}: rows are added to a .csv or .tsv; write the new rows alone, without --with"
        )
    wanted = [name for name in columns.columns.names() if name not in (columns.columns.id,)]
    if missing := [name for name in wanted if name not in source.header]:
        raise UsageError(
            f"{beside} has no column '{missing[0]}', which the run reads; name its table of training"
        )
    return source.header, (list(row.cells) for row in source.rows())


def _label_studio(to: Path, agreed: list[tuple[Any, Choice]]) -> None:
    """Write tasks with the agreed annotation and the model's prediction, as Label Studio imports them."""
    with atomic_write(to) as temporary, temporary.open("wb") as file:
        for number, (row, choice) in enumerate(agreed):
            file.write(b"[\n" if number == 0 else b",\n")
            file.write(orjson.dumps(_task(row, choice)))
        file.write(b"\n]\n")


def _task(row: Any, choice: Choice) -> dict[str, Any]:
    top = json.loads(row["answer"] or "{}").get("top") or []
    data = {"id": row["own_id"], "platform": row["platform"], "title": row["title"], "image": row["picture"]}
    annotation = {"result": [_taxonomy(choice.names)], "completed_by": {"email": row["said_by"]}}
    task: dict[str, Any] = {"data": data, "annotations": [annotation | {"created_at": row["time"]}]}
    if top:
        task["predictions"] = [{"result": [_taxonomy(top[0]["names"])], "score": top[0]["probability"]}]
    return task


def _taxonomy(names: Sequence[str]) -> dict[str, Any]:
    value = {"taxonomy": [list(names)]}
    return {"from_name": "category", "to_name": "title", "type": "taxonomy", "value": value}
