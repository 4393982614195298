"""Answers as a file of the kind that its name says: JSON lines as they are, or one row a product."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from mep3m.assignment.answer import Assignment
from mep3m.exports.rows import ENDINGS as TABLES
from mep3m.exports.rows import ending, row_file
from mep3m.store.filesystem import atomic_write
from mep3m.taxonomy import PATH_SEPARATOR

#: what the name of a file of answers may end in
ENDINGS = (".jsonl", *TABLES)
#: takes answers and the titles of their products
WriteAnswers = Callable[[Sequence[Assignment], Sequence[str | None]], None]


@contextmanager
def answers_file(path: Path, depth: int, ids: bool, platforms: bool) -> Iterator[WriteAnswers]:
    """Yield what writes answers into a .jsonl, .csv, .xlsx or .parquet file; it appears whole.

    A table has the columns `id`, `title`, `level_1` to `level_<depth>` (names), `confidence` (the probability
    of the whole answered path), `decision`, `reason`, and `suggestion`, the most probable full path. With
    `ids` the run's classes are ids: `category` is that of the answer. With `platforms` the data tells shops
    apart: `platform` stands beside `id`.

    Raises:
        UsageError: the name has another ending.
    """
    if ending(path, ENDINGS) == ".jsonl":
        with atomic_write(path) as temporary, temporary.open("wb") as file:

            def lines(answers: Sequence[Assignment], titles: Sequence[str | None]) -> None:
                for one in answers:
                    file.write(orjson.dumps(one.to_json(), option=orjson.OPT_APPEND_NEWLINE))

            yield lines
        return
    schema = _schema(depth, ids, platforms)
    with row_file(path, schema) as write:

        def rows(answers: Sequence[Assignment], titles: Sequence[str | None]) -> None:
            cells = [_cells(one, title, depth) for one, title in zip(answers, titles, strict=True)]
            write([[row[name] for name in schema.names] for row in cells])

        yield rows


def _schema(depth: int, ids: bool, platforms: bool) -> pa.Schema:
    names = ["id", *["platform"] * platforms, "title", *(f"level_{n + 1}" for n in range(depth))]
    names += [*["category"] * ids, "confidence", "decision", "reason", "suggestion"]
    return pa.schema([(name, pa.float64() if name == "confidence" else pa.string()) for name in names])


def _cells(answer: Assignment, title: str | None, depth: int) -> dict[str, Any]:
    levels = [*answer.names, *[None] * (depth - len(answer.names))]
    return {
        "id": answer.id,
        "platform": answer.platform,
        "title": title,
        **{f"level_{n}": name for n, name in enumerate(levels, start=1)},
        "category": answer.path[-1] if answer.path else None,
        "confidence": answer.confidence[-1] if answer.confidence else None,
        "decision": answer.decision,
        "reason": answer.reason,
        "suggestion": PATH_SEPARATOR.join(answer.top[0]["names"]) if answer.top else None,
    }
