"""The paper's rule beside plain loops over every pair, as section 3.2 says it."""

import difflib
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import sqrt
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.paper.links import REFUSED_KEPT
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Entry, Proposal, Side
from mep3m.settings.align import AlignSettings

Row = tuple[str, str, str]
Key = tuple[str, str]
rows = st.lists(
    st.tuples(
        st.sampled_from(["食品", "家居", "数码"]),
        st.sampled_from(["茶", "茶具", "茶杯", "手机", "手机壳", "杯"]),
        st.sampled_from(["", "红茶", "红茶杯", "手机壳", "白瓷茶杯", "茶"]),
    ),
    min_size=1,
    max_size=7,
)


def side(name: str, given: Sequence[Row]) -> Side:
    return Side(
        name,
        tuple(
            Entry(f"{name}{k}", (first, own), titles=(title,) if title else ())
            for k, (first, own, title) in enumerate(given)
        ),
    )


def cosine(left: str, right: str) -> float:
    one, other = Counter(left), Counter(right)
    dot = sum(one[mark] * other[mark] for mark in one)
    return dot / sqrt(sum(n * n for n in one.values()) * sum(n * n for n in other.values())) if dot else 0.0


def every_pair(sides: Sequence[Side]) -> list[tuple[Entry, Entry, float, float]]:
    """Return the pairs of two platforms within one first-level class, with S_label and S_content."""
    return [
        (
            one, other, difflib.SequenceMatcher(None, one.name, other.name).ratio(),
            cosine("".join(one.titles), "".join(other.titles)),
        )
        for left, right in combinations(sides, 2)
        for one in left
        for other in right
        if one.path[0] == other.path[0]
    ]  # fmt: skip


def accepted_by_loops(sides: Sequence[Side], identical_names: bool) -> tuple[set[Key], float]:
    """Return what equation 3 accepts, and the mean S_content of identical names."""
    pairs = every_pair(sides)
    same = [content for one, other, label, content in pairs if label == 1 and one.titles and other.titles]
    threshold = sum(same) / len(same) if same else 0.75
    titles = any(entry.titles for of in sides for entry in of)
    found = set()
    for one, other, label, content in pairs:
        by_rule = label >= 0.5 and (not titles or content > threshold + 1e-12)
        if by_rule or (identical_names and label == 1):
            found.add((one.id, other.id))
    return found, threshold


def rule(**paper: object) -> AlignSettings:
    content = {"content": {"tokens": "characters"}}
    return AlignSettings.parse(
        {"method": "paper", "within_first_level": "always", "paper": {**content, **paper}}, "test"
    )


def accepted(found: Sequence[Proposal]) -> set[Key]:
    return {(link.left_id, link.right_id) for link in found if link.accept}


@settings(max_examples=150)
@given(sides=st.lists(rows, min_size=2, max_size=3), identical=st.booleans())
def test_what_is_accepted_is_what_plain_loops_accept(sides: list[list[Row]], identical: bool) -> None:
    shops = [side(name, of) for name, of in zip("abc", sides, strict=False)]
    expected, threshold = accepted_by_loops(shops, identical)
    found = propose(shops, rule(identical_names=identical))
    near = {  # S_content is the threshold itself but for the last bits: either decision is right
        (one.id, other.id)
        for one, other, label, content in every_pair(shops)
        if label >= 0.5 and abs(content - threshold) < 1e-9 and not (identical and label == 1)
    }
    assert accepted(found) - near == expected - near


@given(sides=st.lists(rows, min_size=2, max_size=3))
def test_what_is_shown_of_the_refused_are_the_best_of_each_category(sides: list[list[Row]]) -> None:
    shops = [side(name, of) for name, of in zip("abc", sides, strict=False)]
    found = propose(shops, rule())
    titles = any(entry.titles for of in shops for entry in of)
    ranks: dict[tuple[str, str], list[float]] = {}
    for one, other, label, content in every_pair(shops):
        if label >= 0.5 and (one.id, other.id) not in accepted(found):
            key = one.id, other.id[0]
            ranks.setdefault(key, []).append((label + content) / 2 if titles else label)
    shown: dict[tuple[str, str], list[float]] = {}
    for link in found:
        if not link.accept:
            shown.setdefault((link.left_id, link.right_source), []).append(link.probability)
    expected = {key: sorted(of, reverse=True)[:REFUSED_KEPT] for key, of in ranks.items()}
    assert shown.keys() == expected.keys()
    for key, of in shown.items():
        assert of == pytest.approx(expected[key])


@given(sides=st.lists(rows, min_size=2, max_size=2), order=st.integers(0, 99))
def test_the_order_of_the_categories_says_nothing(sides: list[list[Row]], order: int) -> None:
    shops = [side(name, of) for name, of in zip("ab", sides, strict=True)]
    mixed = [Side(of.name, tuple(Random(order).sample(of.entries, len(of)))) for of in shops]
    fixed = rule(content_threshold=0.4)
    assert accepted(propose(shops, fixed)) == accepted(propose(mixed, fixed))
