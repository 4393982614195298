"""Images of workbooks on their way into a store, and what products have beside their columns."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mep3m.engine import make_engine
from mep3m.ingest.extras import EXTRAS_SCHEMA, write_extras
from mep3m.ingest.origin import Catalogues, decisive
from mep3m.ingest.run import ingest
from mep3m.settings.sources import SourceEntry
from mep3m.store import Store
from mep3m.store.layout import EXTRAS
from tests.ingest.shop import write_images
from tests.sources.spreadsheets.workbooks import HEADER, add_images, write_xlsx

SHOPIFY = "Handle,Title,Type,Image Src\nmug,Mug,Mugs,1.jpg\nmug,,,2.jpg\nrug,Rug,Rugs,3.jpg\nrug,,,4.jpg\n"


def entry(path: Path, **more: object) -> SourceEntry:
    return SourceEntry.parse({"name": path.stem, "path": str(path), **more}, "test")


def take(folder: Path, *entries: SourceEntry, replace: bool = False) -> Store:
    return ingest(entries, Path(), folder / "store", make_engine("local", 1), replace=replace)


def shop(folder: Path, text: str = SHOPIFY, name: str = "a.csv") -> SourceEntry:
    (folder / name).write_text(text)
    return entry(folder / name, format="shopify")


def values(folder: Path) -> list[tuple[str, str]]:
    rows = pq.read_table(folder / "store" / EXTRAS).to_pylist()
    return [(row["product"], row["value"]) for row in rows]


def test_extras_of_all_sources_stand_in_one_file(tmp_path: Path) -> None:
    take(tmp_path, shop(tmp_path), shop(tmp_path, SHOPIFY.replace("2.jpg", "9.jpg"), "b.csv"))
    assert values(tmp_path) == [
        ("a:mug", "2.jpg"),
        ("a:rug", "4.jpg"),
        ("b:mug", "9.jpg"),
        ("b:rug", "4.jpg"),
    ]
    assert pq.read_schema(tmp_path / "store" / EXTRAS) == EXTRAS_SCHEMA


def test_extras_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mep3m.ingest.extras.GROUP", 3)
    catalogues = Catalogues((shop(tmp_path), shop(tmp_path, name="b.csv")), Path(), tmp_path)
    assert write_extras(catalogues, tmp_path) == 4
    assert pq.ParquetFile(tmp_path / EXTRAS).metadata.num_row_groups == 2


def test_a_store_without_extras_has_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,title\n1,oak\n")
    take(tmp_path, entry(tmp_path / "a.csv", columns={"id": "id", "title": "title"}))
    assert not (tmp_path / "store" / EXTRAS).exists()


def test_extras_follow_a_newer_export(tmp_path: Path) -> None:
    take(tmp_path, shop(tmp_path))
    take(tmp_path, shop(tmp_path, SHOPIFY.replace("2.jpg", "5.jpg")))
    assert ("a:mug", "5.jpg") in values(tmp_path)
    take(tmp_path, shop(tmp_path, "Handle,Title,Type,Image Src\nmug,Mug,Mugs,1.jpg\n"))
    assert not (tmp_path / "store" / EXTRAS).exists()


def test_a_store_built_anew_has_the_extras_of_what_it_holds(tmp_path: Path) -> None:
    take(tmp_path, shop(tmp_path))
    (tmp_path / "c.csv").write_text("id,title\n1,oak\n")
    take(tmp_path, entry(tmp_path / "c.csv", columns={"id": "id", "title": "title"}), replace=True)
    assert not (tmp_path / "store" / EXTRAS).exists()


def test_images_of_a_workbook_come_into_the_store(tmp_path: Path) -> None:
    files = sorted(write_images(tmp_path / "images", range(2)).iterdir())
    path = write_xlsx(
        tmp_path / "a.xlsx", [(*HEADER, "photo"), ("S1", "oak", "Home"), ("S2", "pine", "Home")]
    )
    add_images(path, {"D2": files[0]})
    store = take(tmp_path, entry(path, columns={"id": "id", "title": "title", "labels": ["category"]}))
    (table,) = store.tables()
    assert [image is not None for image in table["image"].to_pylist()] == [True, False]
    assert table["image_format"].to_pylist() == ["png", None]
    assert (table["image_width"].to_pylist()[1], table["image_height"].to_pylist()[1]) == (None, None)


def test_an_image_of_a_workbook_that_is_too_large_is_told(tmp_path: Path) -> None:
    files = sorted(write_images(tmp_path / "images", range(1)).iterdir())
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, ("S1", "oak", "Home")])
    add_images(path, {"D2": files[0]})
    store = take(tmp_path, entry(path, columns={"id": "id", "title": "title"}, limits={"max_bytes": 10}))
    (table,) = store.tables()
    assert table["image"].to_pylist() == [None]
    (reject,) = store.rejects().to_pylist()
    assert (reject["stage"], reject["line"]) == ("images", 2)
    assert "at most 10 are allowed" in reject["reason"]


def test_settings_that_are_not_used_do_not_make_another_store() -> None:
    """A store made before there was such a setting stays what it is."""
    plain = decisive(SourceEntry(name="a", path="a.csv"))
    assert {"delimiter", "skip_lines", "sheet", "header_row", "shop", "database"}.isdisjoint(plain)
    named = decisive(
        SourceEntry.parse({"name": "a", "path": "a.csv", "delimiter": "tab", "skip_lines": 2}, "x")
    )
    assert (named["delimiter"], named["skip_lines"]) == ("\t", 2)


def test_where_a_database_lies_does_not_decide_what_a_store_is() -> None:
    database = {"url": "sqlite:///a.db", "key": "id", "query": "SELECT 1", "password_env": "PW"}
    found = decisive(SourceEntry.parse({"name": "a", "format": "sql", "database": database}, "x"))
    assert found["database"] == {"key": "id", "query": "SELECT 1", "batch_rows": 10_000}
