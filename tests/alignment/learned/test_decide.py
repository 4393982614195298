"""What is accepted, by hand: probabilities are given, only the rules decide."""

from dataclasses import replace

import numpy as np
import pytest

from mep3m.alignment.learned.boosted import SUREST, Boosted, Curve, Weights, probability
from mep3m.alignment.learned.decide import (
    EQUAL,
    IMPLIED,
    INNER,
    UNSAID,
    Assessed,
    Candidates,
    assess,
    calibrated,
    partnered,
)
from mep3m.alignment.learned.features import mirrored
from mep3m.alignment.learned.structure import Pairs
from mep3m.alignment.names.compare import trees
from mep3m.alignment.records import Entry, Side
from mep3m.settings.align import EvidenceSettings

LEFT = Side("a", tuple(Entry(p, tuple(p.split(">"))) for p in ("茶", "茶>红茶", "酒", "配件")))
RIGHT = Side("b", tuple(Entry(p, tuple(p.split(">"))) for p in ("饮料", "茶叶", "酒类", "壳")))


def stump(feature: str) -> Boosted:
    """A head whose log odds are the feature itself: below 0 it says 2 %, from 0 on 95 %, from 2 on 99 %."""
    tree = {
        "feature": np.array([0, -1, 0, -1, -1], np.int32),
        "threshold": np.array([-0.5, 0, 1.5, 0, 0]),
        "left": np.array([1, 0, 3, 0, 0], np.int32),
        "right": np.array([2, 0, 4, 0, 0], np.int32),
        "missing": np.array([1, 0, 1, 0, 0], np.int32),
        "value": np.array([0, -3.9, 0, 2.9, 4.6]),
    }
    return Boosted((feature,), 0.0, (tree,))


WEIGHTS = Weights(*(stump(name) for name in ("first", "within_l", "first", "within_l")))


def assessed(
    links: dict[tuple[str, str], str],
    *,
    settings: EvidenceSettings | None = None,
    curves: dict[str, Curve] | None = None,
    more: dict[tuple[str, str], dict[str, float]] | None = None,
) -> tuple[Assessed, dict[tuple[str, str], str]]:
    """Assess all pairs; `links` says what the heads say: exact, narrower, broader; a '!' makes it surer.

    `more` holds features of single pairs.
    """
    left, right = trees(LEFT, RIGHT)
    rows, columns = (of.ravel() for of in np.meshgrid(np.arange(4), np.arange(4), indexing="ij"))
    features = {name: np.full(16, -1.0) for name in ("first", "within_l", "within_r")} | {
        name: np.ones(16)
        for name in (
            "ratio", "segment", "support", "head", "inside_l", "inside_r", "content", "means_l", "means_r",
        )
    }  # fmt: skip
    features |= {name: np.zeros(16) for name in ("clash", "kind_l", "kind_r", "apart")}
    features |= {name: np.full(16, np.nan) for name in ("inherit_l", "inherit_r")}
    heads = {"exact": "first", "narrower": "within_l", "broader": "within_r"}
    places = {
        (LEFT.entries[i].id, RIGHT.entries[j].id): k
        for k, (i, j) in enumerate(zip(rows, columns, strict=True))
    }
    for pair, of in (more or {}).items():
        for name, value in of.items():
            features[name][places[pair]] = value
    for pair, said in links.items():
        features[heads[said.rstrip("!")]][places[pair]] = 2.0 if said.endswith("!") else 0.0
    found = assess(
        Candidates(left, right, Pairs(rows, columns, 4), features),
        settings or EvidenceSettings(),
        replace(WEIGHTS, curves=curves or {}),
    )
    words = {
        pair: ("exact", "narrower", "broader")[found.relation[k]]
        for pair, k in places.items()
        if found.accepted[k]
    }
    return found, words


def test_what_the_heads_say_is_accepted_where_nothing_speaks_against_it() -> None:
    links = {("茶", "茶叶"): "exact", ("酒", "饮料"): "narrower", ("配件", "壳"): "broader"}
    assert assessed(links)[1] == links


def test_a_link_that_follows_from_the_category_above_says_nothing_new() -> None:
    found, words = assessed({("茶", "茶叶"): "exact", ("茶>红茶", "茶叶"): "narrower"})
    assert words == {("茶", "茶叶"): "exact"}
    assert list(found.rule.values()) == ["follows from the category above"]


def test_who_is_as_surely_equal_to_a_partner_that_is_taken_lies_within_it() -> None:
    _, words = assessed({("酒", "酒类"): "exact!", ("配件", "酒类"): "exact"})
    assert words == {("酒", "酒类"): "exact", ("配件", "酒类"): "narrower"}
    _, words = assessed({("酒", "酒类"): "exact!", ("酒", "壳"): "exact"})
    assert words == {("酒", "酒类"): "exact", ("酒", "壳"): "broader"}
    alone = EvidenceSettings(many_to_one=False)
    _, words = assessed({("酒", "酒类"): "exact!", ("配件", "酒类"): "exact"}, settings=alone)
    assert words == {("酒", "酒类"): "exact"}


def test_equality_is_worth_more_where_nearly_every_category_has_a_partner() -> None:
    pairs = Pairs(np.arange(20), np.arange(20), 20)
    said = np.r_[np.full(18, 0.98), 0.4, 0.4]
    lifted = partnered(pairs, said, 20, 20)
    assert lifted[-1] > 0.6
    assert (np.diff(lifted[[-1, 0]]) > 0).all()
    open_set = partnered(pairs, np.r_[np.full(10, 0.98), np.full(10, 0.1)], 20, 20)
    assert open_set[-1] == pytest.approx(0.1)


def test_one_partner_each_and_the_surer_pair_wins() -> None:
    found, words = assessed({("茶", "茶叶"): "exact!", ("茶>红茶", "茶叶"): "exact"})
    assert words == {("茶", "茶叶"): "exact"}
    loser = next(
        k for k in range(16) if (found.candidates.pairs.rows[k], found.candidates.pairs.columns[k]) == (1, 1)
    )
    assert not found.accepted[loser]
    assert found.group[loser] == IMPLIED


def test_each_kind_has_its_own_threshold() -> None:
    links = {("茶", "茶叶"): "exact", ("酒", "饮料"): "narrower"}
    assert set(assessed(links, settings=EvidenceSettings(accept=0.99))[1]) == {("酒", "饮料")}
    assert set(assessed(links, settings=EvidenceSettings(accept_inner=0.99))[1]) == {("茶", "茶叶")}
    assert set(assessed(links, settings=EvidenceSettings(many_to_one=False))[1]) == {("茶", "茶叶")}


def test_turned_around_narrower_is_broader() -> None:
    features = {"within_l": np.array([1.0]), "within_r": np.array([2.0])}
    assert mirrored(features)["within_l"].tolist() == [2.0]


def test_the_curve_of_its_group_makes_a_score_a_probability() -> None:
    links = {("茶", "茶叶"): "exact", ("酒", "饮料"): "narrower"}
    curves = {"equal titles": (1.0, 1.0, -8.0, 0.0), "inner titles": (1.0, 1.0, 0.0, 0.0)}
    found, words = assessed(links, curves=curves)
    assert set(words) == {("酒", "饮料")}, "an equal pair of this score is seldom one"
    sure = found.kinds.sum(axis=1)
    assert sure[1] == pytest.approx(probability(found.score[1:2], curves["equal titles"], 4)[0], abs=1e-6)
    assert found.kinds[1, 0] > found.kinds[1, 1], "the relation stays"
    other, words = assessed(links, curves={"equal names": curves["equal titles"]})
    assert words == links, "these categories have titles: the curve of bare names is not theirs"
    assert other.kinds.sum(axis=1)[1] == pytest.approx(other.score[1])


def test_groups_have_their_own_curves_and_a_handful_of_categories_asks_for_more() -> None:
    score, group = np.array([0.0, 0.5, 1.0, 0.5]), np.array([EQUAL, EQUAL, EQUAL, INNER])
    curves: dict[str, Curve] = {"equal names": (1.0, 1.0, 0.0, -2.0)}
    features = {"support": np.full(4, np.nan)}
    said = calibrated(curves, group, features, score, 1_000_000)
    assert said.tolist() == pytest.approx([0, SUREST / 2, SUREST, 0.5], abs=1e-4)
    assert calibrated(curves, group, features, score, 1)[1] < 0.2


def test_who_has_an_equal_partner_lies_within_nothing_beside_it() -> None:
    links = {("酒", "酒类"): "exact!", ("酒", "饮料"): "narrower", ("茶", "茶叶"): "exact!"}
    _, words = assessed(links)
    assert words == {("酒", "酒类"): "exact", ("茶", "茶叶"): "exact"}
    _, words = assessed({("茶", "茶叶"): "exact!", ("茶>红茶", "壳"): "narrower"})
    assert words == {("茶", "茶叶"): "exact", ("茶>红茶", "壳"): "narrower"}, "it has no equal partner itself"


def test_names_with_words_that_exclude_each_other_are_never_equal() -> None:
    links = {("茶", "茶叶"): "exact!", ("酒", "壳"): "exact"}
    found, words = assessed(links, more={("茶", "茶叶"): {"clash": 1.0, "support": 9.0}})
    assert words == {("酒", "壳"): "exact"}
    assert found.kinds[1, 0] == 0
    within = {("酒", "饮料"): "narrower"}
    many = {"clash": 1.0, "support": 9.0}
    assert assessed(within, more={("酒", "饮料"): many})[1] == within, "one may lie in the other"


@pytest.mark.parametrize(
    ("relation", "told"),
    [("narrower", "kind_l"), ("narrower", "inside_r"), ("broader", "kind_r"), ("broader", "inside_l")],
)
def test_what_nothing_says_has_a_curve_of_its_own(relation: str, told: str) -> None:
    pair, curves = ("酒", "饮料"), {"unsaid names": (1.0, 1.0, -8.0, 0.0)}
    silent = dict.fromkeys(("kind_l", "kind_r", "inside_l", "inside_r"), 0.0) | {"support": np.nan}
    found, words = assessed({pair: relation}, curves=curves, more={pair: silent})
    assert found.group[8] == UNSAID
    assert words == {}
    found, words = assessed({pair: relation}, curves=curves, more={pair: silent | {told: 1.0}})
    assert found.group[8] == INNER
    assert words == {pair: relation}
    other = {"kind_l": "kind_r", "kind_r": "kind_l", "inside_l": "inside_r", "inside_r": "inside_l"}[told]
    assert assessed({pair: relation}, curves=curves, more={pair: silent | {other: 1.0}})[1] == {}
    found, _ = assessed({pair: relation}, curves=curves, more={pair: silent | {"support": 9.0}})
    assert found.group[8] == INNER, "titles say it"


def test_what_lies_below_a_matched_category_is_no_decision_of_its_own() -> None:
    pair = ("酒", "饮料")
    for relation, inherited in (("narrower", "inherit_l"), ("broader", "inherit_r")):
        found, words = assessed({pair: relation}, more={pair: {inherited: 0.9}})
        assert words == {}
        assert found.group[8] == IMPLIED
        assert assessed({pair: relation}, more={pair: {inherited: 0.0}})[1] == {pair: relation}
