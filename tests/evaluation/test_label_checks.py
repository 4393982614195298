"""What is odd in labels is counted and named, and what is not odd is not."""

from hypothesis import given
from hypothesis import strategies as st

from mep3m.evaluation.label_checks import in_words, odd_labels
from mep3m.label_tree.tree import LabelTree
from mep3m.taxonomy import from_paths
from tests.dataset.test_labels_in_tree import TREE, data

PATHS = [("食品", "茶", "绿茶"), ("食品", "茶", "红茶"), ("家居", "茶"), ("家居", "灯"), ("书",)]


def test_labels_of_one_tree_are_not_odd() -> None:
    rows = data(("1", "11"), ("2", "22"), ("1", None))
    odd = odd_labels(rows, LabelTree.from_paths(rows.paths), TREE)
    assert odd.against_the_tree.rows == odd.shared_names == 0
    assert in_words(odd, "shop") == []


def test_rows_against_the_stores_own_tree_are_counted_and_the_most_frequent_named() -> None:
    rows = data(("2", "11"), ("2", "11"), ("1", "13"), ("1", "11"))
    odd = odd_labels(rows, LabelTree.from_paths(rows.paths), TREE)
    assert odd.against_the_tree.rows == 3  # '13' is archived: no category of today
    words = in_words(odd, "shop")
    assert words[0].startswith("3 rows of shop have labels that contradict its own tree")
    assert "2 rows: 2 > 11, which stands below '1' in the tree" in words[0]


def test_a_table_has_no_tree_of_its_own_to_contradict() -> None:
    rows = data(("2", "11"), ("1", "11"))
    odd = odd_labels(rows, LabelTree.from_paths(rows.paths), None)
    assert odd.against_the_tree.rows == 0
    assert in_words(odd, "t.tsv") == [
        "1 names have several parents (level 2: 11 below 1, 2); each counts as one class of its level"
    ]


@given(st.lists(st.sampled_from(PATHS), min_size=1, max_size=12))
def test_counts_are_those_of_plain_loops(paths: list[tuple[str, ...]]) -> None:
    rows = data(*paths)
    tree = LabelTree.from_paths(paths)
    nodes = {path[:depth] for path in paths for depth in range(1, len(path) + 1)}
    parents = {
        (len(node), node[-1]): {n[:-1] for n in nodes if (len(n), n[-1]) == (len(node), node[-1])}
        for node in nodes
    }
    odd = odd_labels(rows, tree, from_paths([("别的",)]))
    assert odd.shared_names == sum(len(above) > 1 for above in parents.values())
    assert odd.against_the_tree.rows == len(paths)  # a tree of other categories holds none of them
