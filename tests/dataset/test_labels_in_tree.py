from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings

from mep3m.dataset.dataset import Cells, Dataset
from mep3m.dataset.labels_in_tree import ids_of_names, in_the_runs_tree, remap_dataset
from mep3m.errors import ModelError, UsageError
from mep3m.taxonomy import Category, Taxonomy
from tests.label_tree.trees import LabelTree, trees
from tests.recipes.test_classify import call, write_table

TREE = Taxonomy(
    (
        Category("1", "食品", "food"),
        Category("2", "家居", "home"),
        Category("11", "茶", "tea", "1"),
        Category("12", "米", "rice", "1"),
        Category("21", "茶", "tea", "2"),
        Category("22", "灯", "lamp", "2"),
        Category("23", "灯", "lamp", "2"),
        Category("13", "旧", "old", "1", archived=True),
    )
)


def data(*cells: Cells) -> Dataset:
    return Dataset(pa.table({"id": [str(row) for row in range(len(cells))]}), cells)


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (("食品", "茶"), ("1", "11")),
        (("food", "tea"), ("1", "11")),
        (("2", "tea"), ("2", "21")),
        (("食品",), ("1",)),
        (("食品", None), ("1", None)),
        ((None, "rice"), ("1", "12")),
        (("食品", "咖啡"), ("1", "咖啡")),
        (("toys", "tea"), ("toys", "tea")),
        (("food", "old"), ("1", "13")),
        ((), ()),
    ],
)
def test_names_become_ids_level_by_level(names: Cells, ids: Cells) -> None:
    assert ids_of_names(TREE, (names,)) == (ids,)


@pytest.mark.parametrize("names", [("home", "lamp"), (None, "tea")])
def test_a_name_of_several_categories_is_an_error_that_names_them(names: Cells) -> None:
    wanted = "2 > 22 or 2 > 23" if names[0] else "1 > 11 or 2 > 21"
    with pytest.raises(UsageError, match=f"1 labels name several categories .*{TREE.version}.*{wanted}.*ids"):
        ids_of_names(TREE, (names, ("food", "tea")))


@settings(max_examples=30, deadline=None)
@given(trees)
def test_every_path_of_distinct_names_is_found(tree: LabelTree) -> None:
    number = {path: f"id{place}" for place, path in enumerate(tree.paths)}
    taxonomy = Taxonomy(
        tuple(Category(number[path], path[-1], None, number.get(path[:-1])) for path in tree.paths)
    )
    expected = tuple(tuple(number[path[:depth]] for depth in range(1, len(path) + 1)) for path in tree.paths)
    assert ids_of_names(taxonomy, tree.paths) == expected


def test_a_renamed_category_stays_a_moved_one_counts_where_the_run_has_it() -> None:
    later = {category.id: category for category in TREE}
    later["12"] = replace(later["12"], name_zh="大米")
    later["11"] = replace(later["11"], parent="2")
    new = Taxonomy((*later.values(), Category("111", "红茶", "black tea", "11"), Category("3", "玩具")))
    labels = data(("1", "12"), ("2", "11"), ("2", "11", "111"), ("3",), ())
    found, done = remap_dataset(labels, TREE, new, "the data")
    assert found.cells == (("1", "12"), ("1", "11"), ("1", "11"), ("3",), ())
    assert (done["moved"], done["new"]) == (1, 2)
    assert (done["model"], done["data"]) == (TREE.version, new.version)


def test_a_store_of_another_taxonomy_is_an_error_with_both_versions() -> None:
    other = Taxonomy((Category("x", "别的"),))
    wanted = f"version {other.version}.*version {TREE.version}.*'x'.*Train again on items"
    with pytest.raises(ModelError, match=wanted):
        in_the_runs_tree(data(("x",)), TREE, other, "items")


def test_labels_of_the_runs_own_tree_are_left_alone() -> None:
    labels = data(("1", "11"))
    assert in_the_runs_tree(labels, None, None, "t") == (labels, None)
    assert in_the_runs_tree(labels, TREE, Taxonomy(TREE.categories[::-1]), "t") == (labels, None)


def test_a_run_on_ids_scores_a_table_of_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a run trained on a store leaves: classes are ids, taxonomy.json gives their names."""
    ids = {"food": "1", "home": "2", "tea": "11", "rice": "12", "lamp": "22"}
    named = write_table(tmp_path / "names.tsv")
    lines = named.read_text().splitlines()
    cells = [line.split("\t") for line in lines[1:]]
    rows = ["\t".join([*row[:2], *(ids.get(name, "") for name in row[2:4]), row[4]]) for row in cells]
    (tmp_path / "ids.tsv").write_text("\n".join([lines[0], *rows]) + "\n")
    columns = ("--title", "name", "--labels", "l1,l2", "--id", "sku", "--shop", "shop")
    run = tmp_path / "run"
    assert call("train", tmp_path / "ids.tsv", *columns, "--modality", "text", "--out", run) == 0
    Taxonomy(tuple(category for category in TREE if category.id != "23")).save(run / "taxonomy.json")
    capsys.readouterr()
    assert call("evaluate", run, "--data", named, "--json") == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["taxonomy"]["names"] is True
    assert [level["unseen"] for level in scores["levels"]] == [0, 0]
    assert scores["levels"][1]["top1"] > 0.95
    TREE.save(run / "taxonomy.json")
    assert call("evaluate", run, "--data", named) == 2
    told = capsys.readouterr().err
    assert re.search(r"'home > lamp' is 2 > 22 or 2 > 23", told)
    assert "Traceback" not in told
