"""Lines of a picture are shown only where they are what its text was made of; else none, and no error."""

import sqlite3
from pathlib import Path

import orjson
import pytest

from mep3m.desk.folder import DeskFolder
from mep3m.desk.index.readings import Readings
from mep3m.product import Product, to_table
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.lines import TextLine, joined
from mep3m.stages.ocr.read import finish
from mep3m.stages.ocr.stage import default_cache
from mep3m.store import Plan, Store, StoreWriter

IMAGE = "a" * 64
SETTINGS = OcrSettings(clean="spaces")
#: below each other; the last one is too unsure to count
READ = [
    TextLine(((0, y), (90, y), (90, y + 20), (0, y + 20)), text, sure)
    for y, text, sure in ((0, "全国包邮", 0.99), (40, "绿茶 500g", 0.97), (80, "spots", 0.1))
]
TEXT = joined(finish(READ, SETTINGS))
PRODUCT = Product("s:1", "s", "1", title="绿茶", ocr=TEXT, image=IMAGE)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that a step made which read pictures, and beside it what that step read."""
    settings = {"reader": "this one", **SETTINGS.model_dump(mode="json")}
    writer = StoreWriter.begin(tmp_path / "build" / "store", Plan("ocr", settings, ("one",)))
    writer.write(0, to_table([PRODUCT]), ())
    store = writer.finish(None)
    keep(store, orjson.dumps([line.to_dict() for line in READ]).decode())
    return store


def keep(store: Store, lines: object, reader: str = "this one") -> None:
    path = default_cache(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS readings (image TEXT, reader TEXT, lines TEXT)")
        connection.execute("DELETE FROM readings")
        connection.execute("INSERT INTO readings VALUES (?, ?, ?)", (IMAGE, reader, lines))
    connection.close()


def lines(store: Store, product: Product = PRODUCT) -> list[tuple[str, bool]]:
    readings = Readings(DeskFolder.open(store.folder))
    try:
        return [(line.text, line.promotional) for line in readings.lines(product)]
    finally:
        readings.close()


def test_selling_talk_is_told_from_what_a_picture_says_of_its_product(store: Store) -> None:
    assert lines(store) == [("全国包邮", True), ("绿茶 500g", False)]


@pytest.mark.parametrize(
    "product",
    [
        Product("s:1", "s", "1", ocr=TEXT),
        Product("s:1", "s", "1", ocr=None, image=IMAGE),
        Product("s:1", "s", "1", ocr=TEXT, image="b" * 64),
        Product("s:1", "s", "1", ocr="another text than was read", image=IMAGE),
    ],
    ids=["no picture", "no text", "never read", "text of elsewhere"],
)
def test_lines_of_another_text_are_not_shown(store: Store, product: Product) -> None:
    assert lines(store, product) == []


@pytest.mark.parametrize("kept", ["no JSON", "{}", '[{"text": "包邮"}]', "[7]", None, b"\xff", 7])
def test_damaged_readings_are_none(store: Store, kept: object) -> None:
    keep(store, kept)
    assert lines(store) == []


def test_readings_of_another_reader_are_none(store: Store) -> None:
    keep(store, "[]", "an earlier version")
    assert lines(store) == []


@pytest.mark.parametrize("content", [b"", b"no database", None], ids=["empty", "no database", "gone"])
def test_a_file_that_holds_no_readings(store: Store, content: bytes | None) -> None:
    path = default_cache(store)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert lines(store) == []


def test_a_run_has_no_pictures_to_read(small_run: Path) -> None:
    readings = Readings(DeskFolder.open(small_run))
    assert readings.lines(PRODUCT) == []
    readings.close()
