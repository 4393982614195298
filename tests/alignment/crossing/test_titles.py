"""Where a title would be filed, and whether it is at home at all."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.crossing import titles as module
from mep3m.alignment.crossing.titles import FEWEST, TitleIndex, sample_titles
from mep3m.alignment.records import Entry, Side
from tests.alignment.crossing.shelves import WORDS, platform, titles

HEALTH = platform("health", {"茶": "茶", "小米": "小米"})


def index_of(side: Side) -> TitleIndex:
    index = TitleIndex.of(side)
    assert index is not None
    return index


@pytest.mark.parametrize("kind", WORDS)
def test_titles_of_every_script_are_filed_where_their_like_is(kind: str) -> None:
    side = platform("all", {name: name for name in WORDS})
    filed = index_of(side).file(titles(kind, 20, seed=2))
    assert filed.at_home.mean() > 0.6
    assert {side.entries[place].id for place in filed.category[filed.at_home].tolist()} == {kind}


def test_what_a_platform_does_not_sell_finds_no_home_there() -> None:
    foreign = [*titles("电视", 30, 2), *titles("shoes", 30, 2), *titles("книги", 30, 2)]
    assert index_of(HEALTH).file(tuple(foreign)).at_home.mean() < 0.05
    assert index_of(HEALTH).file(titles("茶", 30, 2)).at_home.mean() > 0.6


def test_a_title_that_shares_no_character_is_at_home_nowhere() -> None:
    alone = tuple(Entry(chr(0x4E00 + k), (chr(0x4E00 + k),), titles=(chr(0x4E00 + k),)) for k in range(40))
    index = index_of(Side("one of each", alone))
    assert index.least == 0
    assert not index.file(("zzz", "")).at_home.any()


def test_too_few_titles_say_nothing() -> None:
    assert TitleIndex.of(Side("none", ())) is None
    assert TitleIndex.of(platform("empty", {"茶": ""})) is None
    assert TitleIndex.of(platform("one", {"茶": "茶"}, count=1)) is None
    assert TitleIndex.of(platform("few", {"茶": "茶"}, count=FEWEST - 1)) is None
    assert TitleIndex.of(platform("just", {"茶": "茶"}, count=FEWEST)) is not None


def test_a_title_that_occurs_many_times_counts_once() -> None:
    entry = Entry("茶", ("茶",), titles=titles("茶", 3, 1) * 50)
    assert len(sample_titles(Side("a", (entry,))).titles) == 3


def test_titles_that_every_category_has_are_at_home() -> None:
    same = titles("茶", 1, 1)
    side = Side("a", tuple(Entry(str(k), (str(k),), titles=same) for k in range(30)))
    assert index_of(side).file(same).at_home.all()


def test_what_is_read_does_not_grow_with_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PER_CATEGORY", 20)
    monkeypatch.setattr(module, "PER_PLATFORM", 25)
    sample = sample_titles(platform("a", {"茶": "茶", "小米": "小米", "电视": "电视"}, count=60))
    assert len(sample.titles) <= 25
    assert np.ptp(np.bincount(sample.owners)) == 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_categories_and_titles_changes_nothing(seed: int) -> None:
    mixed = {"a": "茶+小米", "a > b": "茶", "c": "小米+电视", "d": "电视+茶", "e": "茶+空调"}
    side = platform("a", mixed, count=20)
    shuffle = random.Random(seed)
    entries = [
        replace(entry, titles=tuple(shuffle.sample(entry.titles, len(entry.titles)))) for entry in side
    ]
    shuffle.shuffle(entries)
    other = Side("a", tuple(entries))
    asked = (*titles("茶", 10, 3), *titles("空调", 10, 3), *titles("shoes", 5, 3), *side.entries[0].titles)
    one, two = index_of(side), index_of(other)
    first, second = one.file(asked), two.file(asked)
    assert one.least == pytest.approx(two.least, abs=1e-6)
    assert first.at_home.tolist() == second.at_home.tolist()
    home = np.nonzero(first.at_home)[0].tolist()
    assert [side.entries[first.category[k]].id for k in home] == [
        other.entries[second.category[k]].id for k in home
    ]
