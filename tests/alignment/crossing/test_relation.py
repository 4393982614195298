"""Which relation two categories have: at most one a pair, with a direction, and the models as a file."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.crossing.heads import EQUAL, WITHIN, Heads, shipped_heads
from mep3m.alignment.crossing.relation import (
    KnownPairs,
    equal_numbers,
    groups,
    relations,
    turn,
    turn_crossing,
    with_inner,
    within_numbers,
)
from mep3m.alignment.crossing.tables import Crossing, Crossings
from mep3m.alignment.records import Entry, Side
from tests.alignment.crossing.shelves import platform

LEFT = platform("left", {"家电": "电视+空调", "茶": "茶", "鞋": "shoes"}, count=60)
RIGHT = platform("right", {"电视": "电视", "茶": "茶", "книги": "книги"}, count=60, seed=2)
PAIRS = [(row, column) for row in range(3) for column in range(3)]


def crossing() -> Crossing:
    made = Crossings((LEFT, RIGHT)).between(LEFT, RIGHT)
    assert made is not None
    return made


def known(**values: object) -> KnownPairs:
    """Return all nine pairs, of which nothing is known but what `values` say."""
    rows, columns = np.array([pair[0] for pair in PAIRS]), np.array([pair[1] for pair in PAIRS])
    given_values = {name: np.zeros(9) for name in KnownPairs._fields[2:]}
    return KnownPairs(rows, columns, **{**given_values, **values})  # type: ignore[arg-type]


def test_the_models_that_ship_say_the_same_after_a_round_trip() -> None:
    heads = shipped_heads()
    again = Heads.from_json(json.loads(json.dumps(heads.to_json())))
    assert again.to_json() == heads.to_json()
    asked = crossing(), known()
    assert np.array_equal(relations(LEFT, RIGHT, *asked, again), relations(LEFT, RIGHT, *asked, heads))


def test_the_numbers_of_a_pair_have_the_names_of_the_models() -> None:
    assert within_numbers(LEFT, RIGHT, crossing(), known()).shape == (9, len(WITHIN))
    assert equal_numbers(crossing(), known()).shape == (9, len(EQUAL))
    none = KnownPairs(*(np.zeros(0, int) for _ in range(2)), *(np.zeros(0) for _ in range(9)))
    assert relations(LEFT, RIGHT, crossing(), none, shipped_heads()).shape == (0, 3)


def test_products_with_names_speak_for_the_right_relation_and_direction() -> None:
    names = np.array([pair in {(0, 0), (1, 1)} for pair in PAIRS], float)
    same = np.array([pair == (1, 1) for pair in PAIRS], float)
    said = known(exact=0.9 * same, same=same, names=same, broader=0.7 * (names - same), inside_r=names - same)
    found = dict(zip(PAIRS, relations(LEFT, RIGHT, crossing(), said, shipped_heads()), strict=True))
    assert found[0, 0].argmax() == 2  # appliances are broader than television sets
    assert found[0, 0].max() > 0.5
    assert found[1, 1].argmax() == 0
    assert found[1, 1].max() > 0.9
    assert max(found[pair].max() for pair in PAIRS if pair not in {(0, 0), (1, 1)}) < 0.1


def test_turned_pairs_have_turned_relations() -> None:
    said = known(broader=np.full(9, 0.4), inside_r=np.full(9, 1.0), names=np.full(9, 0.3))
    there = relations(LEFT, RIGHT, crossing(), said, shipped_heads())
    back = relations(RIGHT, LEFT, turn_crossing(crossing()), turn(said), shipped_heads())
    assert np.allclose(there, back[:, [0, 2, 1]])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_pair_has_at_most_one_relation(seed: int) -> None:
    made = np.random.default_rng(seed)
    values = {name: made.random(9) for name in KnownPairs._fields[2:]}
    found = relations(LEFT, RIGHT, CROSSING, known(**values), shipped_heads())
    assert ((found > 0).sum(axis=1) <= 1).all()
    assert ((found >= 0) & (found <= 1)).all()


CROSSING = crossing()


def kind_of(left: Side, right: Side, relation: int = 0, **values: float) -> str:
    """Return the kind of link of the only pair of two shops' first categories."""
    made = Crossings((left, right)).between(left, right)
    assert made is not None
    zero = {name: np.zeros(1) for name in KnownPairs._fields[2:]}
    given = {name: np.array([value]) for name, value in values.items()}
    pair = KnownPairs(np.zeros(1, int), np.zeros(1, int), **{**zero, **given})  # type: ignore[arg-type]
    kinds = np.zeros((1, 3))
    kinds[0, relation] = 0.9
    return str(groups(left, right, made, pair, kinds)[0])


TEA = {"茶": "茶", "lamps": "lamps"}


def test_products_tell_which_kind_of_link_one_name_is() -> None:
    own, alike = platform("a", TEA, count=40), platform("b", TEA, count=40, seed=3)
    ink = platform("b", {"茶": "lamps", "lamps": "茶"}, count=40, seed=3)
    assert kind_of(own, alike, same=1.0, paths=1.0) == "agreed"
    assert kind_of(own, ink, same=1.0, paths=1.0) == "unfiled"
    assert kind_of(own, alike) == "renamed"
    assert [kind_of(own, alike, relation) for relation in (1, 2)] == ["inner filed", "inner filed"]
    assert [kind_of(own, ink, relation) for relation in (1, 2)] == ["unfiled", "unfiled"]


@pytest.mark.parametrize(
    ("relation", "says", "other"), [(1, "inside_l", "inside_r"), (2, "inside_r", "inside_l")]
)
def test_a_name_counts_for_the_category_that_it_says_lies_within(
    relation: int, says: str, other: str
) -> None:
    own, alike = platform("a", TEA, count=40), platform("b", TEA, count=40, seed=3)
    few = [
        platform(name, {**TEA, "shoes": "shoes"}, count=6, seed=seed) for name, seed in (("a", 0), ("b", 3))
    ]
    assert kind_of(own, alike, relation, **{says: 1.0}) == "inner agreed"
    assert kind_of(own, alike, relation, **{other: 1.0}) == "inner filed"
    assert kind_of(*few, relation, **{says: 1.0}) == "inner named"
    assert kind_of(*few, relation, **{other: 1.0}) == "inner unsaid"


#: paths of the other platform's categories, the first said to hold 'Printers' -> the kind of link
DENIED = {
    ("Office", "printer"): "denied",
    ("Office", "Computers > Printers"): "denied",
    ("Office > Desk", "Office > Printers"): "denied",
    ("Office", "Office > Printers"): "inner filed",
    ("Printers > Paper", "Printers"): "inner filed",
    ("Office", "Printer paper"): "inner filed",
}


@pytest.mark.parametrize("paths", DENIED, ids=" | ".join)
@pytest.mark.parametrize("turned", [False, True])
def test_a_category_that_the_other_platform_has_under_its_name_lies_in_nothing_beside_that(
    paths: tuple[str, str], turned: bool
) -> None:
    own = platform("a", {"Printers": "茶"}, count=40)
    other = platform("b", dict(zip(paths, ("茶", "lamps"), strict=True)), count=40, seed=3)
    first = Side("b", tuple(sorted(other, key=lambda entry: entry.label != paths[0])))
    assert kind_of(*((first, own, 2) if turned else (own, first, 1))) == DENIED[paths]
    assert kind_of(*((first, own) if turned else (own, first))) == "renamed", "an equal link says so itself"


def test_names_without_a_letter_deny_nothing() -> None:
    own = platform("a", {"--": "茶"}, count=40)
    other = platform("b", {"Office": "茶", "!!": "lamps"}, count=40, seed=3)
    first = Side("b", tuple(sorted(other, key=lambda entry: entry.label != "Office")))
    assert kind_of(own, first, 1) == "inner filed"


def test_a_few_titles_speak_against_nothing() -> None:
    few = {"茶": "茶", "lamps": "lamps", "shoes": "shoes"}
    own, ink = platform("a", few, count=6), platform("b", {**few, "茶": "小米"}, count=6, seed=3)
    assert kind_of(own, ink, same=1.0, paths=1.0) == "named"


def test_where_all_names_above_are_the_same_too_the_names_stand() -> None:
    paths = [
        {f"食品 > {name}" if deep else name: kind for name, kind in TEA.items()} for deep in (True, False)
    ]
    own = [platform("a", of, count=40) for of in paths]
    ink = [platform("b", dict(zip(of, ("lamps", "茶"), strict=True)), count=40, seed=3) for of in paths]
    assert kind_of(own[0], ink[0], same=1.0, paths=1.0) == "named"
    assert kind_of(own[1], ink[1], same=1.0, paths=1.0) == "unfiled"


@pytest.mark.parametrize("rows", [60, 600, 6_000_000])
def test_how_much_larger_a_category_is_does_not_speak_against_its_place(rows: int) -> None:
    large = Side("left", tuple(replace(entry, count=rows) for entry in LEFT))
    size = WITHIN.index("size")
    as_large = within_numbers(LEFT, RIGHT, crossing(), known())[:, size]
    assert np.array_equal(within_numbers(large, RIGHT, crossing(), known())[:, size], as_large)
    assert (within_numbers(RIGHT, large, turn_crossing(crossing()), turn(known()))[:, size] <= as_large).all()


def test_inner_categories_are_added_with_what_lies_below_them() -> None:
    side = Side(
        "a",
        (
            Entry("2", ("x", "z"), titles=("t3",), count=4, first_level="one"),
            Entry("1", ("x", "y"), ("X", "Y"), titles=("t1", "t2"), count=3, first_level="one"),
            Entry("3", ("w",), count=None),
        ),
    )
    whole = with_inner(side, 10)
    assert [entry.path for entry in whole] == [("w",), ("x",), ("x", "y"), ("x", "z")]
    inner = whole.entries[1]
    assert (inner.id, inner.count, inner.first_level) == ("x", 7, "one")
    assert sorted(inner.titles) == ["t1", "t2", "t3"]
    assert len(with_inner(side, 2).entries[1].titles) == 2
    assert with_inner(whole, 10) == whole


def test_an_inner_category_takes_no_id_that_another_has() -> None:
    side = Side("a", (Entry("x", ("w",)), Entry("1", ("x", "y"))))
    assert [entry.id for entry in with_inner(side, 10)] == ["x", "1"]


@pytest.mark.parametrize("paths", [[], [("a",)], [("a",), ("b",)]])
def test_a_flat_side_gets_no_inner_categories(paths: list[tuple[str, ...]]) -> None:
    side = Side("a", tuple(Entry(path[0], path) for path in paths))
    assert with_inner(side, 10) == side
