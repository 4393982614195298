"""`mep3m export`: a dataset in MEP-3M's own format, and back."""

from pathlib import Path

import orjson
import pytest

from mep3m.product import Label, Product, to_table
from mep3m.store import Plan, Store, StoreWriter
from mep3m.taxonomy import Category, Taxonomy
from tests.cli.runner import ran

TREE = Taxonomy((Category("food", "食品", "Food"), Category("tea", "茶", None, "food")))
LABELS = (Label("food", "mapped", "x"), Label("tea", "mapped", "x"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    rows = [
        Product("s:1", "s", "1", title="西湖龙井茶", ocr="包邮", labels=LABELS, image_ref="a/1.jpg"),
        Product("s:2", "s", "2", title="碧螺春"),
        Product("s:3", "s", "3", title="坏", labels=LABELS, dropped="quality: blank_image"),
    ]
    writer = StoreWriter.begin(tmp_path / "store", Plan("align", {}, ("x",)))
    writer.write(0, to_table(rows))
    return writer.finish(TREE).folder


def test_every_product_that_is_not_dropped_is_a_record(store: Path, tmp_path: Path) -> None:
    found = ran("export", store, "--out", tmp_path / "new" / "a.json")
    assert (found.code, found.err) == (0, "")
    assert found.out.splitlines()[0] == "2 products written, 1 dropped ones left out"
    first, second = orjson.loads((tmp_path / "new" / "a.json").read_bytes())
    assert (first["class_name"], first["sub_class_name"], first["title"], first["OCR"]) == (
        "食品", "茶", "西湖龙井茶", "包邮",
    )  # fmt: skip
    assert (second["class_id"], second["OCR"], second["img_path"]) == ("FALSE", "FALSE", "FALSE")


def test_the_counts_are_there_for_machines(store: Path, tmp_path: Path) -> None:
    found = ran("export", store, "--out", tmp_path / "a.json", "--json").json
    assert {key: found[key] for key in ("written", "left_out", "categories")} == {
        "written": 2, "left_out": 1, "categories": 2,
    }  # fmt: skip


def test_what_is_written_is_read_again(store: Path, tmp_path: Path) -> None:
    assert ran("export", store, "--out", tmp_path / "a.json").code == 0
    again = tmp_path / "again"
    assert ran("ingest", tmp_path / "a.json", "--format", "mep3m", "--store", again).code == 0
    assert ran("export", again, "--out", tmp_path / "b.json").code == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert [product.title for product in Store.open(again).products()] == ["西湖龙井茶", "碧螺春"]


@pytest.mark.parametrize(
    ("source", "out", "code", "said"),
    [
        ("store", "taken.json", 2, "taken.json exists; name another file or delete it"),
        ("nowhere", "a.json", 1, "nowhere holds no store"),
        ("store", "taken.json/a.json", 2, "is a file"),
    ],
)
def test_nothing_is_replaced_and_nothing_is_made_of_nothing(
    store: Path, tmp_path: Path, source: str, out: str, code: int, said: str
) -> None:
    (tmp_path / "taken.json").write_text("mine")
    found = ran("export", store.with_name(source), "--out", tmp_path / out)
    assert found.code == code
    assert said in found.err
    assert (tmp_path / "taken.json").read_text() == "mine"
    assert not (tmp_path / "a.json").exists()
