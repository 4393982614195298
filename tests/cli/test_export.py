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


def table(folder: Path, labels: str, rows: list[str]) -> Path:
    path = folder / "shop.csv"
    path.write_text("\n".join([f"id,{labels}", *rows]) + "\n", encoding="utf-8")
    assert ran("ingest", path, "--id", "id", "--labels", labels, "--store", folder / "shop").code == 0
    return folder / "shop"


def test_categories_of_a_table_are_numbered_and_keep_their_names(tmp_path: Path) -> None:
    """A name below two parents is two categories."""
    shop = table(tmp_path, "a,b", ["1,食品,其他", "2,家居,其他", "3,食品,茶", "4,食品,"])
    assert ran("export", shop, "--out", tmp_path / "a.json").code == 0
    records = orjson.loads((tmp_path / "a.json").read_bytes())
    ids = [(record["class_id"], record["sub_class_id"]) for record in records]
    assert ids == [("1", "1"), ("2", "2"), ("1", "3"), ("1", "FALSE")]
    assert [record["sub_class_name"] for record in records] == ["其他", "其他", "茶", "FALSE"]


def test_what_a_table_became_is_read_again_as_the_same_paths(tmp_path: Path) -> None:
    shop = table(tmp_path, "a,b,c", ["1,食品,饮料,茶", "2,家居,餐具,", "3,食品,饮料,水"])
    assert ran("export", shop, "--out", tmp_path / "a.json").code == 0
    again = tmp_path / "again"
    assert ran("ingest", tmp_path / "a.json", "--format", "mep3m", "--store", again).code == 0
    assert [one.source_path for one in Store.open(again).products()] == [
        one.source_path for one in Store.open(shop).products()
    ]
    assert len({one.category(3) for one in Store.open(again).products()}) == 3  # two, and none


def test_a_fourth_level_is_refused_and_left_out_only_when_asked(tmp_path: Path) -> None:
    shop = table(tmp_path, "a,b,c,d", ["1,食品,饮料,茶,绿茶", "2,家居,餐具,杯,", "3,食品,饮料,茶,红茶"])
    found = ran("export", shop, "--out", tmp_path / "a.json")
    assert found.code == 2
    assert "shop:1 has 4 levels of categories" in found.err
    assert "--cut" in found.err
    assert not (tmp_path / "a.json").exists()
    cut = ran("export", shop, "--out", tmp_path / "a.json", "--cut")
    assert cut.code == 0
    assert cut.out.splitlines()[1] == "2 products lost what lies below their third level"
    names = [record["subsub_class_name"] for record in orjson.loads((tmp_path / "a.json").read_bytes())]
    assert names == ["茶", "杯", "茶"]


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
