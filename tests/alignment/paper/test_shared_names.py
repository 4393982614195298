"""Categories of one name: paired in blocks, compared once, and bounded where a name is everywhere."""

import tracemalloc
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse

from mep3m.alignment import similarity
from mep3m.alignment.paper import rule as paper
from mep3m.alignment.paper import shared_names as first_of_name
from mep3m.alignment.paper.links import PaperLinks
from mep3m.alignment.paper.rule import NAMESAKES_KEPT
from mep3m.alignment.paper.shared_names import DistinctNames, category_pairs, label_pairs, nearest
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Entry, Proposal, Side
from mep3m.settings.align import AlignSettings

words = st.lists(st.sampled_from(["手机", "手机壳", "茶", "茶具", "其他"]), max_size=12)
Seen = tuple[str, str, float, bool, str]


def side(name: str, rows: list[tuple[str, str]]) -> Side:
    """Return a side of (name, title) categories; the ids are numbers."""
    entries = (
        Entry(str(k), ("根", of), titles=(title,) if title else ()) for k, (of, title) in enumerate(rows)
    )
    return Side(name, tuple(entries))


def seen(proposals: object) -> list[Seen]:
    assert isinstance(proposals, PaperLinks)
    return [(p.left_id, p.right_id, p.probability, p.accept, p.words) for p in proposals]


@given(names=words, chosen=st.sets(st.integers(0, 11)))
def test_every_category_stands_below_its_name(names: list[str], chosen: set[int]) -> None:
    places = np.array(sorted(place for place in chosen if place < len(names)), np.int64)
    grouped = DistinctNames.of(names, places)
    assert sorted(grouped.distinct) == sorted({names[place] for place in places})
    for number, name in enumerate(grouped.distinct):
        assert grouped.members(number).tolist() == [k for k in places.tolist() if names[k] == name]
    assert grouped.counts.sum() == len(places)


@given(left=words, right=words, block=st.integers(1, 9))
def test_the_categories_of_two_names_are_all_paired(left: list[str], right: list[str], block: int) -> None:
    ours, theirs = DistinctNames.of(left), DistinctNames.of(right)
    chosen = list(product(range(len(ours.distinct)), range(len(theirs.distinct))))[::2]
    rows, columns = np.array(chosen, np.int64).reshape(-1, 2).T
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_of_name, "BLOCK_PAIRS", block)
        for k, one, other in category_pairs(ours, theirs, rows, columns):
            assert 0 < len(k) <= block
            found += list(zip(k.tolist(), one.tolist(), other.tolist(), strict=True))
    assert sorted(found) == [
        (k, i, j)
        for k, (row, column) in enumerate(chosen)
        for i in sorted(ours.members(row).tolist())
        for j in sorted(theirs.members(column).tolist())
    ]


def test_equal_names_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    ratios = similarity._ratios

    def counted(left: object, right: object, rows: np.ndarray, columns: np.ndarray) -> object:
        nonlocal compared
        compared += len(rows)
        return ratios(left, right, rows, columns)  # type: ignore[arg-type]

    monkeypatch.setattr(similarity, "_ratios", counted)
    parts = list(label_pairs(["手机"] * 300 + ["手机壳"] * 200, ["手机"] * 400, 0.5))
    assert compared == 2
    assert sum(len(rows) for rows, _, _ in parts) == 500 * 400


@settings(max_examples=50, deadline=None)
@given(
    cells=st.integers(3, 7).flatmap(
        lambda wide: st.lists(
            st.lists(st.integers(0, 3), min_size=wide, max_size=wide), min_size=3, max_size=9
        )
    ),
    block=st.integers(1, 40),
    kept=st.integers(1, 3),
)
def test_the_nearest_of_either_side_are_found(cells: list[list[int]], block: int, kept: int) -> None:
    """Each category keeps `kept` partners, none that is left out is nearer than one that it keeps."""
    values = np.array(cells, float)
    vectors = sparse.csr_matrix(values), sparse.identity(values.shape[1], format="csr")
    left, right = np.arange(len(values)), np.arange(values.shape[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_of_name, "BLOCK_PAIRS", block)
        rows, columns = nearest(left, right, vectors, kept)
    held = set(zip(rows.tolist(), columns.tolist(), strict=True))
    assert len(held) == len(rows) <= kept * (len(left) + len(right))
    by_row = [sorted(values[i, [j for k, j in held if k == i]])[::-1][:kept] for i in left]
    by_column = [sorted(values[[i for i, k in held if k == j], j])[::-1][:kept] for j in right]
    assert by_row == [sorted(row)[::-1][:kept] for row in values]
    assert by_column == [sorted(column)[::-1][:kept] for column in values.T]


@pytest.mark.parametrize("title", ["", "苹果 手机"])
def test_one_name_everywhere_stays_small(title: str) -> None:
    """1,500 x 1,500 categories of one name are 2 million pairs; what is kept grows with the categories."""
    n = 1_500
    sides = [side(name, [("其他", title)] * n) for name in "ab"]
    rule = AlignSettings.parse({"method": "paper", "paper": {"content": {"tokens": "characters"}}}, "test")
    propose([side(name, [("其他", title)]) for name in "ab"], rule)  # imports are not counted
    tracemalloc.start()
    found = propose(sides, rule)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n <= len(found) <= 2 * NAMESAKES_KEPT * n
    assert (
        {p.left_id for p in found if p.accept}
        == {p.right_id for p in found if p.accept}
        == set(map(str, range(n)))
    )
    assert peak < 100e6


titles = st.sampled_from(["", "茶 杯", "茶 灯", "红 茶 杯"])
rows = st.lists(
    st.tuples(st.sampled_from(["手机", "手机壳", "其他", "其它"]), titles), min_size=1, max_size=10
)


@settings(deadline=None)
@given(left=rows, right=rows, kept=st.integers(3, 20))
@example(left=[("其他", "")] * 4, right=[("其它", "")] * 4, kept=3)
def test_names_that_few_share_lose_no_pair(
    left: list[tuple[str, str]], right: list[tuple[str, str]], kept: int
) -> None:
    """Blocks and the bound change nothing where no two names have more than `kept` categories each."""
    sides = [side("l", left), side("r", right)]
    rule = AlignSettings.parse({"method": "paper", "within_first_level": "never"}, "test")
    expected = seen(propose(sides, rule))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_of_name, "BLOCK_PAIRS", 2)
        patch.setattr(paper, "BLOCK_PAIRS", 2)
        assert seen(propose(sides, rule)) == expected
        patch.setattr(paper, "NAMESAKES_KEPT", kept)
        cut = seen(propose(sides, rule))
    counts = [Counter(name for name, _ in of) for of in (left, right)]
    most = max(min(one, other) for one in counts[0].values() for other in counts[1].values())
    assert cut == expected or most > kept
    for end in (0, 1):
        assert {row[end] for row in cut if row[3]} <= {row[end] for row in expected if row[3]}


def test_proposals_are_read_in_any_way() -> None:
    names = [("手机", ""), ("茶", ""), ("茶具", "")]
    found = propose([side(name, names) for name in "abc"], AlignSettings(method="paper"))
    every = list(found)
    assert len(found) == len(every) == 15
    assert [found[k] for k in range(len(found))] == every
    assert found[-1] == every[-1]
    assert found[3:9:2] == every[3:9:2]
    assert isinstance(every[0], Proposal)
    with pytest.raises(IndexError):
        found[len(every)]
