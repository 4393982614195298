"""What every source must do, whatever its format."""

import contextlib
import io
import json
import pickle
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from mep3m.errors import InputError, UsageError
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.sources import SourceEntry
from mep3m.sources.base import Batch
from mep3m.sources.catalogue import find_format, open_source
from mep3m.sources.format_names import ENDINGS, FORMATS
from mep3m.sources.tables import table_format
from tests.ingest.shop import picture, rows, write_images, write_shop
from tests.sources.mep3m.test_annotations import record

COLUMNS = {"id": "id", "title": "title", "labels": ["a", "b"]}
COUNT = 6
Made = tuple[Path, dict[str, Any]]


def csv(folder: Path) -> Made:
    path = write_shop(folder, [*rows(COUNT), ("bad",) * 2], "shop.csv")  # type: ignore[list-item]
    path.write_text(path.read_text().replace("\t", ","))
    return path, {"columns": COLUMNS}


def tsv(folder: Path) -> Made:
    return write_shop(folder, [*rows(COUNT), ("bad",) * 2]), {"columns": COLUMNS}  # type: ignore[list-item]


def jsonl(folder: Path) -> Made:
    lines = [json.dumps(dict(zip(("id", "title", "a", "b"), row, strict=False))) for row in rows(COUNT)]
    path = folder / "shop.jsonl"
    path.write_text("\n".join([*lines, "{broken"]))
    return path, {"columns": COLUMNS}


def parquet(folder: Path) -> Made:
    images = [{"bytes": picture(i), "path": f"{i}.png"} for i in range(COUNT)]
    columns = {"title": [f"商品 {i}" for i in range(COUNT)], "label": [1, 0, 1, 0, 1, -1], "image": images}
    features = {"info": {"features": {"label": {"names": ["食品", "饮料"], "_type": "ClassLabel"}}}}
    table = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, folder / "train.parquet", row_group_size=4)
    return folder / "train.parquet", {"columns": {"title": "title", "labels": ["label"], "image": "image"}}


def spreadsheet(folder: Path) -> Made:
    book = Workbook()
    assert book.active is not None
    book.active.append(("id", "title", "a", "b"))
    for i in range(COUNT):
        book.active.append((i, f"商品 {i}", "食品", "饮料"))
    book.active.append((690123456789012345, "more digits than a spreadsheet keeps", "食品", "饮料"))
    book.save(folder / "shop.xlsx")
    return folder / "shop.xlsx", {"columns": COLUMNS}


def shop_csv(folder: Path, header: str, row: str, before: str = "", delimiter: str = ",") -> Path:
    rows = "".join(row.format(i=i).replace(",", delimiter) + "\n" for i in range(COUNT))
    path = folder / "export.csv"
    path.write_text(f"{before}{header.replace(',', delimiter)}\n{rows}only{delimiter}two\n", encoding="utf-8")
    return path


def shopify(folder: Path) -> Made:
    row = "h{i},商品 {i},食品 > 饮料,http://a.example/{i}.jpg"
    return shop_csv(folder, "Handle,Title,Product Category,Image Src", row), {"format": "shopify"}


def woocommerce(folder: Path) -> Made:
    return shop_csv(folder, "ID,Name,Categories,Images", "{i},商品 {i},食品 > 饮料,a.jpg"), {
        "format": "woocommerce"
    }


def magento(folder: Path) -> Made:
    row = "s{i},商品 {i},Default Category/食品/饮料,/a.jpg"
    return shop_csv(folder, "sku,name,categories,base_image", row), {"format": "magento"}


def taobao(folder: Path) -> Made:
    path = shop_csv(
        folder, "num_id,title,cid,picture", "{i},商品 {i},50011,a:1:0:|http://a.example/{i}.jpg",
        "version 1.00\n", "\t",
    )  # fmt: skip
    path.write_text(
        path.read_text().replace("picture\n", "picture\n宝贝\t名称\t类目\t图片\n"), encoding="utf-16"
    )
    return path, {"format": "taobao-csv"}


def amazon(folder: Path) -> Made:
    row = "s{i},商品 {i},tea,http://a.example/{i}.jpg"
    before = "TemplateType=fptcustom\tVersion=2024\t\t\nSKU\tName\tType\tImage\n"
    path = shop_csv(folder, "item_sku,item_name,item_type,main_image_url", row, before, "\t")
    return path, {"format": "amazon-flat-file"}


def own_shop(folder: Path) -> Made:
    shop = {"id": ["nr"], "title": ["bez"], "category": ["gruppe"]}
    return shop_csv(folder, "nr,bez,gruppe", "{i},商品 {i},食品>饮料"), {"format": "shop", "shop": shop}


def sql(folder: Path) -> Made:
    with contextlib.closing(sqlite3.connect(folder / "shop.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, title TEXT, a TEXT, b TEXT)"
        )
        values = [(i, f"商品 {i}", "食品", "饮料") for i in range(COUNT)]
        connection.executemany(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)", [*values, (99, "a\0b", "食品", "")]
        )
    (folder / "shop.sql").write_text("SELECT * FROM items;")
    database = {"url": f"sqlite:///{folder / 'shop.db'}", "key": "id", "batch_rows": 4}
    return folder / "shop.sql", {"columns": COLUMNS, "database": database}


def mep3m(folder: Path) -> Made:
    path = folder / "a.json"
    text = json.dumps([record(i, title=f"商品 {i}") for i in range(COUNT)], ensure_ascii=False)
    path.write_text(text.replace("]}", "]}")[:-1] + ', {"title": }]', encoding="utf-8")
    return path, {}


def folder_of_images(folder: Path) -> Made:
    write_images(folder / "shop/食品/饮料", range(4))
    write_images(folder / "shop/玩具", range(4, COUNT))
    return folder / "shop", {}


def webdataset(folder: Path) -> Made:
    with tarfile.open(folder / "train-000.tar", "w") as bundle:
        for i in range(COUNT + 1):
            value = json.dumps({"title": f"商品 {i}", "a": "食品", "b": "饮料"}) if i < COUNT else "{broken"
            for kind, content in (("png", picture(i)), ("json", value.encode())):
                entry = tarfile.TarInfo(f"train/{i:04d}.{kind}")
                entry.size = len(content)
                bundle.addfile(entry, io.BytesIO(content))
    return folder / "train-000.tar", {"columns": {"title": "title", "labels": ["a", "b"]}}


def merchant(folder: Path) -> Made:
    items = "".join(
        f"<item><g:id>{i}</g:id><title>商品 {i}</title><g:product_type>食品 &gt; 饮料</g:product_type>"
        f"<g:image_link>http://a.example/{i}.jpg</g:image_link></item>\n"
        for i in range(COUNT)
    )
    path = folder / "feed.xml"
    head = '<?xml version="1.0"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
    path.write_text(f"{head}{items}<item><broken></item></channel></rss>", encoding="utf-8")
    return path, {}


def jsonld(folder: Path) -> Made:
    pages = folder / "pages"
    pages.mkdir()
    for i in range(COUNT):
        value = {"@type": "Product", "sku": str(i), "name": f"商品 {i}", "category": "食品 > 饮料"}
        value["image"] = [f"http://a.example/{i}.jpg"]  # type: ignore[assignment]
        script = f'<script type="application/ld+json">{json.dumps({"@graph": [value]})}</script>'
        (pages / f"{i}.html").write_text(f"<html><body>{script}</body></html>")
    (pages / "9.html").write_text('<script type="application/ld+json">{broken</script>')
    return pages, {"format": "jsonld"}


def rpc(folder: Path) -> Made:
    value = {
        "images": [{"id": i, "file_name": f"{i}.jpg"} for i in range(COUNT)] + [{"id": 99}],
        "annotations": [{"image_id": i, "category_id": i % 2} for i in range(COUNT)],
        "categories": [{"id": i, "name": f"商品 {i}", "supercategory": "零食"} for i in range(2)],
    }
    (folder / "instances_train2019.json").write_text(json.dumps(value))
    return folder / "instances_train2019.json", {}


MAKERS: dict[str, Callable[[Path], Made]] = {
    "csv": csv,
    "tsv": tsv,
    "jsonl": jsonl,
    "parquet": parquet,
    "spreadsheet": spreadsheet,
    "shopify": shopify,
    "woocommerce": woocommerce,
    "magento": magento,
    "taobao-csv": taobao,
    "amazon-flat-file": amazon,
    "shop": own_shop,
    "sql": sql,
    "mep3m": mep3m,
    "folder": folder_of_images,
    "webdataset": webdataset,
    "merchant": merchant,
    "jsonld": jsonld,
    "rpc": rpc,
}
#: formats that no name says: they have to be named
NAMED = ("shopify", "woocommerce", "magento", "taobao-csv", "amazon-flat-file", "shop")
#: formats whose test catalogue has one broken row
BROKEN = sorted(set(MAKERS) - {"parquet", "folder"})


def read(path: Path, settings: dict[str, Any]) -> list[Batch]:
    source = open_source(SourceEntry.parse({"name": "shop", "path": str(path), **settings}, "test"))
    return [batch for part in source.parts() for batch in source.read(part)]


def test_every_format_is_covered() -> None:
    assert set(MAKERS) == set(FORMATS)


@pytest.mark.parametrize("name", MAKERS)
class TestEverySource:
    def test_products_have_the_schema_a_place_and_an_id(self, name: str, tmp_path: Path) -> None:
        path, settings = MAKERS[name](tmp_path)
        batches = read(path, settings)
        table = pa.concat_tables([batch.products for batch in batches])
        assert table.schema == PRODUCT_SCHEMA
        assert table.num_rows == COUNT
        places = list(zip(table["file"].to_pylist(), table["line"].to_pylist(), strict=True))
        assert places == sorted(set(places))
        assert len(set(table["id"].to_pylist())) == COUNT
        assert set(table["source"].to_pylist()) == {"shop"}
        paths = table["source_path"].to_pylist()
        assert sum(1 for names in paths if names) >= COUNT - 1
        labels = [[label["category"] for label in row] for row in table["labels"].to_pylist()]
        if name != "mep3m":  # its categories are numbers of its own tree
            assert labels == [names or [] for names in paths]

    def test_parts_and_rows_are_the_same_every_time(self, name: str, tmp_path: Path) -> None:
        path, settings = MAKERS[name](tmp_path)
        entry = SourceEntry.parse({"name": "shop", "path": str(path), **settings}, "test")
        one, two = open_source(entry), pickle.loads(pickle.dumps(open_source(entry)))
        assert one.parts() == two.parts()
        for part in one.parts():
            for left, right in zip(one.read(part), two.read(part), strict=True):
                assert left.products.equals(right.products)
                assert left.rejects == right.rejects
                assert left.contents == right.contents

    def test_parts_can_be_read_in_any_order(self, name: str, tmp_path: Path) -> None:
        path, settings = MAKERS[name](tmp_path)
        source = open_source(SourceEntry.parse({"name": "shop", "path": str(path), **settings}, "test"))
        backwards = [[b.products for b in source.read(part)] for part in reversed(source.parts())]
        rows_of = [table for tables in reversed(backwards) for table in tables]
        whole = pa.concat_tables([batch.products for batch in read(path, settings)])
        assert pa.concat_tables(rows_of).equals(whole)

    def test_files_are_the_input(self, name: str, tmp_path: Path) -> None:
        path, settings = MAKERS[name](tmp_path)
        source = open_source(SourceEntry.parse({"name": "shop", "path": str(path), **settings}, "test"))
        assert all(file.exists() for file in source.files())
        assert len(source.files()) >= 1

    def test_the_format_is_found_from_the_name(self, name: str, tmp_path: Path) -> None:
        assert find_format(MAKERS[name](tmp_path)[0]) == ("csv" if name in NAMED else name)

    def test_an_empty_input_says_so(self, name: str, tmp_path: Path) -> None:
        path, settings = MAKERS[name](tmp_path)
        if path.is_dir():
            for file in [p for p in path.rglob("*") if p.is_file()]:
                file.unlink()
        else:
            path.write_bytes(b"")
        if name == "webdataset":  # a tar file is only known to be broken when it is read
            (batch,) = read(path, {"format": name, **settings})
            assert len(batch.rejects) == 1
            return
        with pytest.raises(InputError, match=path.name):
            read(path, {"format": name, **settings})


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    path, settings = MAKERS[name](tmp_path)
    (reject,) = [reject for batch in read(path, settings) for reject in batch.rejects]
    assert reject.stage == "ingest"
    assert reject.source == "shop"
    assert reject.reason
    assert reject.file is not None
    assert reject.line is not None
    assert reject.line >= 1


def test_every_ending_is_of_a_format_that_there_is() -> None:
    assert set(ENDINGS.values()) <= set(FORMATS)


@pytest.mark.parametrize("ending", sorted(ENDINGS))
@pytest.mark.parametrize("more", ["", ".gz"])
def test_tables_and_catalogues_read_the_same_endings(ending: str, more: str) -> None:
    path = Path("shop" + ending.upper() + more)
    if ENDINGS[ending] in ("csv", "tsv", "jsonl", "parquet"):
        assert table_format(path) == find_format(path) == ENDINGS[ending]
    else:
        assert find_format(path) == ENDINGS[ending]
        with pytest.raises(UsageError, match=r"does not say the format; name one .*csv, jsonl, parquet, tsv"):
            table_format(path)


def test_a_name_that_says_nothing_lists_the_formats() -> None:
    with pytest.raises(UsageError, match=r"--format .*csv, folder, jsonl, jsonld, magento, mep3m"):
        find_format(Path("shop.dat"))
