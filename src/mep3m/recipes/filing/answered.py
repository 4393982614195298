"""What files of answers say, read again in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from mep3m.assignment.watching.log import Key
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.exports.rows import ending
from mep3m.label_tree.tree import LabelPath

#: kinds of files of answers that hold all that is asked for
KINDS = (".jsonl", ".parquet")
_COLUMNS = ["id", "title", "path", "decision", "promise", "probability"]


@dataclass(frozen=True)
class Answered:
    """One answer of a file; `probability` is that of the most probable full path.

    `picture` is the shorter side and the brightness of a picture that the model has read.
    """

    key: Key
    title: str | None
    path: LabelPath
    names: tuple[str, ...]
    decision: str
    promise: str | None
    probability: float | None
    picture: tuple[int, float] | None


def read_answers(file: Path) -> Iterator[Answered]:
    """Yield the answers of a .jsonl or .parquet file that `assign` wrote, in order.

    Raises:
        NotFoundError: there is no such file.
        UsageError: it is of another kind.
        FormatError: it holds something else.
    """
    kind = ending(file, KINDS)
    if not file.exists():
        raise NotFoundError(f"{file} does not exist; 'mep3m assign' writes it")
    try:
        yield from _lines(file) if kind == ".jsonl" else _rows(file)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise FormatError(f"{file} holds no answers of 'mep3m assign' ({error!r})") from None


def _lines(file: Path) -> Iterator[Answered]:
    with file.open("rb") as lines:
        for line in lines:
            one = orjson.loads(line)
            top = one["top"][0]["probability"] if one["top"] else None
            yield _answered(one, tuple(one["names"]), top)


def _rows(file: Path) -> Iterator[Answered]:
    whole = pq.ParquetFile(file)
    levels = [name for name in whole.schema_arrow.names if name.startswith("level_")]
    more = [name for name in ("platform", "picture") if name in whole.schema_arrow.names]
    for batch in whole.iter_batches(8192, columns=[*_COLUMNS, *levels, *more]):
        for one in batch.to_pylist():
            names = tuple(one[level] for level in levels if one[level] is not None)
            yield _answered({"platform": None, **one}, names, one["probability"])


def _answered(one: dict[str, Any], names: tuple[str, ...], probability: float | None) -> Answered:
    key = Key(one["id"], one["platform"])
    seen = one.get("picture")
    picture = None if seen is None else (seen["side"], seen["brightness"])
    return Answered(
        key, one["title"], tuple(one["path"]), names, one["decision"], one["promise"], probability, picture
    )


def require_some(files: list[Path]) -> None:
    """Refuse a list without a file.

    Raises:
        UsageError: there is none.
    """
    if not files:
        raise UsageError("name at least one file of answers that 'mep3m assign' wrote (.jsonl or .parquet)")
