"""The ledger: for every source row and every stage one state, as a view over what lies on disk.

Nothing is written twice for it. A row that is in a shard is done or dropped; one that is in a
quarantine has failed; one whose part has no shard yet is waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from mep3m.errors import StoreError
from mep3m.store.filesystem import local_folder
from mep3m.store.layout import UPDATE, Layout, stores_below
from mep3m.store.rejects import INGEST
from mep3m.store.store import check_shards, read_plan

COLUMNS = "stage, source, product, file, line, shard, row, state, reason"

_EMPTY = """
    SELECT '' AS stage, '' AS source, '' AS product, '' AS file, 0::BIGINT AS line, '' AS shard,
           0::BIGINT AS row, '' AS state, '' AS reason WHERE false
"""
_ROWS = """
    SELECT '{stage}', source, id, file, line, parse_filename(filename), file_row_number,
           CASE WHEN dropped IS NULL THEN 'done' ELSE 'dropped' END, dropped
    FROM read_parquet({shards}, filename = true, file_row_number = true)
"""
_IMAGES = """
    SELECT 'images', p.source, p.id, p.file, p.line, parse_filename(p.filename), p.file_row_number,
           CASE WHEN p.dropped IS NOT NULL THEN 'dropped' WHEN r.reason IS NOT NULL THEN 'failed'
                WHEN p.image IS NULL THEN 'waiting' ELSE 'done' END,
           CASE WHEN p.dropped IS NOT NULL THEN p.dropped WHEN r.reason IS NOT NULL THEN r.reason
                WHEN p.image IS NULL THEN 'not looked for: no image folder, or fetching is not enabled' END
    FROM read_parquet({shards}, filename = true, file_row_number = true) p
    LEFT JOIN (SELECT product, any_value(reason) AS reason FROM read_parquet({rejects})
               WHERE stage = 'images' AND product IS NOT NULL GROUP BY product) r ON r.product = p.id
    WHERE p.image_ref IS NOT NULL OR p.image IS NOT NULL
"""
_REFUSED = """
    SELECT '{stage}', source, product, file, line, NULL, NULL, 'failed', reason
    FROM read_parquet({rejects}) WHERE product IS NULL OR stage <> 'images'
"""
_WAITING = """
    SELECT '{stage}', {source}, NULL, {file}, unnest(generate_series({first}, {last})), NULL, NULL, 'waiting',
           'its part has no shard yet'
"""


@dataclass(frozen=True)
class Ledger:
    """The view `ledger` (columns: `COLUMNS`) over one store, or over all stores below a folder.

    `stages` are those of the stores, each after the one it was made from.
    """

    connection: duckdb.DuckDBPyConnection
    stages: tuple[str, ...]

    @classmethod
    def open(cls, folder: Path) -> Ledger:
        """Open the ledger of a store or of a folder of stores, finished or not.

        Raises:
            StoreError: there is no store.
        """
        stores = find_stores(folder)
        connection = duckdb.connect()
        queries = [_EMPTY, *(query for store in stores for query in _queries(store))]
        connection.execute(f"CREATE VIEW ledger AS {' UNION ALL '.join(queries)}")
        extras = [path for store in stores if (path := Layout(store).extras).exists()]
        if extras:
            connection.execute(f"CREATE VIEW extras AS SELECT * FROM read_parquet({_list(extras)})")
        return cls(connection, tuple(dict.fromkeys(read_plan(store)["step"] for store in stores)))

    def counts(self) -> list[dict[str, Any]]:
        """Return the number of rows a stage, source and state."""
        return self._dicts(
            "SELECT stage, source, state, count(*) AS rows FROM ledger GROUP BY ALL ORDER BY ALL"
        )

    def reasons(self, limit: int = 30) -> list[dict[str, Any]]:
        """Return why rows failed or were dropped, the most frequent first; numbers in reasons are blurred.

        A row that a stage dropped stays dropped in the later ones: it counts for the first.
        """
        stages = ", ".join(map(_text, self.stages))
        return self._dicts(f"""
            WITH first AS (
                SELECT arg_min(stage, coalesce(list_position([{stages}], stage), 1000)) AS stage,
                       state, reason
                FROM ledger WHERE state = 'dropped' GROUP BY product, file, line, state, reason
                UNION ALL SELECT stage, state, reason FROM ledger WHERE state = 'failed'
            )
            SELECT stage, state, regexp_replace(reason, '\\d[\\d,]*', 'N', 'g') AS reason, count(*) AS rows
            FROM first GROUP BY ALL ORDER BY rows DESC, stage, state, reason LIMIT {limit}
        """)

    def save(self, path: Path) -> None:
        """Write the ledger as one Parquet file."""
        self.connection.cursor().execute(f"COPY ledger TO {_text(str(path))} (FORMAT parquet)")

    def _dicts(self, query: str) -> list[dict[str, Any]]:
        result = self.connection.cursor().execute(query)
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def find_stores(folder: Path) -> list[Path]:
    """Return the store at `folder`, or the stores in the folders below it, parents first.

    Raises:
        StoreError: there is none.
        UsageError: `folder` is an address.
    """
    if Layout(local_folder(folder)).begun:
        return [folder]
    stores = [path for path in stores_below(folder, depth=2) if path.name != UPDATE]
    if not stores:
        raise StoreError(f"{folder} holds no store; make one with 'mep3m ingest' or 'mep3m build'")
    plans = {path: read_plan(path) for path in stores}
    depth: dict[str | None, int] = {None: 0}
    ordered = sorted(stores, key=lambda path: plans[path].get("parent") is not None)
    last = len(stores)
    for _ in ordered:
        for path in ordered:
            depth.setdefault(plans[path]["fingerprint"], depth.get(plans[path].get("parent"), last) + 1)
    return sorted(stores, key=lambda path: depth[plans[path]["fingerprint"]])


def _queries(store: Path) -> list[str]:
    plan = read_plan(store)
    stage = plan["step"]
    shards, rejects = Layout(store).shards(), Layout(store).quarantines()
    check_shards([*shards, *rejects])
    queries = []
    names = {"stage": stage, "shards": _list(shards), "rejects": _list(rejects)}
    if shards:
        queries.append(_ROWS.format(**names))
        if stage == INGEST:
            looked = (
                _IMAGES
                if rejects
                else _IMAGES.replace(
                    "read_parquet({rejects})", "(SELECT '' AS product, '' AS reason, '' AS stage WHERE false)"
                )
            )
            queries.append(looked.format(**names))
    if rejects:
        queries.append(_REFUSED.format(**names))
    done = {int(path.stem) for path in shards}
    if stage == INGEST and len(done) < len(plan["parts"]):
        queries += _waiting(plan, done)
    return queries


def _waiting(plan: dict[str, Any], done: set[int]) -> list[str]:
    """Return a query a part without a shard; a part whose end is not known stands as its first row."""
    places = [part.rsplit(":", 2) for part in plan["parts"]]
    queries = []
    for index, place in enumerate(places):
        if index in done or len(place) < 3:
            continue
        first = int(place[2])
        following = places[index + 1] if index + 1 < len(places) else [""]
        last = int(following[2]) - 1 if following[0] == place[0] else first
        source, _, file = place[0].partition(":")
        names = {"stage": plan["step"], "source": _text(source), "file": _text(file)}
        queries.append(_WAITING.format(**names, first=first, last=last))
    return queries


def _list(paths: list[Path]) -> str:
    return "[" + ", ".join(_text(str(path)) for path in paths) + "]"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
