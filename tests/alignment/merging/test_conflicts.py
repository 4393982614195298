from dataclasses import replace

import pytest

from mep3m.alignment.merging.conflicts import resolve_conflicts
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, find_problems, merge
from mep3m.alignment.review.decisions import Decision
from mep3m.errors import TaxonomyError
from mep3m.settings.align import MergeSettings
from tests.alignment.shops import FIRST, ROWS, link, side

CATALOGUE = Catalogue.of([side("a"), side("b")], ROWS)
RIGHT = link("家电 > 电视", "电器 > 平板电视", 8)
WRONG = link("家电 > 空调", "电器 > 平板电视", 9)


def unreviewed(decision: Decision, probability: float) -> Decision:
    return replace(decision, verdict="open", by_method=True, probability=probability, reviewer=None)


def review(*decisions: Decision) -> MergeInputs:
    return MergeInputs(tuple(decisions), FIRST, settings=MergeSettings(unreviewed="accept", accept_above=0.5))


def test_of_two_links_that_join_one_platform_the_weaker_is_left_open() -> None:
    asked = review(unreviewed(RIGHT, 0.9), unreviewed(WRONG, 0.6))
    with pytest.raises(TaxonomyError, match="would join two categories of one platform"):
        merge(CATALOGUE, asked)
    settled, notes = resolve_conflicts(CATALOGUE, asked)
    assert find_problems(CATALOGUE, settled) == []
    assert [decision.by_method for decision in settled.decisions] == [True, False]
    assert len(notes) == 1
    assert "空调" in notes[0]


def test_a_person_is_never_overruled() -> None:
    settled, notes = resolve_conflicts(CATALOGUE, review(unreviewed(RIGHT, 0.99), WRONG))
    assert settled.decisions[1] == WRONG
    assert not settled.decisions[0].by_method
    assert len(notes) == 1


def test_people_who_contradict_each_other_are_told() -> None:
    asked = review(RIGHT, WRONG)
    settled, notes = resolve_conflicts(CATALOGUE, asked)
    assert (settled, notes) == (asked, [])
    with pytest.raises(TaxonomyError, match="lines 8, 9"):
        merge(CATALOGUE, settled)


def test_nothing_changes_where_nothing_contradicts() -> None:
    asked = review(unreviewed(RIGHT, 0.9))
    assert resolve_conflicts(CATALOGUE, asked) == (asked, [])
