"""One look at a catalogue file: format, kinds of columns, a column map, and what would be refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mep3m.settings.sources import Columns
from mep3m.sources.columns import ColumnMap, refuse_repeated_ids, wrong_row
from mep3m.sources.inspection.column_kinds import Column, hinted, look_at
from mep3m.sources.inspection.sample import PRODUCT_COLUMNS, Sample, mapped_rows, take_sample

#: what the columns of `PRODUCT_COLUMNS` are
_PRODUCT_KINDS = ("id", "title", "path", "image", "ocr")
#: columns by which the exports of shop systems are known
_SYSTEMS = {
    "shopify": {"Handle", "Title", "Vendor"},
    "woocommerce": {"ID", "Type", "SKU", "Name", "Categories"},
    "magento": {"sku", "product_type", "attribute_set_code"},
}
#: kinds of a cell that no header has
_DATA = ("number", "price", "date", "GTIN", "URL", "image URL", "image")
#: refused rows that are listed
SHOWN = 5


@dataclass(frozen=True)
class Inspection:
    """What one look found; `columns_map` are fields of `settings.sources.Columns`."""

    file: str
    format: str
    bytes: int
    settings: dict[str, str | int]
    rows_sampled: int
    whole: bool
    columns: tuple[Column, ...]
    columns_map: dict[str, Any]
    refused: int
    refusals: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    name: str

    @property
    def sampled(self) -> str:
        """What was looked at, in words."""
        place = "all of the file" if self.whole else "the first of the file; the rest was not read"
        return f"{self.rows_sampled:,} rows, {place}"

    @property
    def to_name(self) -> dict[str, str | int]:
        """The settings that a source has to be given.

        The encoding is none of them: a source finds it again, and then checks that each line is in it.
        """
        return {key: value for key, value in self.settings.items() if key != "encoding"}

    def toml(self) -> str:
        """Return a `[[sources]]` entry to paste into `mep3m.toml`."""
        values = {"name": self.name, "path": self.file, "format": self.format, **self.to_name}
        encoding = self.settings.get("encoding", "utf-8")
        lines = ["[[sources]]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
        if encoding != "utf-8":
            lines.append(
                f"# read as {encoding}; ingest finds that too, and checks each line where it is not named"
            )
        if self.columns_map:
            lines += ["[sources.columns]"]
            lines += [f"{key} = {_toml(value)}" for key, value in self.columns_map.items()]
        return "\n".join(lines) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Return all of it for `--json`."""
        hidden = {"columns_map", "whole", "name"}
        values = {key: value for key, value in asdict(self).items() if key not in hidden}
        return {**values, "sampled": self.sampled, "map": self.columns_map, "toml": self.toml()}


def inspect_file(path: Path, name: str | None = None, rows: int = 10_000) -> Inspection:
    """Look at the first `rows` rows of a catalogue file; nothing behind them is read.

    Raises:
        NotFoundError: there is no such file.
        FormatError: it is empty or cannot be read at all.
        UsageError: nothing says the format.
    """
    sample = take_sample(path, name, rows)
    width = len(sample.columns)
    good = [row for row in sample.rows if row.problem is None and len(row.cells) == width]
    columns = tuple(look_at(name, [row.cells[i] for row in good]) for i, name in enumerate(sample.columns))
    if not sample.mapped:
        columns = tuple(
            replace(column, kind=kind) for column, kind in zip(columns, _PRODUCT_KINDS, strict=True)
        )
    named = sample.mapped and not _headless(sample)
    columns_map = propose_map(columns, [row.cells for row in good]) if named else {}
    refused, refusals = _refusals(sample, columns_map, path)
    return Inspection(
        file=path.name,
        format=sample.format,
        bytes=path.stat().st_size if path.is_file() else 0,
        settings=sample.settings,
        rows_sampled=len(sample.rows),
        whole=sample.whole,
        columns=columns,
        columns_map=columns_map,
        refused=refused,
        refusals=refusals,
        notes=(*sample.notes, *_notes(columns, columns_map, sample)),
        name=path.name.split(".")[0],
    )


def propose_map(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return which column is which part of a product, as far as the sample says it.

    Category columns are put from coarse to fine by the rows: a finer name nearly always stands
    below one and the same coarser name.
    """
    chosen: dict[str, Any] = {}
    for role, kinds in (
        ("id", ("id", "GTIN")),
        ("title", ("title",)),
        ("image", ("image", "image URL", "images")),
    ):
        fitting = [column for column in columns if column.kind in kinds and column.name]
        if fitting:
            chosen[role] = min(fitting, key=lambda column: _rank(role, column, columns)).name
    paths = [column for column in columns if column.kind == "path"]
    levels = _levels(columns, rows)
    if paths and len(levels) < 2:
        best = min(paths, key=lambda column: (not hinted(column.name, "category"), -column.filled))
        chosen |= {"path": best.name}
        if best.separator not in (None, ">"):
            chosen["separator"] = best.separator
    elif levels:
        chosen["labels"] = levels
    for role, kind in (("ocr", "ocr"), ("platform", "platform")):
        if named := next((column.name for column in columns if column.kind == kind), None):
            chosen[role] = named
    return chosen


def _rank(role: str, column: Column, columns: Sequence[Column]) -> tuple[Any, ...]:
    """Return the order of columns that fit a role: of the role's very name, then hinted, then the first."""
    name = column.name.lower().replace(" ", "_")
    exact = {
        "title": ("title", "name", "product_name", "标题", "商品名称", "商品名"),
        "id": ("id", "product_id", "sku"),
    }
    place = exact.get(role, ()).index(name) if name in exact.get(role, ()) else 99
    return (
        place,
        not hinted(column.name, role),
        column.kind in ("GTIN", "images"),
        -column.filled,
        columns.index(column),
    )


def _levels(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the category columns, coarse to fine."""
    fitting = [
        i
        for i, column in enumerate(columns)
        if column.kind == "category" and (column.distinct > 1 or column.name[-1:].isdigit())
    ]
    named = [i for i in fitting if hinted(columns[i].name, "category")]
    numbered = [i for i in named if columns[i].name[-1:].isdigit()]
    if len(numbered) > 1:
        named = sorted(numbered, key=lambda i: columns[i].name)
        return [columns[i].name for i in named]
    chain: list[int] = []
    for i in sorted(named, key=lambda i: columns[i].distinct):
        if not chain or _below(rows, i, chain[-1]):
            chain.append(i)
    if len(chain) < 2 and len(named) > 1:  # names that say nothing of each other: the first alone
        chain = named[:1]
    return [columns[i].name for i in chain]


def _below(rows: Sequence[Sequence[str]], fine: int, coarse: int) -> bool:
    """Whether names of the fine column stand below one name of the coarse one in 95 % of the rows."""
    parents: dict[str, dict[str, int]] = {}
    for row in rows:
        if row[fine] and row[coarse]:
            counts = parents.setdefault(row[fine], {})
            counts[row[coarse]] = counts.get(row[coarse], 0) + 1
    total = sum(sum(counts.values()) for counts in parents.values())
    agreeing = sum(max(counts.values()) for counts in parents.values())
    several = len({name for counts in parents.values() for name in counts}) > 1
    return total > 0 and several and agreeing >= 0.95 * total


def _refusals(
    sample: Sample, columns_map: dict[str, Any], path: Path
) -> tuple[int, tuple[dict[str, Any], ...]]:
    """Return how many rows of the sample `ingest` would refuse with this map, and the first of them."""
    if not sample.mapped:
        bad = [{"line": row.line, "reason": row.problem} for row in sample.rows if row.problem]
        return len(bad), tuple(bad[:SHOWN])
    columns = Columns.model_validate(columns_map)
    twice = {name for name in columns.names() if sample.columns.count(name) > 1}
    columns = Columns() if twice else columns
    rows = mapped_rows(sample, columns, path)
    batch = ColumnMap(columns, "sample", path.name).batch(rows, sample.columns)
    rejects = [*batch.rejects, *refuse_repeated_ids(batch.products)[1]]
    first = [{"line": reject.line, "reason": reject.reason} for reject in rejects[:SHOWN]]
    return len(rejects), tuple(first)


def _headless(sample: Sample) -> bool:
    """Whether the first line looks like a row: a name in it is what only a cell can be."""
    return any(look_at(name, [name] * 3).kind in _DATA for name in sample.columns if name)


def _notes(columns: Sequence[Column], columns_map: dict[str, Any], sample: Sample) -> list[str]:
    notes = [f"column '{column.name}': {column.note}" for column in columns if column.note]
    names = [column.name for column in columns]
    system = next((system for system, own in _SYSTEMS.items() if own <= set(names)), None)
    if system is not None and sample.format in ("csv", "tsv"):
        notes.append(f"these are the columns of a {system} export; --format {system} joins its variants")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        notes.append(f"the header names {', '.join(map(repr, twice))} more than once; rename all but one")
    if not sample.mapped or sample.columns == list(PRODUCT_COLUMNS):
        return notes
    if _headless(sample):
        return [*notes, "the first line looks like a row, not like a header; write a header above it"]
    missing = [role for role in ("id", "title") if role not in columns_map]
    if missing:
        notes.append(f"no column looks like the {' or the '.join(missing)}; name it yourself if there is one")
    if not {"labels", "path"} & columns_map.keys():
        few = ", ".join(column.name for column in columns if column.kind == "attribute")
        hint = f"; these have few values: {few}" if few else ""
        notes.append(f"no column is named like categories; name them in labels or path{hint}")
    if any(wrong_row(row.cells, len(sample.columns)) for row in sample.rows if row.problem is None):
        notes.append("rows of another width than the header: a delimiter or a quote inside a cell?")
    return notes


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)
