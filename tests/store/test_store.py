from pathlib import Path

import pyarrow as pa
import pytest

from mep3m.errors import FormatError, StoreError
from mep3m.product import Product, to_table
from mep3m.store import ContentImages, FolderImages, Plan, Reject, Store, StoreWriter
from mep3m.store.filesystem import atomic_write, inside
from mep3m.store.json_files import fingerprint
from mep3m.taxonomy import Category, Taxonomy


def plan(*parts: str, **settings: object) -> Plan:
    return Plan("ingest", settings, parts)


def shard(*ids: str) -> pa.Table:
    dropped = {"bad": "quality: blank"}
    return to_table(Product(i, "shop", i, title=f"苹果 {i}", dropped=dropped.get(i)) for i in ids)


def test_a_store_opens_only_when_every_shard_and_the_manifest_exist(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", plan("x", "y"))
    writer.write(1, shard("c"))
    with pytest.raises(StoreError, match="unfinished \\(1 of 2 shards\\)"):
        Store.open(tmp_path / "s")
    with pytest.raises(StoreError, match="the first is 0"):
        writer.finish()
    assert writer.missing() == [0]
    writer.write(0, shard("a", "bad"), [Reject("ingest", "shop", "no title", line=7, value="z" * 900)])
    store = writer.finish(Taxonomy((Category("1", "水果"),)), threshold=0.75)
    assert [p.id for p in store.products()] == ["a", "bad", "c"]
    assert (store.rows, store.manifest["dropped"], store.manifest["rejects"]) == (3, 1, 1)
    assert store.manifest["threshold"] == 0.75
    assert store.taxonomy["1"].name == "水果"
    assert store.rejects().to_pylist()[0]["value"].endswith("(900 characters)")


def test_sql_sees_products_and_rejects(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", plan("x"))
    writer.write(0, shard("a", "bad"), [Reject("ingest", "shop", "no title")])
    connection = writer.finish().connect()
    assert connection.sql("select id from products where dropped is null").fetchall() == [("a",)]
    assert connection.sql("select count(*) from rejects").fetchall() == [(1,)]


def test_another_plan_is_refused_unless_replaced(tmp_path: Path) -> None:
    first = StoreWriter.begin(tmp_path / "s", plan("x", level=1))
    first.write(0, shard("a"))
    with pytest.raises(StoreError, match="other input or settings"):
        StoreWriter.begin(tmp_path / "s", plan("x", level=2))
    again = StoreWriter.begin(tmp_path / "s", plan("x", level=2), replace=True)
    assert again.missing() == [0]


def test_a_folder_with_foreign_files_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(StoreError, match="holds no store"):
        StoreWriter.begin(tmp_path, plan("x"), replace=True)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        writer = StoreWriter.begin(tmp_path / name, plan("x"))
        writer.write(0, shard("a", "b"), [Reject("ingest", "shop", "why")])
        writer.finish()
    for file in ("shards/00000.parquet", "rejects/00000.parquet", "manifest.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", plan("x"))
    writer.write(0, shard("a"))
    store = writer.finish()
    store.shards[0].write_bytes(b"PAR1 broken")
    with pytest.raises(StoreError, match=r"00000\.parquet cannot be read"):
        list(store.tables())


def test_a_file_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_write(tmp_path / "f") as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_images_with_the_same_bytes_are_stored_once(tmp_path: Path) -> None:
    images = ContentImages(tmp_path)
    assert images.put(b"pixels") == images.put(b"pixels")
    key = images.put(b"other")
    assert images.read(key) == b"other"
    assert images.locate({"image": key}) == tmp_path / key[:3] / key
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


@pytest.mark.parametrize("name", ["/etc/passwd", "../up.jpg", "a/../../b.jpg", "C:\\x.jpg", "a\x00.jpg"])
def test_a_path_from_data_never_leaves_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match="leaves its folder"):
        FolderImages(tmp_path).locate({"image_ref": name})


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    with pytest.raises(FormatError, match="through a link"):
        inside(tmp_path / "root", "link/secret.jpg")


def test_a_fingerprint_ignores_key_order_and_sees_values() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
