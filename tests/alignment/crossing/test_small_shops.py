"""What small shops sell under one name is joined without a person, and only where the products agree."""

from collections.abc import Mapping

import pytest

from mep3m.alignment.merging.merge import Catalogue, MergeInputs
from mep3m.alignment.merging.policy import apply_policy
from mep3m.alignment.propose import propose
from mep3m.alignment.review.decisions import Decision, Ref, links
from mep3m.settings.align import AlignSettings, MergeSettings
from tests.alignment.crossing.shelves import WORDS, platform


def joined(left: Mapping[str, str], right: Mapping[str, str], count: int) -> tuple[set[str], set[str]]:
    """Return the names that are joined without a review, and those that wait as equal."""
    sides = [platform("a", left, count), platform("b", right, count, seed=2)]
    proposals = propose(sides, AlignSettings())
    decisions = tuple(
        Decision(
            Ref(one.left_source, one.left_id), Ref(one.right_source, one.right_id), one.relation, "open",
            line, one.probability, one.accept, evidence=one.evidence,
        )
        for line, one in enumerate(proposals, start=2)
    )  # fmt: skip
    catalogue = Catalogue.of(
        [], {(side.name, entry.path): entry.count or 0 for side in sides for entry in side}
    )
    applied, waiting = apply_policy(catalogue, MergeInputs(decisions, settings=MergeSettings()))
    exact = {row.left.id for row in links(applied.decisions, MergeSettings()) if row.relation == "exact"}
    return exact, {one.decision.left.id for one in waiting if one.decision.relation == "exact"}


@pytest.mark.parametrize("count", [8, 20, 40])
def test_equal_names_whose_products_agree_are_joined_however_small_the_shops(count: int) -> None:
    shelf = {kind: kind for kind in WORDS}
    assert joined(shelf, shelf, count) == (set(WORDS), set())


@pytest.mark.parametrize("odd", ["lamps", "茶", "книги"])
def test_an_equal_name_over_other_products_waits(odd: str) -> None:
    kinds = sorted(WORDS)
    other = kinds[(kinds.index(odd) + 1) % len(kinds)]
    left = {kind: kind for kind in kinds if kind != other}
    exact, _ = joined(left, {**left, odd: other}, 40)
    assert exact == set(left) - {odd}


def test_a_shop_that_sells_nothing_alike_joins_nothing() -> None:
    kinds = sorted(WORDS)
    left, right = {kind: kind for kind in kinds[:4]}, {f"other {kind}": kind for kind in kinds[4:]}
    assert joined(left, right, 40)[0] == set()
