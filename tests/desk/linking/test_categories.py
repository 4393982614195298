"""What is shown of a category beside its path."""

from pathlib import Path

import pytest

from mep3m.desk.folder import DeskFolder
from mep3m.desk.linking.categories import MOST, LinkedCategories
from mep3m.product import Product
from mep3m.store import Store
from tests.desk.index.drawn import stored


def test_neighbours_titles_and_pictures_of_a_store(built: Path) -> None:
    store = DeskFolder.open(built).store
    assert store is not None
    known = LinkedCategories(store)
    before = known.shown("haohuo", "食品饮料", 5, ("a title",))
    assert (before.rows, before.titles, before.siblings, before.pictures) == (5, ("a title",), [], ())
    known.look_up()
    assert known.wait(0)
    inner = known.shown("haohuo", "食品饮料", None, ())
    assert "食品饮料" not in inner.siblings
    assert len(inner.siblings) > 3
    assert inner.titles
    assert inner.pictures
    leaf = known.shown("haohuo", f"食品饮料 > {_below(store)}", None, ())
    assert leaf.path[0] == "食品饮料"
    assert leaf.pictures


def _below(store: Store) -> str:
    paths = {
        tuple(path)
        for table in store.tables(["source", "source_path"])
        for source, path in zip(table["source"].to_pylist(), table["source_path"].to_pylist(), strict=True)
        if source == "haohuo" and path and path[0] == "食品饮料"
    }
    return sorted(paths)[0][1]


def test_a_category_that_nobody_knows_is_shown_by_its_name(built: Path) -> None:
    known = LinkedCategories(None)
    known.look_up()
    shown = known.shown("x", "<script> > b", None, ())
    assert (shown.path, shown.siblings, shown.titles) == (("<script>", "b"), [], ())
    assert MOST > 0


def of(*rows: tuple[str, tuple[str, ...], str | None, str | None, str | None]) -> list[Product]:
    """Return products of (platform, path, title, picture, why dropped)."""
    return [
        Product(f"{n}", source, f"{n}", path, title, image=image, dropped=dropped)
        for n, (source, path, title, image, dropped) in enumerate(rows)
    ]


@pytest.fixture
def looked_up(tmp_path: Path) -> LinkedCategories:
    """Two platforms with a category of the same name, an inner one with products, and dropped ones."""
    sweets = [("a", ("食品", f"糖 {n:02}"), f"糖果 {n}", str(n) * 64, None) for n in range(9)]
    nuts = [("a", ("食品", f"坚果 {n:02}"), None, None, None) for n in range(7)]
    rows = of(
        *sweets, *nuts, ("a", ("食品",), "年货", None, None), ("b", ("食品",), "罐头", None, None),
        ("a", ("图书",), "same", "e" * 64, None), ("a", ("图书",), "same", "e" * 64, None),
        ("a", ("家电", "电视"), "broken", None, "blank_image"), ("a", (), "nowhere", None, None),
    )  # fmt: skip
    known = LinkedCategories(stored(tmp_path / "store", rows))
    known.look_up()
    return known


def test_what_is_beside_a_category_is_cut_and_counted(looked_up: LinkedCategories) -> None:
    leaf = looked_up.shown("a", "食品 > 糖 00", None, ())
    assert (len(leaf.siblings), leaf.more_siblings) == (MOST, 15 - MOST)
    assert leaf.siblings == sorted(leaf.siblings)
    assert "糖 00" not in leaf.siblings
    assert (leaf.titles, leaf.pictures) == (("糖果 0",), ("0" * 64,))


def test_platforms_of_one_name_are_not_mixed(looked_up: LinkedCategories) -> None:
    assert looked_up.shown("b", "食品", None, ()).titles == ("罐头",)
    assert looked_up.shown("b", "食品", None, ()).siblings == []
    assert looked_up.shown("a", "食品", None, ()).titles == ("年货",)  # its own before those below it
    assert looked_up.shown("a", "食品", None, ()).siblings == ["图书"]
    assert looked_up.shown("c", "食品", None, ()).titles == ()


def test_what_was_dropped_is_not_shown_and_the_same_once(looked_up: LinkedCategories) -> None:
    dropped = looked_up.shown("a", "家电 > 电视", 1, ())
    assert (dropped.titles, dropped.pictures, dropped.rows) == ((), (), 1)
    twice = looked_up.shown("a", "图书", None, ())
    assert (twice.titles, twice.pictures) == (("same",), ("e" * 64,))


def test_titles_that_the_review_names_come_first(looked_up: LinkedCategories) -> None:
    said = looked_up.shown("a", "图书", 2, ("one", "two", "three", "four"))
    assert said.titles == ("one", "two", "three")
    assert said.pictures == ("e" * 64,)


def test_an_inner_category_shows_one_of_each_below_it(tmp_path: Path) -> None:
    rows = [("a", ("服装", f"{n}"), f"衣 {n}{twin}", f"{n}" * 64, None) for n in range(6) for twin in "xy"]
    known = LinkedCategories(stored(tmp_path / "store", of(*rows)))
    known.look_up()
    shown = known.shown("a", "服装", None, ())
    assert len({title[2] for title in shown.titles}) == len(shown.titles) == 3
    assert len(set(shown.pictures)) == 4


@pytest.mark.parametrize("label", ["", " > ", "食品 > ", " > 食品", "食品 > 糖 00 > deeper", ">"])
def test_a_path_that_no_platform_has_is_shown_as_it_is_written(
    looked_up: LinkedCategories, label: str
) -> None:
    shown = looked_up.shown("a", label, None, ())
    assert " > ".join(shown.path) == label
    assert not shown.pictures
