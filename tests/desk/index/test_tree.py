"""Numbers of categories: all below one stand in one range, whatever the tree."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.desk.index.tree import NumberedTree
from mep3m.taxonomy import Category, Taxonomy

FEW = settings(max_examples=80, deadline=None)


@st.composite
def trees(draw: st.DrawFn) -> Taxonomy:
    """Return a tree in which each category hangs below an earlier one, or below none."""
    parents = draw(st.lists(st.integers(-1, 30), max_size=25))
    return Taxonomy(
        tuple(
            Category(f"c{n}", f"类{n}", f"Class {n}" if n % 2 else None, f"c{at}" if 0 <= at < n else None)
            for n, at in enumerate(parents)
        )
    )


def above(tree: Taxonomy, name: str) -> set[str]:
    """Return a category and all above it."""
    found: set[str] = set()
    at: str | None = name
    while at is not None:
        found.add(at)
        at = tree[at].parent if at in tree else None
    return found


@FEW
@given(tree=trees(), filed=st.lists(st.integers(0, 27), max_size=40))
def test_ranges_and_counts_are_those_of_the_tree(tree: Taxonomy, filed: list[int]) -> None:
    numbered = NumberedTree(tree)
    for place in filed:  # some of them in categories that the tree lacks
        numbered.count(numbered.number(f"c{place}"))
    rows = {str(row[3]): row for row in numbered.rows()}
    assert sorted(int(str(row[0])) for row in rows.values()) == list(range(1, len(rows) + 1))
    own = Counter(f"c{place}" for place in filed)
    for name, (number, last, parent, *_, filed_here, below, text) in rows.items():
        inside = {other for other, row in rows.items() if number <= row[0] <= last}  # type: ignore[operator]
        assert inside == {other for other in rows if name in above(tree, other)}
        assert (filed_here, below) == (own[name], sum(own[other] for other in inside))
        over = tree[name].parent if name in tree else None
        assert parent == (rows[over][0] if over is not None else 0)
        assert name in str(text)


def test_a_deep_tree_needs_no_deep_stack() -> None:
    deep = 3_000
    nodes = (Category(str(n), str(n), None, str(n - 1) if n else None) for n in range(deep))
    numbered = NumberedTree(Taxonomy(tuple(nodes)))
    numbered.count(numbered.number(str(deep - 1)))
    assert {row[-2] for row in numbered.rows()} == {1}


def test_no_product_filed_anywhere_counts_nowhere() -> None:
    numbered = NumberedTree(Taxonomy((Category("a", "甲"), Category("b", "乙", None, "a"))))
    numbered.count(0)
    assert [row[-3:-1] for row in numbered.rows()] == [(0, 0), (0, 0)]
