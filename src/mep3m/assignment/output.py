"""Answers as files of the kind that a name says: JSON lines as they are, or one row a product.

Answers are written in parts, which are then joined in order: memory is that of one part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.assignment.answer import Assignment
from mep3m.assignment.reasons.why import in_words
from mep3m.exports.rows import ENDINGS as TABLES
from mep3m.exports.rows import ending, row_file
from mep3m.store.filesystem import atomic_write
from mep3m.taxonomy import PATH_SEPARATOR

#: what the name of a file of answers may end in
ENDINGS = (".jsonl", *TABLES)
_TEXTS = pa.list_(pa.string())
_LOOK = pa.struct([("side", pa.int64()), ("brightness", pa.float64())])
#: what a Parquet file has beside the columns of every table
_NESTED: Mapping[str, tuple[pa.DataType, Callable[[Assignment], Any]]] = {
    "path": (_TEXTS, lambda one: one.path),
    "probabilities": (pa.list_(pa.float64()), lambda one: one.confidence),
    "prediction_set": (pa.list_(_TEXTS), lambda one: one.prediction_set),
    "probability": (pa.float64(), lambda one: one.top[0]["probability"] if one.top else None),
    "known": (pa.float64(), lambda one: one.known),
    "shadow": (pa.string(), lambda one: one.shadow),
    "kept": (pa.string(), lambda one: one.kept),
    "picture": (_LOOK, lambda one: None if one.picture is None else asdict(one.picture)),
    "model": (pa.string(), lambda one: one.model),
    "taxonomy": (pa.string(), lambda one: one.taxonomy),
    "promise": (pa.string(), lambda one: one.promise),
}


@dataclass(frozen=True)
class AnswerForm:
    """What a file of answers holds: the kind that its name says, and the columns of a table.

    A table has `id`, `title`, `level_1` to `level_<depth>` (names), `confidence` (the probability of the
    whole answered path), `decision`, `reason`, and `suggestion`, the most probable full path. With `ids` the
    run's classes are ids: `category` is that of the answer. With `platforms` the data tells shops apart:
    `platform` stands beside `id`. With `why`, it says in a sentence what carried the answer. Parquet has
    `path`, the probability of every node on it and all versions too.
    """

    kind: str
    depth: int
    ids: bool
    platforms: bool
    why: bool = False

    @classmethod
    def of(cls, path: Path, depth: int, ids: bool, platforms: bool, why: bool = False) -> AnswerForm:
        """Return the form of the file of this name.

        Raises:
            UsageError: the name has another ending.
        """
        return cls(ending(path, ENDINGS), depth, ids, platforms, why)

    @property
    def part_suffix(self) -> str:
        """The ending of a part."""
        return ".jsonl" if self.kind == ".jsonl" else ".parquet"

    @property
    def flat(self) -> pa.Schema:
        """The columns of every table."""
        names = ["id", *["platform"] * self.platforms, "title"]
        names += [f"level_{n + 1}" for n in range(self.depth)]
        names += [*["category"] * self.ids, "confidence", "decision", "reason", "suggestion"]
        names += ["why"] * self.why
        return pa.schema([(name, pa.float64() if name == "confidence" else pa.string()) for name in names])

    def write_part(self, answers: Sequence[Assignment], path: Path) -> None:
        """Write some answers as one part; the file appears whole."""
        with atomic_write(path) as temporary:
            if self.kind == ".jsonl":
                temporary.write_bytes(
                    b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in answers)
                )
            else:
                pq.write_table(self._table(answers), temporary)

    def join(self, parts: Sequence[Path], out: Path) -> None:
        """Write the parts into one file, in order; it appears whole.

        Raises:
            UsageError: the rows are more than a sheet holds.
        """
        if self.kind in (".csv", ".xlsx"):
            with row_file(out, self.flat) as write:
                for part in parts:
                    rows = pq.read_table(part, columns=self.flat.names).to_pylist()
                    write([list(row.values()) for row in rows])
            return
        with atomic_write(out) as temporary:
            (self._join_tables if self.kind == ".parquet" else _join_lines)(parts, temporary)

    def _join_tables(self, parts: Sequence[Path], out: Path) -> None:
        with pq.ParquetWriter(out, self._schema) as writer:
            for part in parts:
                writer.write_table(pq.read_table(part, schema=self._schema))

    @property
    def _schema(self) -> pa.Schema:
        return pa.schema([*self.flat, *(pa.field(name, kind) for name, (kind, _) in _NESTED.items())])

    def _table(self, answers: Sequence[Assignment]) -> pa.Table:
        columns: dict[str, list[Any]] = {
            "id": [one.id for one in answers],
            "platform": [one.platform for one in answers],
            "title": [one.title for one in answers],
            "category": [one.path[-1] if one.path else None for one in answers],
            "confidence": [one.confidence[-1] if one.confidence else None for one in answers],
            "decision": [one.decision for one in answers],
            "reason": [one.reason for one in answers],
            "suggestion": [PATH_SEPARATOR.join(one.top[0]["names"]) if one.top else None for one in answers],
            "why": [in_words(one.why) for one in answers],
        }
        for n in range(self.depth):
            columns[f"level_{n + 1}"] = [one.names[n] if n < len(one.names) else None for one in answers]
        columns |= {name: [value(one) for one in answers] for name, (_, value) in _NESTED.items()}
        arrays = [pa.array(columns[field.name], field.type) for field in self._schema]
        return pa.Table.from_arrays(arrays, schema=self._schema)


def _join_lines(parts: Sequence[Path], out: Path) -> None:
    with out.open("wb") as whole:
        for part in parts:
            whole.write(part.read_bytes())
