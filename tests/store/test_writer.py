"""Stores: what their manifest counts, what resumes, what is refused, and what a reader sees."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.errors import FormatError, StoreError
from mep3m.product import PRODUCT_SCHEMA, Product, to_table
from mep3m.store import Plan, Reject, Store, StoreWriter
from mep3m.store.json_files import read_json, write_json
from mep3m.store.rejects import REJECT_SCHEMA, VALUE_LIMIT, rejects_table
from mep3m.taxonomy import Category, Taxonomy


def rows(part: int, count: int, dropped: int) -> list[Product]:
    return [
        Product(f"s:{part}-{i}", "s", f"{part}-{i}", title="茶", dropped="bad" if i < dropped else None)
        for i in range(count)
    ]


counts = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)), max_size=4)


@settings(max_examples=25, deadline=None)
@given(parts=counts, order=st.randoms(use_true_random=False))
def test_the_manifest_counts_what_was_written_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int, int]], order: Any
) -> None:
    folder = tmp_path_factory.mktemp("store") / "s"
    writer = StoreWriter.begin(folder, Plan("ingest", {}, tuple(f"p{i}" for i in range(len(parts)))))
    numbers = list(range(len(parts)))
    order.shuffle(numbers)
    for number in numbers:
        size, dropped, refused = parts[number]
        rejects = [Reject("ingest", "s", "why", line=i) for i in range(refused)]
        assert writer.write(number, to_table(rows(number, size, dropped)), rejects) == size
    store = writer.finish()
    assert store.rows == sum(size for size, _, _ in parts)
    assert store.manifest["dropped"] == sum(min(size, dropped) for size, dropped, _ in parts)
    assert store.manifest["rejects"] == store.rejects().num_rows == sum(refused for *_, refused in parts)
    assert [shard["part"] for shard in store.manifest["shards"]] == [f"p{i}" for i in range(len(parts))]
    expected = [product.id for n, (size, _, _) in enumerate(parts) for product in rows(n, size, 0)]
    assert [product.id for product in store.products()] == expected


def test_a_store_without_parts_is_whole_and_empty(tmp_path: Path) -> None:
    store = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ())).finish()
    assert (store.rows, list(store.tables()), list(store.products())) == (0, [], [])
    assert store.rejects().schema == REJECT_SCHEMA
    assert len(store.taxonomy) == 0
    assert store.connect().sql("SELECT count(*) FROM products").fetchall() == [(0,)]
    assert store.connect().sql("SELECT count(*) FROM rejects").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "other",
    [
        Plan("align", {"a": 1}, ("x",)),
        Plan("ingest", {"a": 2}, ("x",)),
        Plan("ingest", {"a": 1}, ("x", "y")),
        Plan("ingest", {"a": 1}, ("x",), parent="0123456789abcdef"),
        Plan("ingest", {"a": 1}, ("x",), images="../images"),
        Plan("ingest", {"a": 1}, ("x",), version="0.0.0"),
    ],
    ids=["step", "setting", "parts", "parent", "images", "version"],
)
def test_anything_that_can_change_the_bytes_changes_the_fingerprint(tmp_path: Path, other: Plan) -> None:
    plan = Plan("ingest", {"a": 1}, ("x",))
    assert other.fingerprint != plan.fingerprint
    StoreWriter.begin(tmp_path / "s", plan)
    with pytest.raises(StoreError, match="--replace"):
        StoreWriter.begin(tmp_path / "s", other)


def test_the_same_plan_goes_on_where_it_stopped(tmp_path: Path) -> None:
    plan = Plan("ingest", {}, ("x", "y", "z"))
    StoreWriter.begin(tmp_path / "s", plan).write(1, to_table(rows(1, 2, 0)))
    again = StoreWriter.begin(tmp_path / "s", plan, replace=True)
    assert again.missing() == [0, 2]
    assert not again.complete


def test_a_run_killed_while_it_wrote_its_plan_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    """Found by `bench.faults`: the half-written plan made the folder look like somebody else's."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s/.plan.json.4711.tmp").write_bytes(b'{"step": "ing')
    assert StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ())).finish().rows == 0
    (tmp_path / "t").mkdir()
    (tmp_path / "t/.plan.json.swp").touch()
    with pytest.raises(StoreError, match="is not empty and holds no store"):
        StoreWriter.begin(tmp_path / "t", Plan("ingest", {}, ()))


def test_replacing_a_store_keeps_its_images_and_forgets_the_rest(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("x",)))
    writer.write(0, to_table(rows(0, 2, 0)), [Reject("ingest", "s", "why")])
    store = writer.finish(Taxonomy((Category("1", "水果"),)))
    key = store.images.put(b"picture")
    StoreWriter.begin(tmp_path / "s", Plan("ingest", {"new": True}, ("x",)), replace=True)
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["images", "plan.json"]
    assert store.images.read(key) == b"picture"


def test_a_store_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ())).finish()
    manifest = read_json(tmp_path / "s" / "manifest.json")
    write_json(tmp_path / "s" / "manifest.json", {**manifest, "format": 99})
    with pytest.raises(StoreError, match="has format 99, this mep3m reads up to 1"):
        Store.open(tmp_path / "s")


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ())).finish()
    (tmp_path / "s" / "manifest.json").write_text('{"format": 1')
    with pytest.raises(FormatError, match=r"manifest\.json is not JSON"):
        Store.open(tmp_path / "s")


def test_no_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="make one with 'mep3m ingest' or 'mep3m build'"):
        Store.open(tmp_path / "none")


def test_a_missing_shard_is_named_with_what_to_do(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("x",)))
    writer.write(0, to_table(rows(0, 1, 0)))
    store = writer.finish()
    store.shards[0].unlink()
    with pytest.raises(StoreError, match=r"00000\.parquet cannot be read .* delete it and run"):
        list(store.products())


def test_columns_can_be_chosen_and_a_shard_has_them_all(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("x",)))
    writer.write(0, to_table(rows(0, 3, 1)))
    store = writer.finish()
    assert next(store.tables()).schema.equals(PRODUCT_SCHEMA)
    assert next(store.tables(["title", "dropped"])).to_pylist()[0] == {"title": "茶", "dropped": "bad"}


def test_a_table_with_other_columns_is_not_written(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("x",)))
    with pytest.raises((ValueError, pa.ArrowException)):
        writer.write(0, pa.table({"id": ["1"], "price": [3]}))
    assert writer.missing() == [0]


def test_a_later_step_reads_the_images_of_the_first(tmp_path: Path) -> None:
    first = StoreWriter.begin(tmp_path / "one", Plan("ingest", {}, ())).finish()
    key = first.images.put(b"picture")
    plan = Plan("quality", {}, (), parent=first.fingerprint, images="../one/images")
    assert StoreWriter.begin(tmp_path / "two", plan).finish().images.read(key) == b"picture"


@given(value=st.text(max_size=40) | st.text("长", min_size=VALUE_LIMIT - 2, max_size=VALUE_LIMIT + 30))
def test_a_long_value_is_cut_and_says_how_long_it_was(value: str) -> None:
    (kept,) = rejects_table([Reject("ingest", "s", "why", value=value)])["value"].to_pylist()
    if len(value) <= VALUE_LIMIT:
        assert kept == value
    else:
        assert len(kept) == VALUE_LIMIT
        assert kept.endswith(f"… ({len(value):,} characters)")
        assert value.startswith(kept.split("…", maxsplit=1)[0])
