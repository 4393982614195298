"""From the audited sample to a promise: the table, how far it is, and the promise itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mep3m.assignment.run import Run
from mep3m.desk.outcome.training_rows import SIGNED, TrainingColumns, table_file
from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.errors import NotFoundError, UsageError
from mep3m.recipes.audit import AuditRows, read_audit
from mep3m.recipes.guarantee import Target, make_promise
from mep3m.wording import counted

#: precisions that are tried in turn: which is proven, and how many rows more would prove the next
STEPS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
#: how the label of a product reads that a person could not place: no category of any tree
NONE, UNSURE = "(none of these)", "(unsure)"
TABLE = "audit.tsv"
_COLUMNS = "own_id, platform, title, ocr, picture, state, verdict, category, said_by, time"


@dataclass(frozen=True)
class Progress:
    """How far the audit is: `drawn` rows, of which `decided`, and `counts` of them in the order of chance.

    `proven` is the largest of `STEPS` that the rows prove with its share of filings, `next` the one after it
    and how many rows more may prove it (`None`: no number of rows, the model is not right often enough).
    """

    drawn: int
    decided: int
    counts: int
    proven: tuple[float, float] | None = None
    next: tuple[float, int | None] | None = None
    problem: str | None = None


def audited(reviewing: Reviewing) -> tuple[list[Any], int, int]:
    """Return the audited rows that count, how many are decided, and how many were drawn.

    The sample is random in the order of its drawing. What counts is all of it up to the first row that nobody
    decided: who skips what is hard to say would else choose the sample. An unsure row counts, as one that is
    filed wrongly wherever it is filed.
    """
    rows = reviewing.database.read.execute(
        f"SELECT {_COLUMNS} FROM items WHERE queue = 'audit' ORDER BY cluster"
    ).fetchall()
    said = [row["state"] in ("decided", "unsure") for row in rows]
    first = said.index(False) if False in said else len(rows)
    return rows[:first], sum(said), len(rows)


def write_audit(reviewing: Reviewing, to: Path) -> int:
    """Write the audited rows that count as a table that 'mep3m guarantee' reads, and return how many.

    Raises:
        UsageError: none counts yet.
    """
    rows, decided, drawn = audited(reviewing)
    if not rows:
        raise UsageError(
            f"no audited row counts yet ({decided:,} of {drawn:,} drawn ones are decided): decide them at "
            "the page /audit, in its order"
        )
    columns, categories = TrainingColumns.of(reviewing), reviewing.categories.by_id
    names = [*columns.names, *SIGNED]
    with table_file(to, names) as write:
        for row in rows:
            label = (NONE if row["verdict"] == "none" else UNSURE,)
            path = categories[row["category"]].path if row["verdict"] == "category" else label
            told = columns.cells(row, path) | {"reviewer": row["said_by"], "when": row["time"]}
            write([[told.get(name) for name in names]])
    return len(rows)


def audit_rows(reviewing: Reviewing) -> AuditRows:
    """Return the audited rows as a promise is made from them, with what the model says of each.

    Raises:
        NotFoundError: there is no run.
        UsageError: none counts yet, or training has seen some.
    """
    if reviewing.folder.run is None:
        raise NotFoundError(f"{reviewing.folder.path} holds no trained run; a promise is that of one")
    run, table = Run.open(reviewing.folder.run), reviewing.folder.own / TABLE
    write_audit(reviewing, table)
    columns = TrainingColumns.of(reviewing)
    named: dict[str, Any] = {"id": columns.columns.id or "id", "title": columns.columns.title or "title"}
    named |= {"path": columns.columns.path} if columns.columns.path else {"labels": columns.columns.labels}
    pictures = reviewing.database.read.execute(
        "SELECT t.root FROM items i JOIN takes t ON t.id = i.take WHERE i.queue = 'audit' "
        "AND i.picture IS NOT NULL ORDER BY t.id DESC LIMIT 1"
    ).fetchone()
    root = Path(pictures["root"]) if pictures and pictures["root"] else None
    named |= {"image": columns.columns.image or "image"} if root is not None else {}
    return read_audit(run, run.read(table, columns=named, image_root=root))


def progress(reviewing: Reviewing) -> Progress:
    """Return how far the audit is from a promise, and from the next one."""
    rows, decided, drawn = audited(reviewing)
    if not rows:
        return Progress(drawn, decided, 0)
    try:
        read = audit_rows(reviewing)
        proven = None
        for precision in STEPS:
            promise, told = make_promise(read, Target(precision))
            if promise is None:
                return Progress(drawn, decided, len(rows), proven, (precision, told["more_rows"]))
            proven = (precision, told["coverage"])
        return Progress(drawn, decided, len(rows), proven)
    except UsageError as error:
        return Progress(drawn, decided, len(rows), problem=str(error))


def promise(reviewing: Reviewing, precision: float, out: Path) -> dict[str, Any]:
    """Make the promise that the audit proves, write it, and return what 'mep3m guarantee --json' prints.

    Raises:
        UsageError: it proves nothing so precise, or training has seen audited rows.
    """
    made, told = make_promise(audit_rows(reviewing), Target(precision))
    if made is None:
        more = told["more_rows"]
        rest = "no number of rows would" if more is None else f"{counted(more, 'more row')} might"
        rows = counted(told["n"], "audited row does", "audited rows do")
        raise UsageError(f"{rows} not prove a precision of {precision:g}; {rest}")
    made.save(out)
    return told | {"out": str(out)}
