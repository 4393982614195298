"""What a score must do whatever is scored: names and order say nothing, right links never cost."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mep3m.alignment.gold import Gold
from mep3m.alignment.records import Proposal, Relation
from mep3m.alignment.score import AlignmentScores, score

ids = st.sampled_from("abcde")
relations: st.SearchStrategy[Relation] = st.sampled_from(["exact", "narrower", "broader"])
links = st.lists(
    st.builds(
        Proposal, ids, ids, relations, st.sampled_from([0.1, 0.5, 0.5, 0.9, 1.0]), st.booleans()
    ),
    max_size=12,
    unique_by=lambda link: (link.left_id, link.right_id),
)  # fmt: skip
golds = st.dictionaries(st.tuples(ids, ids), st.none() | relations, min_size=1, max_size=8).map(Gold)


def numbers(scores: AlignmentScores) -> dict[str, object]:
    """Return the scores without the list of errors, which is made of names."""
    return {name: value for name, value in scores.to_dict().items() if name != "errors"}


@given(found=links, gold=golds, order=st.integers(0, 99))
def test_the_order_of_the_rows_says_nothing(found: list[Proposal], gold: Gold, order: int) -> None:
    mixed = Random(order).sample(found, len(found))
    assert score(mixed, gold).to_dict() == score(found, gold).to_dict()


@given(found=links, gold=golds, order=st.permutations("abcde"))
def test_other_ids_are_other_names_and_nothing_else(
    found: list[Proposal], gold: Gold, order: list[str]
) -> None:
    name = dict(zip("abcde", order, strict=True))
    renamed = [replace(link, left_id=name[link.left_id], right_id=name[link.right_id]) for link in found]
    pairs = {(name[left], name[right]): relation for (left, right), relation in gold.pairs.items()}
    assert numbers(score(renamed, Gold(pairs))) == numbers(score(found, gold))


@given(found=links, gold=golds)
def test_left_and_right_can_change_places(found: list[Proposal], gold: Gold) -> None:
    other: dict[Relation, Relation] = {"exact": "exact", "narrower": "broader", "broader": "narrower"}
    turned = [
        replace(link, left_id=link.right_id, right_id=link.left_id, relation=other[link.relation])
        for link in found
    ]
    pairs = {(right, left): of and other[of] for (left, right), of in gold.pairs.items()}
    assert numbers(score(turned, Gold(pairs))) == numbers(score(found, gold))


@given(found=links, gold=golds)
def test_one_more_right_link_never_costs(found: list[Proposal], gold: Gold) -> None:
    missing = gold.pairs.keys() - {(link.left_id, link.right_id) for link in found}
    assume(missing)
    left, right = min(missing)
    before = score(found, gold)
    after = score([*found, Proposal(left, right, "exact", 1.0, True)], gold)
    assert after.recall > before.recall
    assert after.precision >= before.precision
    assert after.f1 > before.f1
    assert after.average_precision > before.average_precision
    assert all(after.coverage[wanted] >= before.coverage[wanted] for wanted in before.coverage)


@given(found=links, gold=golds)
def test_a_refused_link_counts_for_nothing_but_the_ranking(found: list[Proposal], gold: Gold) -> None:
    kept = [link for link in found if link.accept]
    whole, alone = score(found, gold), score(kept, gold)
    for name in ("proposed", "correct", "precision", "recall", "f1", "decisions", "relation_accuracy"):
        assert getattr(whole, name) == getattr(alone, name)


@given(found=links, gold=golds)
def test_coverage_falls_as_more_precision_is_asked_for(found: list[Proposal], gold: Gold) -> None:
    scores = score(found, gold)
    shares = [scores.coverage[wanted] for wanted in sorted(scores.coverage)]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= share <= 1 for share in shares)
    assert scores.decisions <= scores.proposed
    assert scores.f1 == pytest.approx(
        2 * scores.correct / (scores.proposed + scores.gold_pairs) if scores.correct else 0
    )
    assert len([row for row in scores.errors if row["kind"] == "wrong"]) == scores.proposed - scores.correct
    missed = [row for row in scores.errors if row["kind"] == "missed"]
    assert len(missed) == scores.gold_pairs - scores.correct
