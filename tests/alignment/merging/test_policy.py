"""What may be applied without a person: probability, support, chains, and a budget of rows."""

import random
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, merge
from mep3m.alignment.merging.policy import Waiting, apply_policy, still_waiting
from mep3m.alignment.review.decisions import Decision, Ref, links
from mep3m.settings.align import MergeSettings

NAMED = {"named_l": 1.0, "named_r": 1.0}


def link(
    left: str, right: str, relation: str = "exact", probability: float = 0.99, **values: object
) -> Decision:
    """Return an unreviewed link of two categories, each 'platform: path', that names speak for."""
    ends = [Ref(*end.split(": ")) for end in (left, right)]
    given_values = {
        "verdict": "open", "by_method": True, "line": 8, "evidence": NAMED,
        "left_label": ends[0].id, "right_label": ends[1].id, **values,
    }  # fmt: skip
    return Decision(*ends, relation=relation, probability=probability, **given_values)  # type: ignore[arg-type]


def shops(rows: Mapping[str, int]) -> Catalogue:
    """Return the categories of 'platform: path' with their rows, and many rows elsewhere."""
    counted: dict[PlatformPath, int] = {("z", ("elsewhere",)): 10_000}
    for node, count in rows.items():
        platform, path = node.split(": ")
        counted[platform, tuple(path.split(" > "))] = count
    return Catalogue.of([], counted)


def judged(
    catalogue: Catalogue, *rows: Decision, **values: object
) -> tuple[list[Decision], tuple[Waiting, ...]]:
    """Return the links that would be applied, and what waits."""
    chosen = MergeSettings(**values)  # type: ignore[arg-type]
    inputs, waiting = apply_policy(catalogue, MergeInputs(tuple(rows), settings=chosen))
    assert [replace(row, by_method=True) for row in inputs.decisions] == [
        replace(row, by_method=True) for row in rows
    ]
    return links(inputs.decisions, chosen), waiting


SHOPS = shops({"a: tv": 10, "a: tea": 20, "b: tv": 30, "b: food": 40, "b: food > tea": 5, "c: home": 7})


@pytest.mark.parametrize(("relation", "setting"), [("exact", "least_exact"), ("narrower", "least_inner")])
def test_each_relation_has_its_own_least_probability(relation: str, setting: str) -> None:
    row = link("a: tv", "b: tv", relation, 0.9)
    assert judged(SHOPS, row, **{setting: 0.9})[0] == [row]
    applied, waiting = judged(SHOPS, row, **{setting: 0.95})
    assert applied == []
    assert waiting[0].why == "probability 0.90 is below 0.95"


def test_the_rows_that_may_be_wrong_stay_within_the_precision() -> None:
    catalogue = shops({"a: x": 1000, "a: y": 1000, "a: z": 50, "b: x": 0, "b: y": 0, "b: z": 0})
    rows = [link(f"a: {k}", f"b: {k}", probability=p) for k, p in (("x", 0.95), ("y", 0.9), ("z", 0.85))]
    applied, waiting = judged(catalogue, *rows, precision=1 - 60 / 12_053)
    assert applied == [rows[0], rows[2]]  # 50 rows of 60 are spent, 100 do not fit, 8 still do
    assert [(one.decision, one.rows) for one in waiting] == [(rows[1], 1001)]
    assert "more than the precision allows" in waiting[0].why
    assert judged(catalogue, *rows, precision=0.0)[1] == ()


def test_the_budget_counts_the_inner_rows_with_all_below_them() -> None:
    row = link("b: food", "a: tea", "narrower", 0.9)
    assert judged(SHOPS, row, precision=0.9999)[1][0].rows == 45
    assert judged(SHOPS, replace(row, relation="broader"), precision=0.9999)[1][0].rows == 20
    assert judged(SHOPS, replace(row, relation="exact"), precision=0.9999)[1][0].rows == 65


def test_where_nothing_is_counted_each_category_is_a_row() -> None:
    bare = Catalogue.of([], {(p, (name,)): 0 for p in "ab" for name in "wxyz"})
    rows = [link(f"a: {name}", f"b: {name}", probability=0.9) for name in "wxyz"]
    applied, waiting = judged(bare, *rows, precision=0.95)
    assert (len(applied), len(waiting)) == (2, 2)


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        ({}, "no name and no product"),
        ({"named_r": 1.0}, "no name and no product"),
        ({"named_l": 1.0}, ""),
        ({"filed_l": 0.5}, ""),
        ({"filed_l": 0.05, "named_l": 1.0}, "only 5% of its rows"),
    ],
)
def test_no_category_goes_below_another_without_products_or_names(
    evidence: dict[str, float], why: str
) -> None:
    applied, waiting = judged(SHOPS, link("a: tv", "c: home", "narrower", evidence=evidence))
    assert (len(applied), len(waiting)) == ((0, 1) if why else (1, 0))
    assert not why or why in waiting[0].why
    turned = {key[:-1] + {"l": "r", "r": "l"}[key[-1]]: value for key, value in evidence.items()}
    assert len(judged(SHOPS, link("c: home", "a: tv", "broader", evidence=turned))[0]) == len(applied)


INNER = link("a: tea", "b: food > tea", "narrower", 0.99)
OUTER = link("b: food > tea", "c: home", "narrower", 0.81)


def test_a_chain_needs_a_row_that_speaks_of_its_two_ends_or_be_very_sure() -> None:
    weak = replace(INNER, probability=0.9)
    applied, waiting = judged(SHOPS, weak, OUTER)
    assert applied == [weak]
    assert waiting[0].why == "a 'tea' would stand below c 'home', of which nothing says that it does"
    assert len(judged(SHOPS, INNER, OUTER)[0]) == 2  # .99 times .81 is sure enough as it is
    spoken = link("a: tea", "c: home", "narrower", 0.3, by_method=False)
    assert len(judged(SHOPS, weak, OUTER, spoken)[0]) == 2
    assert len(judged(SHOPS, weak, OUTER, replace(spoken, verdict="reject"))[0]) == 1


def test_a_chain_back_into_another_branch_of_the_same_platform_is_refused() -> None:
    first = link("b: tv", "a: tea", "narrower", 0.99)
    second = link("a: tea", "b: food", "narrower", 0.98)
    applied, waiting = judged(SHOPS, first, second)
    assert applied == [first]
    assert "the platform's own tree says otherwise" in waiting[0].why
    home = link("b: food > tea", "a: tea", "narrower", 0.99)
    assert len(judged(SHOPS, home, second)[0]) == 2  # its own branch: nothing new


def test_what_lies_below_a_category_is_judged_with_it() -> None:
    """Tea goes below food > tea; then food may not go below what does not hold tea."""
    weak = replace(INNER, probability=0.9)
    whole = link("b: food", "c: home", "narrower", 0.85)
    assert judged(SHOPS, weak, whole)[0] == [weak]


def test_a_link_that_follows_from_others_costs_nothing() -> None:
    equal = link("b: food", "c: home", probability=0.999)
    step = link("a: tea", "b: food", "narrower", 0.998)
    follows = link("a: tea", "c: home", "narrower", 0.85)
    precision = 1 - 0.1 / sum(SHOPS.rows.values())
    assert len(judged(SHOPS, equal, step, follows, precision=precision)[0]) == 3
    assert judged(SHOPS, follows, precision=precision)[0] == []


def waits(*rows: Decision) -> list[Decision]:
    """Return the links that wait once the others have been applied and merged."""
    inputs, waiting = apply_policy(SHOPS, MergeInputs(rows, settings=MergeSettings()))
    return [one.decision for one in still_waiting(SHOPS, merge(SHOPS, inputs), waiting)]


@pytest.mark.parametrize(
    ("holds", "by"),
    [
        (link("c: home", "b: food > tea", "broader", 0.7), link("b: food", "c: home", "narrower")),
        (link("b: food > tea", "c: home", "narrower", 0.7), link("b: food", "c: home")),
        (link("a: tea", "b: food", "narrower", 0.7), link("a: tea", "b: food > tea")),
    ],
)
def test_a_link_that_holds_by_what_is_applied_does_not_wait(holds: Decision, by: Decision) -> None:
    """Accepting it would move nothing, so no row is at stake; without what it follows from it waits."""
    assert waits(holds) == [holds]
    assert waits(holds, by) == waits(by, holds) == []


def test_an_equal_link_waits_where_only_one_way_holds() -> None:
    equal = link("a: tea", "b: food", "exact", 0.7)
    assert waits(equal, link("a: tea", "b: food > tea")) == [equal]


def test_a_link_of_equal_names_that_the_merge_joins_anyhow_does_not_wait() -> None:
    catalogue = shops({"a: home > tv": 3, "a: home > fan": 2, "b: home > tv": 4, "b: home > oven": 5})
    rows = (link("a: home", "b: home", "exact", 0.7), link("a: home > tv", "b: home > tv"))
    inputs, waiting = apply_policy(catalogue, MergeInputs(rows, settings=MergeSettings()))
    assert [one.decision for one in waiting] == [rows[0]]
    assert still_waiting(catalogue, merge(catalogue, inputs), waiting) == ()


@pytest.mark.parametrize("verdict", ["accept", "reject", "unsure"])
def test_what_a_person_decided_is_never_touched(verdict: str) -> None:
    said = link("b: tv", "a: tea", "narrower", 0.01, verdict=verdict, by_method=False, evidence={})
    applied, waiting = judged(SHOPS, said, precision=0.9999)
    assert applied == ([said] if verdict == "accept" else [])
    assert waiting == ()


def test_a_persons_link_is_part_of_the_chains() -> None:
    said = link("b: tv", "a: tea", "narrower", 0.1, verdict="accept", by_method=False)
    row = link("a: tea", "b: food", "narrower", 0.99)
    assert judged(SHOPS, said, row)[0] == [said]


def test_skip_applies_nothing_that_no_person_accepted() -> None:
    said = link("a: tv", "b: tv", verdict="accept")
    inputs = MergeInputs((said, INNER), settings=MergeSettings(unreviewed="skip"))
    assert apply_policy(SHOPS, inputs) == (inputs, ())
    assert links(inputs.decisions, inputs.settings) == [said]


def test_what_waits_is_listed_by_the_rows_at_stake() -> None:
    rows = [link("a: tv", "b: tv", probability=0.5), link("b: food", "a: tea", probability=0.6)]
    assert [one.rows for one in judged(SHOPS, *rows)[1]] == [65, 40]


NODES = ["a: x", "a: x > y", "a: v", "b: x", "b: x > y", "b: w", "c: x", "c: x > z", "c: u"]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 100_000))
@example(seed=8140)
def test_the_order_of_the_rows_in_the_file_changes_nothing(seed: int) -> None:
    made = random.Random(seed)
    catalogue = shops({node: made.randrange(50) for node in NODES})
    rows = []
    for _ in range(12):
        left, right = made.sample(NODES, 2)
        if left[0] != right[0]:
            rows.append(
                link(
                    left, right, made.choice(["exact", "narrower", "broader"]), made.choice([0.8, 0.9, 0.95]),
                    verdict=made.choice(["open", "open", "open", "accept", "reject"]), line=8 + len(rows),
                )
            )  # fmt: skip
    mixed = made.sample(rows, len(rows))
    chosen = {"precision": made.choice([0.9, 0.999, 0.9999])}
    one, two = judged(catalogue, *rows, **chosen), judged(catalogue, *mixed, **chosen)
    # of a link that stands in two rows either row may be the one that is applied
    assert sorted(row.link for row in one[0]) == sorted(row.link for row in two[0])
    assert sorted(w.decision.link for w in one[1]) == sorted(w.decision.link for w in two[1])


@pytest.mark.parametrize("outer", ["leaf", "branch"])
def test_twenty_thousand_categories_are_judged_in_time(outer: str) -> None:
    """Every leaf equal to its like or within a branch, and every branch and the whole equal to theirs."""
    counted: dict[PlatformPath, int] = {}
    rows = []
    for k in range(10_000):
        branch, leaf = f"all > b{k // 100}", f"all > b{k // 100} > l{k}"
        for platform in "ab":
            counted[platform, tuple(leaf.split(" > "))] = 5
        end = (f"b: {leaf}", "exact") if outer == "leaf" else (f"b: {branch}", "narrower")
        rows.append(link(f"a: {leaf}", *end, probability=0.999, line=k))
        if k % 100 == 0:
            rows.append(link(f"a: {branch}", f"b: {branch}", probability=0.99, line=20_000 + k))
    rows.append(link("a: all", "b: all", probability=0.98, line=40_000))
    catalogue = Catalogue.of([], counted)
    start = time.process_time()
    applied, _ = judged(catalogue, *rows, precision=0.0)
    assert time.process_time() - start < 2
    assert len(applied) == len(rows)
