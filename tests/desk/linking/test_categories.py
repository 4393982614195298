"""What is shown of a category beside its path."""

from pathlib import Path

from mep3m.desk.folder import DeskFolder
from mep3m.desk.linking.categories import MOST, LinkedCategories
from mep3m.store import Store


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
