"""Label paths with gaps, levels, subsets, and opening a path that is not a dataset."""

from pathlib import Path

import numpy as np
import pytest

from mep3m.dataset.dataset import Dataset, join_gaps
from mep3m.dataset.reading import open_products
from mep3m.errors import Mep3mError, NotFoundError, UsageError
from mep3m.product import Label, Product, to_table
from mep3m.settings.sources import Columns


def dataset(*paths: tuple[str | None, ...]) -> Dataset:
    return Dataset.of(
        to_table(
            Product(
                id=f"p{n}",
                source="shop",
                source_id=str(n),
                title=f"title {n}",
                labels=tuple(Label(name, "given", "shop") for name in path),
            )
            for n, path in enumerate(paths)
        )
    )


def test_a_gap_is_closed_where_the_finer_name_has_one_place() -> None:
    whole = [("food", "tea"), ("home", "lamp"), ("home", "other"), ("food", "other")]
    assert join_gaps([*whole, (None, "tea")])[-1] == ("food", "tea")
    assert join_gaps([*whole, (None, "other")])[-1] == ()
    assert join_gaps([*whole, (None, "new")])[-1] == ()


def test_a_gap_agrees_with_the_levels_that_are_known() -> None:
    whole = [("food", "drink", "tea"), ("home", "gift", "tea")]
    assert join_gaps([*whole, ("home", None, "tea")])[-1] == ("home", "gift", "tea")
    assert join_gaps([*whole, ("toys", None, "tea")])[-1] == ("toys",)


def test_dropped_rows_are_left_out() -> None:
    rows = [
        Product(id=str(n), source="s", source_id=str(n), source_path=("a",), dropped=reason)
        for n, reason in enumerate((None, "duplicate"))
    ]
    assert Dataset.of(to_table(rows)).ids == ["0"]


def test_a_level_leaves_out_rows_without_it_unless_leaves_are_wanted() -> None:
    shelf = dataset(("food", "tea"), ("home",), ("home", "lamp"))
    assert shelf.at_level(2).paths == (("tea",), ("lamp",))
    assert shelf.at_level(2, leaf=True).paths == (("tea",), ("home",), ("lamp",))
    assert shelf.at_level(1).names(1) == ["food", "home", "home"]
    with pytest.raises(UsageError, match="the levels 1 to 2"):
        shelf.at_level(3)


def test_a_subset_holds_the_children_of_one_category() -> None:
    shelf = dataset(("food", "drink", "tea"), ("food", "drink", "milk"), ("food", "drink"), ("home", "lamp"))
    below = shelf.subset(("drink",))
    assert below.paths == (("tea",), ("milk",))
    assert below.ids == ["p0", "p1"]
    assert shelf.subset(("food", "drink")).paths == below.paths


@pytest.mark.parametrize(
    ("path", "message"),
    [(("drnk",), "did you mean 'drink'"), (("lamp",), "no finer level"), (("other",), "several parents")],
)
def test_a_subset_that_cannot_be_says_why(path: tuple[str, ...], message: str) -> None:
    shelf = dataset(("food", "drink", "tea"), ("home", "lamp"), ("home", "other"), ("food", "other"))
    with pytest.raises(Mep3mError, match=message):
        shelf.subset(path)


def test_taking_rows_keeps_products_and_labels_together() -> None:
    shelf = dataset(("a",), ("b",), ("c",))
    taken = shelf.take(np.array([2, 0]))
    assert taken.ids == ["p2", "p0"]
    assert taken.paths == (("c",), ("a",))


def test_no_label_at_all_is_an_error() -> None:
    with pytest.raises(UsageError, match="--labels"):
        dataset((), ()).labelled()


def test_what_is_no_dataset_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        open_products(tmp_path / "nothing.csv", Columns(title="t"))
    table = tmp_path / "items.csv"
    table.write_text("t,l\n")
    with pytest.raises(UsageError, match="--title or --image"):
        open_products(table)
    with pytest.raises(UsageError, match="no rows"):
        open_products(table, Columns(title="t"))


def test_a_gap_is_closed_from_the_given_tree_and_not_from_the_rows_beside_it() -> None:
    tree = [("food",), ("food", "tea"), ("home",), ("home", "lamp")]
    rows = [(None, "tea"), ("home", "tea"), (None, "lamp"), (None, "new")]
    together = join_gaps(rows, tree)
    assert together == [("food", "tea"), ("home", "tea"), ("home", "lamp"), ()]
    assert [join_gaps([row], tree)[0] for row in rows] == together


def test_a_leaf_of_a_level_is_the_rows_own_deepest_label_whatever_the_others_say() -> None:
    others = (("food", "drink", "tea"), ("home", "lamp"))
    shelf = dataset(*others, (None, "lamp"), ("food", None, "tea"), ("toys",))
    names = [("drink",), ("lamp",), ("lamp",), ("toys",)]
    assert shelf.at_level(2, leaf=True).paths == tuple(names)
    assert dataset((None, "lamp"), ("a", "b", "c")).at_level(3, leaf=True).paths == (("lamp",), ("c",))


def test_a_subset_holds_the_rows_whose_own_cells_say_so() -> None:
    shelf = dataset(("food", "tea"), ("food", "rice"), (None, "tea"), ("food", None, "green"))
    assert shelf.subset(("food",)).ids == ["p0", "p1", "p3"]
    assert shelf.take(np.array([1, 3])).subset(("food",)).cells == (("rice",), (None, "green"))
