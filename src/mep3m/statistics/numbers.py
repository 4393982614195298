"""The paper's statistics (§3.3, Table 2, Figs 2, 3, 5, 6, 9) of a store, as numbers.

All counts are of kept rows (`dropped` is null) unless the name says otherwise. Everything large is
counted by DuckDB over the shards, out of core; only words (Fig 3) and pixels (Fig 7) are sampled.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb

from mep3m.segmenter import segmenter
from mep3m.store import Store

#: titles that jieba cuts for the word cloud; enough for stable ranks of the top 150
WORD_SAMPLE = 20_000
#: groups of two products or more; a product without duplicates is a group of its own
DUPLICATES = 'SELECT "group", count(*) AS size FROM kept WHERE "group" NOT NULL GROUP BY 1 HAVING size > 1'


def statistics(store: Store, seed: int = 0) -> dict[str, Any]:
    """Return every statistic of a store as JSON values; the seed picks the samples."""
    connection = store.connect()
    connection.execute("CREATE VIEW kept AS SELECT * FROM products WHERE dropped IS NULL")
    return {
        "store": {"step": store.step, "fingerprint": store.fingerprint, "seed": seed},
        "rows": rows(connection),
        "classes": classes(connection, store),
        "levels": levels(connection),
        "subclasses": subclasses(connection, store),
        "titles": titles(connection),
        "images": images(connection),
        "ocr": ocr(connection),
        "characters": {name: characters(connection, name) for name in ("title", "ocr")},
        "words": words(connection, seed),
    }


def rows(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Count rows: kept, dropped by reason, refused by reason, and kept by source.

    The two counts of duplicate groups are `None` where nobody has looked for duplicates yet.
    """
    looked = _one(connection, 'SELECT count("group") FROM products') > 0
    count = "SELECT count(*), count(*) FILTER (dropped IS NULL) FROM products"
    total, kept = connection.sql(count).fetchall()[0]
    return {
        "total": total,
        "kept": kept,
        "dropped": _counts(connection, "SELECT dropped, count(*) FROM products WHERE dropped NOT NULL"),
        "refused": _counts(connection, "SELECT reason, count(*) FROM rejects"),
        "sources": _counts(connection, "SELECT source, count(*) FROM kept"),
        "duplicate_groups": _one(connection, f"SELECT count(*) FROM ({DUPLICATES})") if looked else None,
        "in_duplicate_groups": _one(connection, f"SELECT coalesce(sum(size), 0) FROM ({DUPLICATES})")
        if looked
        else None,
    }


def classes(connection: duckdb.DuckDBPyConnection, store: Store) -> list[dict[str, Any]]:
    """Table 2: samples and sub-classes of every first-level class, most samples first."""
    counted = connection.sql(
        "SELECT labels[1].category, count(*), count(DISTINCT labels[2].category) "
        "FROM kept WHERE labels[1].category NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    names = ["id", "samples", "subclasses"]
    return [dict(zip(names, row, strict=True)) | _names(store, row[0]) for row in counted]


def levels(connection: duckdb.DuckDBPyConnection) -> list[dict[str, int]]:
    """Count the classes and the labelled rows of every level."""
    depth = _one(connection, "SELECT coalesce(max(len(labels)), 0) FROM kept")
    query = "SELECT count(DISTINCT labels[{0}].category), count(labels[{0}].category) FROM kept"
    return [
        dict(
            zip(
                ["level", "classes", "rows"], [k, *connection.sql(query.format(k)).fetchall()[0]], strict=True
            )
        )
        for k in range(1, depth + 1)
    ]


def subclasses(connection: duckdb.DuckDBPyConnection, store: Store) -> list[dict[str, Any]]:
    """Fig 5 left: the size of every second-level class, largest first (the long tail)."""
    counted = connection.sql(
        "SELECT labels[2].category, count(*) FROM kept "
        "WHERE labels[2].category NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    return [{"id": row[0], "samples": row[1]} | _names(store, row[0]) for row in counted]


def titles(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Fig 5 right: lengths of titles in characters, with their sum, mean, least and greatest."""
    summary = connection.sql(
        "SELECT count(title), coalesce(sum(length(title)), 0)::BIGINT, avg(length(title)), "
        "min(length(title)), max(length(title)) FROM kept"
    ).fetchall()[0]
    names = ["count", "characters", "mean", "min", "max"]
    lengths = "SELECT length(title), count(*) FROM kept WHERE title NOT NULL"
    return dict(zip(names, summary, strict=True)) | {"lengths": _counts(connection, lengths, by_key=True)}


def images(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Fig 5 middle: resolutions (width x height in pixels) and formats of the images."""
    size = "image_width || 'x' || image_height"
    return {
        "rows_with_image": _one(connection, "SELECT count(image) FROM kept"),
        "distinct": _one(connection, "SELECT count(DISTINCT image) FROM kept"),
        "resolutions": _counts(connection, f"SELECT {size}, count(*) FROM kept WHERE image_width NOT NULL"),
        "formats": _counts(connection, "SELECT image_format, count(*) FROM kept WHERE image_format NOT NULL"),
    }


def ocr(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The rows whose image carries text, and their share of all kept rows."""
    with_text, total = connection.sql("SELECT count(ocr), count(*) FROM kept").fetchall()[0]
    return {"rows": with_text, "share": with_text / total if total else None}


def characters(connection: duckdb.DuckDBPyConnection, column: str, most: int = 60) -> dict[str, int]:
    """Fig 6: the most frequent characters of `title` or `ocr`, white space left out."""
    query = (
        f"SELECT letter, count(*) FROM (SELECT unnest(string_split({column}, '')) AS letter FROM kept "
        f"WHERE {column} NOT NULL) WHERE trim(letter) != ''"
    )
    return _counts(connection, query, most=most)


def words(connection: duckdb.DuckDBPyConnection, seed: int, most: int = 150) -> dict[str, int]:
    """Fig 3: the most frequent words of two or more characters after jieba, on a seeded sample."""
    sample = connection.execute(
        "SELECT title FROM kept WHERE title NOT NULL ORDER BY hash(id || ?::VARCHAR), id LIMIT ?",
        [seed, WORD_SAMPLE],
    ).fetchall()
    cut = (word for (title,) in sample for word in segmenter().cut(title))
    counts = Counter(word for word in cut if len(word) > 1 and word.isalpha())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(ranked[:most])


def _names(store: Store, category: str) -> dict[str, str | None]:
    if category not in store.taxonomy:
        return {"name_zh": category, "name_en": None}
    node = store.taxonomy[category]
    return {"name_zh": node.name, "name_en": node.name_en}


def _counts(
    connection: duckdb.DuckDBPyConnection, query: str, *, by_key: bool = False, most: int = 1_000
) -> dict[Any, int]:
    """Group a two-column query: key -> count, most frequent first unless `by_key`."""
    order = "1" if by_key else "2 DESC, 1"
    return dict(connection.sql(f"{query} GROUP BY 1 ORDER BY {order} LIMIT {most}").fetchall())


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.sql(query).fetchall()[0][0])
