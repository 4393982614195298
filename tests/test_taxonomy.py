import itertools
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mep3m.errors import FormatError, NotFoundError, TaxonomyError
from mep3m.taxonomy import Category, Taxonomy, from_paths, names_of

FOOD = Taxonomy(
    (
        Category("5", "食品", "Food"),
        Category("523", "水果", "Fruit", parent="5"),
        Category("640", "苹果", "Apple", parent="523"),
        Category("7", "母婴", "Baby"),
    )
)


def test_a_path_runs_from_the_first_level_down() -> None:
    assert [node.name for node in FOOD.path("640")] == ["食品", "水果", "苹果"]
    assert FOOD.level("640") == 3
    assert [node.id for node in FOOD.leaves()] == ["640", "7"]
    assert [node.id for node in FOOD.at_level(1)] == ["5", "7"]
    assert [node.id for node in FOOD.children(None)] == ["5", "7"]


def test_a_cycle_is_named() -> None:
    with pytest.raises(TaxonomyError, match="a -> b -> a"):
        Taxonomy((Category("a", parent="b"), Category("b", parent="a")))


def test_a_missing_parent_is_named() -> None:
    with pytest.raises(TaxonomyError, match="parent '9'"):
        Taxonomy((Category("1", "水果", parent="9"),))


def test_an_id_that_occurs_twice_is_named() -> None:
    with pytest.raises(TaxonomyError, match="'1' occurs twice"):
        Taxonomy((Category("1", "水果"), Category("1", "肉类")))


def test_an_unknown_id_is_an_error_with_its_value() -> None:
    with pytest.raises(NotFoundError, match="'99'"):
        FOOD["99"]


def test_a_file_that_is_no_taxonomy_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.json"
    path.write_text('[{"identity": 1}]')
    with pytest.raises(FormatError, match="not a taxonomy file"):
        Taxonomy.load(path)


names = st.text("食品水果肉abc", min_size=1, max_size=3)


@given(st.lists(st.lists(names, min_size=1, max_size=3).map(tuple), max_size=8))
def test_json_round_trip_keeps_the_version(paths: list[tuple[str, ...]]) -> None:
    taxonomy = from_paths(paths)
    again = Taxonomy(tuple(reversed(taxonomy.categories)))
    assert again.version == taxonomy.version
    assert all(" > ".join(path) in taxonomy for path in paths)


trees = st.lists(st.lists(names, min_size=1, max_size=4).map(tuple), max_size=10).map(from_paths)
#: parents by position: entry i hangs below an earlier one, or at the first level
forests = st.lists(st.none() | st.integers(0, 30), max_size=12).map(
    lambda parents: Taxonomy(
        tuple(
            Category(str(i), parent=None if parent is None or not i else str(parent % i))
            for i, parent in enumerate(parents)
        )
    )
)


@given(forest=forests)
def test_paths_levels_children_and_leaves_agree(forest: Taxonomy) -> None:
    for node in forest:
        path = forest.path(node.id)
        assert path[0].parent is None
        assert path[-1] == node
        assert all(low.parent == high.id for high, low in itertools.pairwise(path))
        assert forest.level(node.id) == len(path)
        assert node in forest.children(node.parent)
        assert (node in forest.leaves()) == (not forest.children(node.id))
    by_level = [forest.at_level(level) for level in range(1, len(forest) + 2)]
    assert by_level[-1] == ()
    assert sorted(node.id for nodes in by_level for node in nodes) == sorted(node.id for node in forest)
    assert sum(len(forest.children(node.id)) for node in forest) + len(forest.children(None)) == len(forest)


@given(forest=forests, order=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_says_nothing(forest: Taxonomy, order: Random) -> None:
    shuffled = list(forest)
    order.shuffle(shuffled)
    again = Taxonomy(tuple(shuffled))  # a child may stand before its parent
    assert again.version == forest.version
    assert {node.id: again.path(node.id) for node in again} == {n.id: forest.path(n.id) for n in forest}


@given(forest=forests, data=st.data())
def test_any_change_of_a_category_is_another_version(forest: Taxonomy, data: st.DataObject) -> None:
    assume(len(forest))
    node = data.draw(st.sampled_from(forest.categories))
    change = data.draw(
        st.sampled_from([{"name_zh": "新"}, {"name_en": "new"}, {"archived": True}, {"id": "other"}])
    )
    assume(not (change.get("id") and forest.children(node.id)))
    changed = Taxonomy(tuple(replace(n, **change) if n == node else n for n in forest))
    assert changed.version != forest.version


@given(forest=forests, data=st.data())
def test_a_parent_below_its_own_child_is_a_cycle_that_is_named(forest: Taxonomy, data: st.DataObject) -> None:
    assume(len(forest))
    node = data.draw(st.sampled_from(forest.categories))
    top = forest.path(node.id)[0]
    rows = tuple(replace(n, parent=node.id) if n == top else n for n in forest)
    with pytest.raises(TaxonomyError, match="the parents form a cycle: ") as caught:
        Taxonomy(rows)
    ring = str(caught.value).split(": ", 1)[1].split(" -> ")
    assert ring[0] == ring[-1]
    assert len(set(ring)) == len(ring) - 1
    parents = {row.id: row.parent for row in rows}
    assert all(parents[low] == high for low, high in itertools.pairwise(ring))


@given(tree=trees)
def test_a_saved_tree_is_the_same_tree(tree: Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("tree") / "taxonomy.json"
    tree.save(path)
    again = Taxonomy.load(path)
    assert again.version == tree.version
    assert {node.id: node for node in again} == {node.id: node for node in tree}


def test_a_tree_of_paths_has_each_name_once_and_in_order() -> None:
    tree = from_paths([("食品", "茶"), ("食品", "米"), ("家电",), ("食品",)])
    assert [node.id for node in tree] == ["食品", "食品 > 茶", "食品 > 米", "家电"]
    assert [node.name for node in tree.path("食品 > 米")] == ["食品", "米"]
    assert len(from_paths([])) == 0
    assert len(from_paths([()])) == 0


@pytest.mark.parametrize(
    ("category", "name"),
    [
        (Category("1", "茶", "Tea"), "茶"),
        (Category("1", None, "Tea"), "Tea"),
        (Category("1", "", "Tea"), "Tea"),
        (Category("1"), "1"),
    ],
)
def test_a_category_is_called_by_the_first_name_it_has(category: Category, name: str) -> None:
    assert category.name == name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a taxonomy file"),
        (b"{", "is not a taxonomy file"),
        (b"\xff\xfe", "is not a taxonomy file"),
        (b"1", "is not a taxonomy file"),
        (b"[1]", "is not a taxonomy file"),
        (b'{"id": "1"}', "is not a taxonomy file"),
        (b'[{"name_zh": "x"}]', "is not a taxonomy file"),
        (b'[{"id": 1}]', "id = 1 is not text"),
        (b'[{"id": null}]', "id = None is not text"),
        (b'[{"id": "1", "name_zh": 5}]', "name_zh = 5 is not text"),
        (b'[{"id": "1", "parent": ["2"]}]', "parent = .* is not text"),
        (b'[{"id": "1", "archived": "no"}]', "archived = 'no' is not true or false"),
    ],
)
def test_anything_but_a_list_of_categories_is_refused_by_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "taxonomy.json"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=message) as caught:
        Taxonomy.load(path)
    assert str(path) in str(caught.value)


def test_a_file_whose_tree_contradicts_itself_says_how(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.json"
    path.write_text('[{"id": "1", "parent": "1"}]')
    with pytest.raises(TaxonomyError, match="1 -> 1"):
        Taxonomy.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"none\.json does not exist"):
        Taxonomy.load(tmp_path / "none.json")


def test_a_deep_chain_is_checked_without_recursion() -> None:
    depth = 20_000
    rows = [Category(str(i), parent=str(i + 1) if i + 1 < depth else None) for i in range(depth)]
    assert Taxonomy(tuple(rows)).level("0") == depth


@pytest.mark.parametrize("taxonomy", [None, "tree"])
def test_ids_are_spelled_and_names_stay(taxonomy: str | None) -> None:
    tree = Taxonomy((Category("c1", "食品"), Category("c2", "苹果", parent="c1"))) if taxonomy else None
    names = ["食品", "苹果"] if taxonomy else ["c1", "c2"]
    assert [*names_of(["c1", "c2"], tree)] == names
    assert [*names_of(["数码", "耳机"], tree)] == ["数码", "耳机"]
    assert [*names_of([], tree)] == []
