"""The questions that pages ask: search, filters, pages, the tree, one product."""

from pathlib import Path

import pytest

from mep3m.desk.index.filters import ProductFilters
from mep3m.desk.index.index import PAGE, StoreIndex
from mep3m.product import Label, Product
from mep3m.store.rejects import Reject
from mep3m.taxonomy import Category, Taxonomy
from tests.desk.index.drawn import indexed, stored, titled

TREE = Taxonomy(
    (
        Category("food", "食品", "Food"),
        Category("tea", "茶叶", "Tea", "food"),
        Category("green", "绿茶", None, "tea"),
        Category("phone", "手机", "Phones"),
    )
)
HASH = "a" * 64


def labels(*path: str, origin: str = "mapped") -> tuple[Label, ...]:
    return tuple(Label(name, origin, "x", 0.5) for name in path)  # type: ignore[arg-type]


PRODUCTS = [
    Product(
        "s:1",
        "s",
        "1",
        ("a", "b"),
        "绿茶 500g",
        "包邮",
        HASH,
        labels=labels("food", "tea", "green"),
        group="g",
    ),
    Product("s:2", "s", "2", (), "乌龙茶", None, HASH, labels=labels("food", "tea"), group="g"),
    Product(
        "t:3", "t", "3", (), "Nike手机壳", None, None, labels=labels("phone", origin="reviewed"), group="h"
    ),
    Product("t:4", "t", "4", (), "坏图", None, HASH, dropped="blank_image", file="x.csv", line=9),
    Product("t:5", "t", "5", (), None, None, None, labels=labels("elsewhere", origin="given")),
]


@pytest.fixture
def index(tmp_path: Path) -> StoreIndex:
    refused = [
        Reject("ingest", "t", "the image is empty", product="t:5"),
        Reject("ingest", "t", "no row", line=7),
    ]
    return indexed(stored(tmp_path / "store", PRODUCTS, TREE, refused), tmp_path / "index.sqlite")


def rows(index: StoreIndex, **filters: object) -> list[int]:
    return [row for row, _ in index.find(ProductFilters.model_validate(filters)).products]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [1, 2, 3, 5]),
        ({"q": "绿茶"}, [1]),
        ({"q": "茶"}, [1, 2]),
        ({"q": "龙茶"}, [2]),
        ({"q": "茶龙"}, []),
        ({"q": "包邮"}, [1]),
        ({"q": "nik"}, [3]),
        ({"q": "绿茶 500"}, [1]),
        ({"q": "%"}, []),
        ({"q": "nike OR 绿茶"}, []),
        ({"category": "food"}, [1, 2]),
        ({"category": "green"}, [1]),
        ({"category": "green", "quality": "all"}, [1]),
        ({"category": "none such"}, []),
        ({"category": "elsewhere"}, [5]),
        ({"platform": "t"}, [3, 5]),
        ({"platform": "nobody"}, []),
        ({"level": "3"}, [1]),
        ({"level": "9"}, []),
        ({"quality": "all"}, [1, 2, 3, 4, 5]),
        ({"quality": "dropped"}, [4]),
        ({"quality": "blank_image"}, [4]),
        ({"quality": "no such reason"}, []),
        ({"origin": "reviewed"}, [3]),
        ({"origin": "none", "quality": "all"}, [4]),
        ({"origin": "wrong"}, []),
        ({"twins": "yes"}, [1, 2]),
        ({"twins": "no"}, [3, 5]),
        ({"image": "yes"}, [1, 2]),
        ({"ocr": "no"}, [2, 3, 5]),
        ({"q": "茶", "ocr": "yes", "category": "food", "twins": "yes", "platform": "s"}, [1]),
    ],
)
def test_filters(index: StoreIndex, filters: dict[str, str], found: list[int]) -> None:
    assert rows(index, **filters) == found


def test_a_product_comes_back_as_it_was(index: StoreIndex) -> None:
    assert [product for _, product in index.products([1, 2, 3, 4, 5])] == PRODUCTS


def test_a_product_is_found_by_id_or_row(index: StoreIndex) -> None:
    assert [index.row_of(name) for name in ("t:3", "3", "0", "99", "x", "9" * 30, "²")] == [
        3,
        3,
        None,
        None,
        None,
        None,
        None,
    ]


def test_the_group_of_a_product(index: StoreIndex) -> None:
    twins, total = index.twins(1)
    assert ([row for row, _ in twins], total) == ([1, 2], 2)
    assert index.twins(3) == ([], 0)


def test_the_tree_counts_what_is_kept(index: StoreIndex) -> None:
    assert [(node.id, node.own, node.below) for node in index.children(0)] == [
        ("food", 0, 2), ("phone", 1, 1), ("elsewhere", 1, 1),
    ]  # fmt: skip
    green = index.category("green")
    assert green is not None
    assert [node.id for node in index.path(green)] == ["food", "tea", "green"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("茶", ["tea", "green"]),
        ("tea", ["tea"]),
        ("PHO", ["phone"]),
        ("食 food", ["food"]),
        ("%", []),
        ("  ", []),
        ("'", []),
    ],
)
def test_categories_by_what_is_typed(index: StoreIndex, text: str, found: list[str]) -> None:
    assert [node.id for node in index.suggest(text)] == found


def test_numbers_beside_filters_and_what_was_refused(index: StoreIndex) -> None:
    assert index.names("platform") == [("s", 2), ("t", 2)]
    assert index.names("dropped") == [("blank_image", 1)]
    assert index.names("level") == [("1", 2), ("2", 1), ("3", 1)]
    assert [row["reason"] for row in index.refused("t:5")] == ["the image is empty"]
    assert len(index.refused()) == 2
    assert index.fact("statistics")["rows"]["kept"] == 4


def test_pages_forward_and_back_hold_each_product_once(tmp_path: Path) -> None:
    count = 3 * PAGE + 5
    index = indexed(stored(tmp_path / "store", titled(*["茶"] * count)), tmp_path / "index.sqlite")
    seen, after = [], 0
    while True:
        page = index.find(ProductFilters(q="茶", after=after))
        assert (page.total, page.before) == (count, after > 0)
        seen += [row for row, _ in page.products]
        if not page.after:
            break
        after = seen[-1]
    assert seen == list(range(1, count + 1))
    back = index.find(ProductFilters(before=2 * PAGE + 1))
    assert [row for row, _ in back.products] == list(range(PAGE + 1, 2 * PAGE + 1))
    assert (back.before, back.after) == (True, True)
    assert not index.find(ProductFilters(before=PAGE + 1)).before


@pytest.mark.parametrize("titles", [(), (None,), ("",)])
def test_a_store_of_nothing(tmp_path: Path, titles: tuple[str | None, ...]) -> None:
    index = indexed(stored(tmp_path / "store", titled(*titles)), tmp_path / "index.sqlite")
    assert len(rows(index)) == len(titles)
    assert rows(index, q="茶") == []
    assert index.children(0) == []
