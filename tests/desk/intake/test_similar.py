"""Groups that people decide together: of one answer, of a size that fits a page, the same in any order."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mep3m.desk.intake.similar import TOGETHER, groups_of

TITLE = st.one_of(st.none(), st.text(st.sampled_from("苹果手机壳 a1!"), max_size=8), st.text(max_size=5))
ROWS = st.lists(st.tuples(TITLE, st.sampled_from(["fruit", "phone", ""])), max_size=60)


def partition(rows: list[tuple[str | None, str]]) -> list[list[int]]:
    groups = groups_of([title for title, _ in rows], [answer for _, answer in rows])
    return [np.flatnonzero(groups == one).tolist() for one in range(len(set(groups.tolist())))]


@settings(deadline=None, max_examples=20)
@given(ROWS)
@example([])
@example([("苹果 手机", "fruit")] * 40)
@example([("好 苹果" * 9, "fruit")] * 13)
@example([(None, "fruit"), ("", "fruit"), ("!", "fruit"), ("7", "fruit")])
def test_every_product_is_in_one_group_of_one_answer(rows: list[tuple[str | None, str]]) -> None:
    found = partition(rows)
    assert sorted(row for group in found for row in group) == list(range(len(rows)))
    assert all(1 <= len(group) <= TOGETHER for group in found)
    assert all(len({rows[row][1] for row in group}) == 1 for group in found)
    sizes = [len(group) for group in found]
    assert sizes == sorted(sizes, reverse=True)


@settings(deadline=None, max_examples=20)
@given(st.lists(TITLE, max_size=30, unique=True), st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_change_who_is_together(
    titles: list[str | None], order: object
) -> None:
    turned = sorted(titles, key=lambda _: order.random())  # type: ignore[attr-defined]
    # an absent title and an empty one are sorted alike
    titles, turned = ([one for one in some if one] for some in (titles, turned))

    def together(some: list[str | None]) -> set[frozenset[str | None]]:
        return {frozenset(some[row] for row in group) for group in partition([(one, "") for one in some])}

    assert together(turned) == together(titles)


def test_more_than_a_block_of_products_is_grouped_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mep3m.desk.intake.similar._BLOCK", 10)
    rows: list[tuple[str | None, str]] = [(f"苹果 {n}", "fruit") for n in range(35)]
    assert [len(group) for group in partition(rows)] == [10, 10, 10, 5]
