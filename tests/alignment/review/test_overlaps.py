"""An overlap is shown, confirmed or corrected by a person, exported, and applied by nothing."""

from pathlib import Path

import pytest

from mep3m.alignment.gold import Gold, gold_of_rows
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, merge
from mep3m.alignment.merging.overlaps import overlapping
from mep3m.alignment.merging.policy import apply_policy
from mep3m.alignment.records import Proposal
from mep3m.alignment.review.contract import Signature
from mep3m.alignment.review.decisions import Decision, Ref, contradictions, links, read_review
from mep3m.alignment.review.export import Terms, export_sssom
from mep3m.alignment.review.file_log import FileReviewLog
from mep3m.alignment.review.sssom import read_sssom, write_sssom
from mep3m.alignment.score import score
from mep3m.settings.align import MergeSettings

OVERLAP = Proposal("1", "2", "overlaps", 0.7, False, {}, "rows filed", "护肤", "个护", "a", "b")
ROWS = {("a", ("护肤",)): 20, ("a", ("手机",)): 5, ("b", ("个护",)): 30, ("b", ("手机",)): 6}


def overlap(**values: object) -> Decision:
    given = {"line": 8, "verdict": "open", "probability": 0.7, "left_label": "护肤", "right_label": "个护"}
    return Decision(Ref("a", "护肤"), Ref("b", "个护"), "overlaps", **{**given, **values})  # type: ignore[arg-type]


def test_it_is_written_as_a_relation_that_others_understand_and_read_back(tmp_path: Path) -> None:
    write_sssom(tmp_path / "a.tsv", [OVERLAP])
    assert "\tskos:relatedMatch\t" in (tmp_path / "a.tsv").read_text(encoding="utf-8")
    read = read_sssom(tmp_path / "a.tsv")[0].proposal
    assert (read.relation, read.accept, read.probability) == ("overlaps", False, 0.7)


def test_the_word_of_a_file_cannot_make_it_a_link(tmp_path: Path) -> None:
    """A file of another tool has no column of ours, or says yes in it."""
    (tmp_path / "a.tsv").write_text(
        "subject_id\tpredicate_id\tobject_id\tmep3m_accepted_by_method\n1\tskos:relatedMatch\t2\tyes\n",
        encoding="utf-8",
    )
    assert not read_sssom(tmp_path / "a.tsv")[0].proposal.accept
    assert not read_review(tmp_path / "a.tsv")[1][0].by_method


@pytest.mark.parametrize("values", [{}, {"probability": 1.0}, {"verdict": "accept"}])
def test_it_is_never_applied_whoever_says_it(values: dict[str, object]) -> None:
    row, catalogue = overlap(**values), Catalogue.of([], ROWS)
    assert links([row], MergeSettings()) == []
    inputs, waiting = apply_policy(catalogue, MergeInputs((row,)))
    merged = merge(catalogue, inputs)
    assert not any("护肤" in str(nodes) for nodes in merged.joined.values())
    assert len(merged.mapping["a", ("护肤",)]) == len(merged.mapping["b", ("个护",)]) == 1
    assert all(one.decision.relation != "overlaps" for one in waiting)


def test_it_is_listed_with_its_rows_unless_a_person_rejects_it() -> None:
    catalogue = Catalogue.of([], ROWS)
    (listed,) = overlapping(catalogue, [overlap(), overlap(verdict="reject", line=9)])
    assert (listed.rows, listed.decision.line) == (50, 8)
    assert "never applied" in listed.why


def test_a_person_confirms_corrects_and_exports_it(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    write_sssom(file, [OVERLAP])
    log, li = FileReviewLog(file), Signature("li", "2026-11-29T10:00:00", "test")
    key = log.read("2026-11-29").keys[0]
    log.decide({key: {"mep3m_decision": "accept"}}, li)
    confirmed = log.read("2026-11-29").decisions[0]
    assert (confirmed.verdict, confirmed.relation) == ("accept", "overlaps")
    export_sssom(tmp_path / "out.tsv", read_sssom(file), Terms())
    assert "skos:relatedMatch" in (tmp_path / "out.tsv").read_text(encoding="utf-8")
    log.decide({key: {"mep3m_decision": "accept", "predicate_id": "skos:broadMatch"}}, li)
    changed = log.read("2026-11-29")
    assert links(changed.decisions, MergeSettings()) == list(changed.decisions)


@pytest.mark.parametrize("other", ["exact", "narrower", "broader"])
def test_two_categories_cannot_both_overlap_and_be_linked(other: str) -> None:
    rows = [overlap(verdict="accept"), linked(other)]
    assert [problem.kind for problem in contradictions(rows)] == ["contradiction"]


def linked(relation: str) -> Decision:
    return Decision(Ref("b", "个护"), Ref("a", "护肤"), relation, "accept", 9)  # type: ignore[arg-type]


def test_scores_count_it_as_no_link() -> None:
    gold = Gold({("1", "1"): "exact", ("2", "2"): None}, overlaps=frozenset({("3", "3"), ("4", "4")}))
    rows = [
        Proposal("1", "1", "overlaps", 0.9, True), Proposal("2", "2", "exact", 0.8, True),
        Proposal("3", "3", "exact", 0.7, True), Proposal("4", "4", "overlaps", 0.6, False),
    ]  # fmt: skip
    scores = score(rows, gold)
    assert (scores.proposed, scores.correct, scores.gold_pairs) == (2, 1, 2)
    assert scores.overlaps == {"gold": 2, "proposed": 2, "correct": 1}
    assert [(row["kind"], row["left_id"]) for row in scores.errors] == [("wrong", "3"), ("missed", "1")]


def test_a_gold_with_platforms_tells_equal_ids_apart_whichever_side_they_are_on() -> None:
    cells = [
        {"left_platform": "b", "left_id": "1", "right_platform": "a", "right_id": "1", "relation": "broader"},
        {
            "left_platform": "a",
            "left_id": "1",
            "right_platform": "c",
            "right_id": "1",
            "relation": "overlaps",
        },
    ]
    gold = gold_of_rows(enumerate(cells, start=2), "gold")
    assert gold.pairs == {("a: 1", "b: 1"): "narrower"}
    assert gold.overlaps == {("a: 1", "c: 1")}
    rows = [
        Proposal("1", "1", "narrower", 0.9, True, left_source="a", right_source="b"),
        Proposal("1", "1", "exact", 0.9, True, left_source="a", right_source="c"),
    ]
    scores = score(rows, gold)
    assert (scores.proposed, scores.correct, scores.relation_accuracy) == (2, 1, 1.0)
