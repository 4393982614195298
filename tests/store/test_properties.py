"""Any products in any shards: what was written is what is read, by every way of reading."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.product import Label, Product, from_table, to_table
from mep3m.store import Plan, Reject, Store, StoreWriter
from mep3m.store.json_files import fingerprint
from mep3m.taxonomy import Category, Taxonomy

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
MAYBE = st.none() | TEXT
LABEL = st.builds(
    Label, MAYBE, st.sampled_from(["given", "mapped", "predicted", "reviewed"]), TEXT,
    st.none() | st.floats(0, 1, width=32),
)  # fmt: skip
PRODUCT = st.builds(
    Product, TEXT, TEXT, TEXT, st.lists(TEXT, max_size=3).map(tuple), MAYBE, MAYBE, MAYBE, MAYBE,
    st.none() | st.integers(0, 2**31 - 1), st.none() | st.integers(0, 2**31 - 1), MAYBE,
    st.lists(LABEL, max_size=3).map(tuple), MAYBE, MAYBE, MAYBE, st.none() | st.integers(0, 2**40),
)  # fmt: skip
SHARDS = st.lists(st.lists(PRODUCT, max_size=3), max_size=4)
SOME = settings(max_examples=30)


def write(folder: Path, shards: list[list[Product]], **settings_: Any) -> Store:
    writer = StoreWriter.begin(folder, Plan("ingest", settings_, tuple(map(str, range(len(shards))))))
    for part, rows in enumerate(shards):
        writer.write(part, to_table(rows))
    return writer.finish()


@SOME
@given(SHARDS)
def test_every_product_comes_back_in_its_order(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[Product]]
) -> None:
    store = write(tmp_path_factory.mktemp("s") / "s", shards)
    every = [row for rows in shards for row in rows]
    assert list(store.products()) == every
    assert store.rows == len(every)
    assert store.manifest["dropped"] == sum(row.dropped is not None for row in every)
    assert [shard["rows"] for shard in store.manifest["shards"]] == list(map(len, shards))


@SOME
@given(SHARDS)
def test_sql_and_columns_read_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[Product]]
) -> None:
    store = write(tmp_path_factory.mktemp("s") / "s", shards)
    every = [row for rows in shards for row in rows]
    with store.connect() as connection:
        found = connection.execute('SELECT id, title, len(labels), "group" FROM products').fetchall()
    assert found == [(row.id, row.title, len(row.labels), row.group) for row in every]
    columns = list(store.tables(["line", "id"]))
    assert [table.column_names for table in columns] == [["line", "id"]] * len(shards)
    assert [key for table in columns for key in table["id"].to_pylist()] == [row.id for row in every]


@SOME
@given(SHARDS, st.randoms(use_true_random=False))
def test_the_order_in_which_shards_are_written_changes_no_byte(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[Product]], chance: Any
) -> None:
    folder = tmp_path_factory.mktemp("s")
    write(folder / "one", shards)
    writer = StoreWriter.begin(folder / "two", Plan("ingest", {}, tuple(map(str, range(len(shards))))))
    order = list(range(len(shards)))
    chance.shuffle(order)
    for part in order:
        writer.write(part, to_table(shards[part]))
    writer.finish()
    files = [path.relative_to(folder / "one") for path in (folder / "one").rglob("*") if path.is_file()]
    assert all((folder / "one" / file).read_bytes() == (folder / "two" / file).read_bytes() for file in files)


@given(st.lists(PRODUCT, max_size=4))
def test_a_table_is_the_products_whatever_is_missing(products: list[Product]) -> None:
    table = to_table(products)
    assert list(from_table(table)) == products
    assert list(from_table(pa.concat_tables([table, table]))) == products * 2
    for product in products:
        for level in range(1, 5):
            known = product.labels[level - 1].category if level <= len(product.labels) else None
            assert product.category(level) == known


@SOME
@given(st.lists(st.lists(TEXT.filter(bool), max_size=3), max_size=3))
def test_the_quarantine_is_that_of_every_part(
    tmp_path_factory: pytest.TempPathFactory, reasons: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("s") / "s"
    writer = StoreWriter.begin(folder, Plan("ingest", {}, tuple(map(str, range(len(reasons))))))
    for part, said in enumerate(reasons):
        writer.write(part, to_table([]), [Reject("ingest", "s", reason) for reason in said])
    store = writer.finish()
    every = [reason for said in reasons for reason in said]
    assert store.rejects()["reason"].to_pylist() == every
    assert store.manifest["rejects"] == len(every)
    assert len(list((folder / "rejects").glob("*"))) == sum(map(bool, reasons))
    with store.connect() as connection:
        found = connection.execute("SELECT reason, count(*) FROM rejects GROUP BY 1").fetchall()
    assert dict(found) == Counter(every)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(TEXT, JSON, max_size=3), st.dictionaries(TEXT, JSON, max_size=3))
def test_settings_that_differ_have_another_fingerprint(one: dict[str, Any], two: dict[str, Any]) -> None:
    left, right = (Plan("s", found, ("p",)).fingerprint for found in (one, two))
    assert (left == right) == (fingerprint(one) == fingerprint(two))
    assert Plan("s", dict(reversed(one.items())), ("p",)).fingerprint == left


def test_a_store_carries_its_taxonomy(tmp_path: Path) -> None:
    tree = Taxonomy((Category("1", "食品"), Category("11", "茶", parent="1")))
    writer = StoreWriter.begin(tmp_path / "s", Plan("align", {}, ("p",)))
    writer.write(0, to_table([]))
    store = writer.finish(tree)
    assert Store.open(tmp_path / "s").taxonomy == tree
    assert store.manifest["taxonomy"] == tree.version
    assert len(write(tmp_path / "bare", [[]]).taxonomy) == 0
