"""What decisions come to, whatever was said in whatever order: the log alone says it."""

from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.records import ItemVerdict, Verdict
from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.desk.reviewing.states import refresh
from mep3m.errors import UsageError
from tests.desk.bare import bare
from tests.desk.filled import items

PEOPLE = ("anna", "ben", "carol")
VERDICTS: tuple[Verdict, ...] = ("none", "unsure")
SAID = st.one_of(
    st.builds(ItemVerdict, st.sampled_from(VERDICTS)),
    st.builds(ItemVerdict, st.just("category"), st.integers(1, 3)),
)
#: who, of which items (or an undo), and what
STEP = st.tuples(st.sampled_from(PEOPLE), st.sets(st.integers(1, 3), min_size=1), st.one_of(st.none(), SAID))
STEPS = st.lists(STEP, max_size=12)
ITEMS = ("a", "b", "c")


def written(reviewing: Reviewing) -> list[tuple[object, ...]]:
    rows = reviewing.database.read.execute(
        "SELECT id, state, waits, verdict, category, said_by FROM items ORDER BY id"
    )
    return [tuple(row) for row in rows]


def do(reviewing: Reviewing, steps: Sequence[tuple[str, set[int], ItemVerdict | None]], name: str) -> None:
    for number, (person, some, said) in enumerate(steps):
        if said is not None:
            reviewing.log.decide(dict.fromkeys(some, said), Signed(person, f"{name}{number}"))
            continue
        with suppress(UsageError):  # nothing of theirs is left to undo
            reviewing.log.undo(person, f"{name}{number}")


@settings(max_examples=20, deadline=None)
@given(STEPS, st.integers(1, 2))
def test_the_states_are_those_that_the_log_comes_to_anew(steps: list, people: int) -> None:
    with bare(ITEMS, people) as reviewing:
        do(reviewing, steps, "s")
        before = written(reviewing)
        with reviewing.database.change() as change:
            refresh(change, items(reviewing))
        assert written(reviewing) == before
        for _, state, waits, verdict, category, by in before:
            assert waits == (state in ("open", "unsure"))
            assert (verdict is None) == (state != "decided") == (by is None)
            assert (category is None) == (verdict != "category")


@settings(max_examples=20, deadline=None)
@given(STEPS, STEPS)
def test_as_many_undos_as_decisions_bring_back_what_was(before: list, steps: list) -> None:
    mine = [("dora", some, said) for _, some, said in steps if said is not None]
    with bare(ITEMS, 2) as reviewing:
        do(reviewing, before, "b")
        was, rows = written(reviewing), len(reviewing.log.history(limit=999))
        do(reviewing, mine, "s")
        do(reviewing, [("dora", {1}, None)] * len(mine), "u")
        assert written(reviewing) == was
        assert len(reviewing.log.history(limit=999)) == rows + 2 * sum(len(some) for _, some, _ in mine)
        with pytest.raises(UsageError, match="nothing of yours"):
            reviewing.log.undo("dora", "one more")


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from(PEOPLE), SAID, min_size=1), st.randoms(use_true_random=False))
def test_who_was_first_does_not_change_what_is_agreed(said: dict[str, ItemVerdict], order: object) -> None:
    found = []
    for people in (list(said), sorted(said, key=lambda _: order.random())):  # type: ignore[attr-defined]
        with bare(("a",), 2) as reviewing:
            for person in people:
                reviewing.log.decide({1: said[person]}, Signed(person, f"b-{person}"))
            found.append(written(reviewing)[0][:5])
    assert found[0] == found[1]


def test_one_name_of_a_batch_is_each_person_s_own() -> None:
    """Names come from clients: two of them may call a batch the same."""
    with bare(ITEMS, 2) as reviewing:
        for person in PEOPLE:
            done = reviewing.log.decide(dict.fromkeys((1, 2), ItemVerdict("none")), Signed(person, "batch-1"))
            assert not done.repeated
        assert len(reviewing.log.history()) == 6


def test_an_undo_leaves_the_batch_of_the_same_name_of_another() -> None:
    with bare(ITEMS) as reviewing:
        reviewing.log.decide({1: ItemVerdict("none")}, Signed("anna", "batch-1"))
        reviewing.log.decide({2: ItemVerdict("none")}, Signed("ben", "batch-1"))
        assert reviewing.log.undo("anna", "undo-1").items == (1,)
        assert not (told := reviewing.log.undo("ben", "undo-1")).repeated
        assert told.items == (2,)
        assert [row[1] for row in written(reviewing)] == ["open"] * 3


def test_an_undo_under_the_name_of_a_decision_is_refused() -> None:
    """It would be acknowledged, and take nothing back."""
    with bare(ITEMS) as reviewing:
        reviewing.log.decide({1: ItemVerdict("none")}, Signed("anna", "batch-1"))
        with pytest.raises(UsageError, match="'batch-1' is the name of a decision"):
            reviewing.log.undo("anna", "batch-1")
        reviewing.log.undo("anna", "undo-1")
        with pytest.raises(UsageError, match="'undo-1' is the name of an undo"):
            reviewing.log.decide({1: ItemVerdict("none")}, Signed("anna", "undo-1"))
