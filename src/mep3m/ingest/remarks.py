"""What a person should know about the input beside the counts: its encoding, names that are likely none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mep3m.ingest.origin import Catalogues
from mep3m.settings.sources import SourceEntry
from mep3m.sources.names import PLACEHOLDERS, spell
from mep3m.sources.tables import TableSource
from mep3m.store import StoreWriter

#: signs between the names of a path, as shops write them, the likeliest first
SEPARATORS = (" > ", ">", "»", "›", "＞", " | ", "|", "->", "→", " / ", "/", "\\", "::", ":", "--", ";")
#: names that are looked at for a separator
SAMPLE = 2000


def remarks(catalogues: Catalogues, writer: StoreWriter) -> dict[str, Any]:
    """Return what the manifest keeps of it: 'encodings' by file, and 'notes', sentences for a person."""
    encodings, notes = {}, []
    tables = [path for path in map(writer.shard, range(len(writer.plan.parts))) if path.exists()]
    for index, entry in enumerate(catalogues.entries):
        source = catalogues.source(index)
        if not isinstance(source, TableSource):
            continue
        if source.encoding_read:
            encodings[source.path.name] = source.encoding_read
        notes += _notes(entry, tables) if tables else []
    return {**({"encodings": encodings} if encodings else {}), **({"notes": notes} if notes else {})}


#: first names of the paths that have several, with their products
_FIRSTS = """
    SELECT source_path[1] AS name, count(*) FROM read_parquet(?)
    WHERE source = ? AND dropped IS NULL AND len(source_path) > 1 AND name IS NOT NULL GROUP BY name
"""


def _notes(entry: SourceEntry, shards: list[Path]) -> list[str]:
    import duckdb

    query = """
        SELECT name, count(*), max(depth) FROM (
            SELECT unnest(source_path) AS name, len(source_path) AS depth FROM read_parquet(?)
            WHERE source = ? AND dropped IS NULL
        ) GROUP BY name ORDER BY count(*) DESC, name
    """
    connection = duckdb.connect(config={"threads": 2})
    rows = connection.execute(query, [[str(path) for path in shards], entry.name]).fetchall()
    counts = {name: count for name, count, _ in rows if name is not None}
    notes = [
        f"'{entry.name}': {counts[name]:,} products have a class named '{name}', which looks like none; "
        f'if so, --missing "{name}" leaves it out (in a project file: missing = ["{name}"])'
        for name in counts
        if spell(name).casefold() in PLACEHOLDERS
    ]
    separator = entry.columns.separator.strip()
    if not entry.columns.path or not counts:
        return notes
    if max(depth for _, _, depth in rows) == 1:
        if likely := likely_separator(list(counts)[:SAMPLE]):
            notes.append(
                f"'{entry.name}': the separator '{separator}' stands in no path of the column "
                f"'{entry.columns.path}', '{likely}' does: "
                f"every path is one class now; is it --separator '{likely}'?"
            )
    elif separator == ">":
        firsts = connection.execute(_FIRSTS, [[str(path) for path in shards], entry.name]).fetchall()
        for sign in ("-", "="):
            ending = sum(count for name, count in firsts if name[1:].endswith(sign))
            if ending and 2 * ending >= sum(count for _, count in firsts):
                notes.append(
                    f"'{entry.name}': most names of the column '{entry.columns.path}' before a '>' end with "
                    f"'{sign}'; is it --separator '{sign}>'?"
                )
    return notes


def likely_separator(names: list[str]) -> str | None:
    """Return the sign that stands inside at least half of the names, `None` where none does."""
    for sign in SEPARATORS:
        inside = sum(sign in name[1:-1] for name in names)
        if inside and 2 * inside >= len(names):
            return sign
    return None
