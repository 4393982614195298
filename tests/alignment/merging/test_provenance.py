"""Each level of a row's labels names what put it there: a person, the method, a tree, a name, or the map."""

from dataclasses import replace

import pytest

from mep3m.alignment.merging.first_level import FirstLevelMap, PlatformPath
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, merge
from mep3m.alignment.review.decisions import Decision, Ref
from mep3m.settings.align import MergeSettings
from mep3m.taxonomy import Category

#: origin, by, probability
Source = tuple[str, str, float | None]
TREE: Source = ("mapped", "tree of a", None)
LI: Source = ("reviewed", "li", None)
METHOD: Source = ("mapped", "mep3m align", 0.9)


def link(left: str, relation: str, right: str, line: int = 8, **values: object) -> Decision:
    ends = [Ref(*end.split(": ")) for end in (left, right)]
    given = {"verdict": "accept", "reviewer": "li", "probability": 0.9, **values}
    return Decision(
        *ends,
        relation=relation,
        line=line,
        left_label=ends[0].id,
        right_label=ends[1].id,
        **given,  # type: ignore[arg-type]
    )


def levels(
    of: str, rows: list[str], *links: Decision, first_level: FirstLevelMap | None = None
) -> list[Source]:
    """Return what put each level of a category's rows there, from the first level down."""
    nodes: dict[PlatformPath, int] = {}
    for text in rows:
        platform, path = text.split(": ")
        nodes[platform, tuple(path.split(" > "))] = 5
    merged = merge(Catalogue.of([], nodes), MergeInputs(links, first_level, None, MergeSettings(depth=5)))
    platform, path = of.split(": ")
    labels = merged.mapping[platform, tuple(path.split(" > "))]
    return [(one.origin, one.by, one.confidence) for one in labels]


ROWS = ["a: tv", "a: tv > flat", "b: home > screens", "b: home > fans", "c: all"]
BY_METHOD = {"verdict": "open", "reviewer": None, "by_method": True}


@pytest.mark.parametrize(("values", "source"), [({}, LI), (BY_METHOD, METHOD)])
@pytest.mark.parametrize("turned", [False, True])
def test_exact_names_who_said_so_at_its_own_level_and_at_what_it_brings_above(
    values: dict[str, object], source: Source, turned: bool
) -> None:
    """a has nothing called 'home': its rows stand there because somebody said that 'tv' is 'screens'."""
    ends = ("b: home > screens", "a: tv") if turned else ("a: tv", "b: home > screens")
    row = link(ends[0], "exact", ends[1], **values)
    assert levels("a: tv > flat", ROWS, row) == [source, source, TREE]
    assert levels("b: home > screens", ROWS, row) == [("mapped", "tree of b", None), source]


@pytest.mark.parametrize(("values", "source"), [({}, LI), (BY_METHOD, METHOD)])
@pytest.mark.parametrize("turned", [False, True])
def test_narrower_and_broader_name_who_put_the_rows_below(
    values: dict[str, object], source: Source, turned: bool
) -> None:
    ends = ("b: home > screens", "broader", "a: tv") if turned else ("a: tv", "narrower", "b: home > screens")
    row = link(*ends, **values)
    assert levels("a: tv > flat", ROWS, row) == [source, source, TREE, TREE]
    assert levels("b: home > screens", ROWS, row) == [("mapped", "tree of b", None)] * 2


def test_an_overlap_puts_nothing_anywhere() -> None:
    assert levels("a: tv > flat", ROWS, link("a: tv", "overlaps", "b: home > screens")) == [TREE, TREE]


def test_a_chain_is_as_sure_as_its_least_sure_link() -> None:
    rows = link("a: tv", "narrower", "b: home"), link("b: home", "narrower", "c: all", 9, **BY_METHOD)
    both = ("mapped", "mep3m align, li", 0.9)
    assert levels("a: tv", ROWS, *rows) == [both, LI, TREE]
    sure = replace(rows[0], **{**BY_METHOD, "probability": 0.95})
    assert levels("a: tv", ROWS, sure, rows[1]) == [METHOD, ("mapped", "mep3m align", 0.95), TREE]


def test_a_level_reached_by_one_name_says_so() -> None:
    """'tv' has the name of b's 'tv', which stands below 'home' there and at the first level here."""
    rows = ["a: home > tv > flat", "b: home > tv > big", "b: home > fans"]
    assert levels("a: home > tv > flat", rows)[:2] == [("mapped", "same name", None)] * 2


@pytest.mark.parametrize("own", [True, False])
def test_the_first_level_map_is_named_for_what_it_maps_and_not_for_what_a_link_brings(own: bool) -> None:
    entries: dict[PlatformPath, str] = {("b", ("home",)): "x", ("c", ("all",)): "x"}
    if own:
        entries["a", ("tv",)] = "x"
    first = FirstLevelMap((Category("x", "甲", "X"),), entries)
    found = levels("a: tv", ROWS, link("a: tv", "narrower", "b: home > screens"), first_level=first)
    assert found == [("mapped", "first-level map", None) if own else LI, LI, TREE]
