"""The first rows of a catalogue file of any format, with bounded memory whatever its size."""

from __future__ import annotations

import csv
import itertools
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.errors import FormatError, UsageError
from mep3m.safe_xml import WEB_PAGE, is_web_page
from mep3m.settings.sources import Columns, SourceEntry, TableFormat, TableSettings
from mep3m.sources.catalogue import find_format, open_source
from mep3m.sources.cells import PATH_MARK
from mep3m.sources.delimited import VERSION_LINE, Row, decode_lines
from mep3m.sources.lines import marked_encoding, open_bytes, read_lines
from mep3m.sources.tables import TableSource
from mep3m.taxonomy import PATH_SEPARATOR

#: characters of a sample; wide rows end it before the number of rows does
SAMPLE_CHARACTERS = 16 * 2**20
#: bytes from the start of a file in which its encoding is looked for
ENCODING_BYTES = 32 * 2**20
DELIMITERS = (",", "\t", ";", "|")
#: lines that decide the delimiter
SNIFFED = 200
#: formats whose rows are the same whatever the column map takes
TABLES = ("csv", "tsv", "jsonl", "parquet")
#: columns of a product that a catalogue without a column map of its own gives
PRODUCT_COLUMNS = ("source_id", "title", "source_path", "image_ref", "ocr")


@dataclass(frozen=True)
class Sample:
    """Rows of one file under their column names; `settings` are what `ingest` needs to read it so.

    `whole` says whether nothing is left behind the sample; `mapped` whether a column map is needed.
    """

    format: str
    columns: list[str]
    rows: list[Row]
    settings: dict[str, str | int]
    whole: bool
    mapped: bool = True
    notes: tuple[str, ...] = ()


def take_sample(path: Path, name: str | None = None, rows: int = 10_000) -> Sample:
    """Return the first rows of a file; `name` is its format where it is known.

    Raises:
        NotFoundError: there is no such file.
        FormatError: it is empty, or not in the format.
        UsageError: nothing says the format.
    """
    name = name or guess_format(path)
    if name == "parquet":
        return _parquet_sample(path, rows)
    if name in TABLES:
        return _text_sample(path, name, rows)  # type: ignore[arg-type]
    return _other_sample(path, name, rows)


def guess_format(path: Path) -> str:
    """Return the format that the name or, where that says nothing or a lie, the first bytes say.

    Raises:
        NotFoundError: there is no such file.
        UsageError: nothing says it.
        FormatError: the file is a web page under a table's name.
    """
    if path.is_dir():
        return find_format(path)
    with open_bytes(path) as file:
        head = file.read(4096)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    named = path.name.lower().removesuffix(".gz")
    if is_web_page(head) and not named.endswith((".html", ".htm")):
        raise FormatError(f"{path} {WEB_PAGE}, not a catalogue")
    if head.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"{") and named.endswith((".json", ".txt")) and _is_object(head):
        return "jsonl"
    try:
        return find_format(path)
    except UsageError:
        if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise
        return "jsonl" if start.startswith(b"{") else "csv"


def _is_object(head: bytes) -> bool:
    """Whether the first line is a JSON object of its own."""
    line, ended, _ = head.partition(b"\n")
    try:
        return bool(ended) and isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _text_sample(path: Path, name: TableFormat, limit: int) -> Sample:
    encoding = _encoding(path, name)
    mark = marked_encoding(path) or "utf-8"
    notes = [] if mark == "utf-8" else [f"written in {mark.upper()}, as its byte order mark says"]
    given: dict[str, str | int] = {"encoding": encoding} if mark == "utf-8" else {}
    if name != "jsonl":
        skip, delimiter = sniff(path, encoding, "," if name == "csv" else "\t")
        quoted = name == "tsv" and delimiter == "\t" and _quoted(path, encoding)
        if delimiter != ("," if name == "csv" else "\t") or quoted:
            given["delimiter"] = "tab" if delimiter == "\t" else delimiter
            notes.append("cells are in quotes" if quoted else f"the delimiter is {given['delimiter']!r}")
        if skip:
            given["skip_lines"] = skip
            notes.append(f"{skip} lines stand before the header")
    named = {
        key: value for key, value in given.items() if key != "encoding"
    }  # naming it ends the check of lines
    source = TableSource(path, TableSettings.parse({"format": name, **named}, str(path)), detected=encoding)
    columns = source.header
    rows, whole = _bounded(source.rows(), limit) if name != "jsonl" else _bounded(_objects(source), limit)
    return Sample(name, columns, rows, given, whole, notes=tuple(notes))


def _encoding(path: Path, name: TableFormat) -> str:
    """Return the encoding of a file's beginning; `ingest` reads on until enough lines have said it."""
    if marked_encoding(path) not in (None, "utf-8"):
        return "utf-8"  # what UTF-16 with its mark is read as
    if path.suffix == ".gz" or path.stat().st_size <= ENCODING_BYTES:
        return TableSource(path, TableSettings(format=name)).encoding
    with tempfile.TemporaryDirectory() as folder, path.open("rb") as file:
        beginning = Path(folder) / path.name
        beginning.write_bytes(file.read(ENCODING_BYTES).rpartition(b"\n")[0])
        return TableSource(beginning, TableSettings(format=name)).encoding


def _objects(source: TableSource) -> Iterator[Row]:
    """Yield rows of JSON lines with objects as their JSON text, which the reader would refuse."""
    for line in decode_lines(read_lines(source.path), source.encoding, sure=False):
        try:
            value = orjson.loads(line.text or "null")
        except orjson.JSONDecodeError as error:
            yield Row(line.number, [], line.problem or f"not JSON: {error}", line.text)
            continue
        if isinstance(value, dict):
            yield Row(line.number, [_json_cell(value.get(name)) for name in source.header])
        elif value is not None:
            yield Row(line.number, [], f"a JSON {type(value).__name__}, not an object", line.text)


def _json_cell(value: object) -> str:
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return PATH_MARK.join(str(item) for item in value)
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return "" if value is None else str(value)


def _bounded(rows: Iterable[Row], limit: int) -> tuple[list[Row], bool]:
    """Return the first rows, and whether they are all."""
    kept: list[Row] = []
    characters = 0
    for row in rows:
        if len(kept) == limit or characters > SAMPLE_CHARACTERS:
            return kept, False
        kept.append(row)
        characters += sum(map(len, row.cells))
    return kept, True


def sniff(path: Path, encoding: str, own: str) -> tuple[int, str]:
    """Return how many lines stand before the header, and the delimiter that fits most of the lines.

    `own` is the format's own delimiter; another one has to fit clearly better.
    """
    texts = [line.text for line in itertools.islice(decode_lines(read_lines(path), encoding), SNIFFED)]
    version = bool(texts and VERSION_LINE.fullmatch(texts[0]))
    lines = [line for line in texts[version:] if line.strip()]
    scores = {delimiter: _fit(lines, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: (scores[delimiter][0], delimiter == own))
    delimiter = best if scores[best][0] > 1.05 * scores[own][0] else own
    width = scores[delimiter][1]
    first = next((i for i, line in enumerate(texts[:30]) if len(_split(line, delimiter)) == width), 0)
    before = any(line.strip() for line in texts[version:first])
    return (first if width >= 3 and before else 0), delimiter


def _fit(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """Return how well a delimiter fits: the share of lines of the most frequent width above one, and it."""
    widths = Counter(len(_split(line, delimiter)) for line in lines)
    widths.pop(1, None)
    if not widths:
        return 0.0, 1
    width, count = widths.most_common(1)[0]
    return count / len(lines), width


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)


def _quoted(path: Path, encoding: str) -> bool:
    """Whether tab-separated cells stand in quotes, which this format takes for characters."""
    lines = itertools.islice(decode_lines(read_lines(path), encoding), SNIFFED)
    cells = [cell for line in lines for cell in line.text.split("\t") if cell]
    ends = sum(cell[0] == cell[-1] == '"' and len(cell) > 1 for cell in cells)
    return bool(cells) and ends >= 0.3 * len(cells)


def _parquet_sample(path: Path, limit: int) -> Sample:
    source = TableSource(path, TableSettings(format="parquet"))
    columns = source.header
    file = pq.ParquetFile(path)
    texts: dict[str, list[str]] = {name: [] for name in columns}
    plain = [field.name for field in file.schema_arrow if not _holds_bytes(field.type)]
    for batch in file.iter_batches(min(limit, 1000), columns=plain):
        for name in plain:
            texts[name] += [_json_cell(value) for value in batch.column(name).to_pylist()]
        if len(texts[plain[0]]) >= limit if plain else True:
            break
    count = len(texts[plain[0]]) if plain else 0
    for name in columns:
        texts[name] = texts[name] or ["bytes.png"] * count
    rows = [Row(i + 1, [texts[name][i] for name in columns]) for i in range(count)]
    return Sample("parquet", columns, rows, {}, count >= file.metadata.num_rows)


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether a column holds bytes, an image for example: they are not read for a look."""
    if pa.types.is_struct(kind):
        return any(_holds_bytes(field.type) for field in kind)
    inner = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return bool(pa.types.is_binary(inner) or pa.types.is_large_binary(inner) or pa.types.is_struct(inner))


def _other_sample(path: Path, name: str, limit: int) -> Sample:
    """Return the sample of a format that brings its own column map, as the products it gives."""
    source = open_source(SourceEntry(name=path.name.split(".")[0], path=str(path), format=name))
    if rows_of := getattr(source, "rows", None):
        rows, whole = _bounded(rows_of(), limit)
        settings, notes = source.described  # type: ignore[attr-defined]
        return Sample(name, source.header, rows, settings, whole, notes=notes)  # type: ignore[attr-defined]
    kept: list[Row] = []
    parts = source.parts()
    for batch in itertools.chain.from_iterable(map(source.read, parts)):
        table = batch.products.slice(0, limit - len(kept))
        cells = zip(*(_product_cells(table[column]) for column in PRODUCT_COLUMNS), strict=True)
        kept += [Row(line, list(row)) for line, row in zip(table["line"].to_pylist(), cells, strict=True)]
        kept += [Row(reject.line or 0, [], reject.reason, reject.value) for reject in batch.rejects]
        if len(kept) >= limit:
            return Sample(name, list(PRODUCT_COLUMNS), kept, {}, False, mapped=False)
    return Sample(name, list(PRODUCT_COLUMNS), kept, {}, True, mapped=False)


def mapped_rows(sample: Sample, columns: Columns, path: Path) -> list[Row]:
    """Return the sample's rows as the source reads them with a column map.

    A spreadsheet refuses a row only for a cell that the map takes.
    """
    if sample.format in TABLES:
        return sample.rows
    entry = {
        "name": "sample",
        "path": str(path),
        "format": sample.format,
        "columns": columns,
        **sample.settings,
    }
    source = open_source(SourceEntry.parse(entry, str(path)))
    return _bounded(source.rows(), len(sample.rows))[0]  # type: ignore[attr-defined]


def _product_cells(column: pa.ChunkedArray) -> list[str]:
    values = column.to_pylist()
    return [
        PATH_SEPARATOR.join(map(str, value)) if isinstance(value, list) else value or "" for value in values
    ]
