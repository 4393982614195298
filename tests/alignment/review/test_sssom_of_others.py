"""SSSOM as other tools write it: denials, condensed slots, other predicates, identifiers they can read."""

from pathlib import Path

import pytest

from mep3m.alignment.records import Proposal
from mep3m.alignment.review.contract import Signature
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.export import Terms, export_sssom
from mep3m.alignment.review.file_log import FileReviewLog
from mep3m.alignment.review.sssom import read_sssom, write_sssom
from mep3m.errors import FormatError

HEAD = "subject_id\tpredicate_id\tpredicate_modifier\tobject_id\n"


def table(path: Path, *rows: str, head: str = HEAD) -> Path:
    path.write_text(head + "".join(row + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("word", ["Not", "not", "NOT"])
def test_a_denied_mapping_is_a_rejection(tmp_path: Path, word: str) -> None:
    file = table(tmp_path / "a.tsv", f"1\tskos:exactMatch\t{word}\t2", "1\tskos:exactMatch\t\t3")
    assert [row.proposal.accept for row in read_sssom(file)] == [False, True]
    assert [row.verdict for row in read_review(file)[1]] == ["reject", "open"]
    export_sssom(tmp_path / "out.tsv", read_sssom(file), Terms())
    assert "skos:exactMatch\tNot\t" in (tmp_path / "out.tsv").read_text(encoding="utf-8")


def test_a_decision_of_a_person_takes_a_denial_back_and_can_be_undone(tmp_path: Path) -> None:
    file = table(tmp_path / "a.tsv", "1\tskos:exactMatch\tNot\t2")
    log, li = FileReviewLog(file), Signature("li", "2026-11-29T10:00:00", "test")
    key = log.read("2026-11-29").keys[0]
    log.decide({key: {"mep3m_decision": "accept"}}, li)
    assert log.read("2026-11-29").decisions[0].verdict == "accept"
    assert "Not" not in file.read_text(encoding="utf-8")
    assert read_sssom(file)[0].proposal.accept
    log.undo(li)
    assert log.read("2026-11-29").decisions[0].verdict == "reject"
    log.decide({key: {"mep3m_decision": "reject"}}, li)
    assert "Not" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("modifier", ["no", "Inverse"])
def test_another_modifier_is_named(tmp_path: Path, modifier: str) -> None:
    with pytest.raises(FormatError, match=f"predicate_modifier '{modifier}' is not allowed"):
        read_sssom(table(tmp_path / "a.tsv", f"1\tskos:exactMatch\t{modifier}\t2"))


@pytest.mark.parametrize(
    "predicate", ["skos:closeMatch", "skos:MappingRelation", "http://www.w3.org/2004/02/skos/core#closeMatch"]
)
def test_a_predicate_that_says_less_is_open_and_stays_in_the_file(tmp_path: Path, predicate: str) -> None:
    file = table(
        tmp_path / "a.tsv", f"1\t{predicate}\t\t2", "1\tskos:exactMatch\t\t3", f"4\t{predicate}\tNot\t2"
    )
    sheet, decisions = read_review(file)
    assert [row.verdict for row in decisions] == ["open", "open", "reject"]
    assert [row.by_method for row in decisions] == [False, False, False]
    assert (
        sheet.rows[0]["predicate_id"].lower()
        == predicate.replace("http://www.w3.org/2004/02/skos/core#", "skos:").lower()
    )
    assert sheet.rows[0]["predicate_id"] in decisions[0].link
    assert not read_sssom(file)[0].proposal.accept


def test_a_full_address_is_the_predicate_and_a_mistake_is_still_one(tmp_path: Path) -> None:
    whole = "http://www.w3.org/2004/02/skos/core#broadMatch"
    assert read_sssom(table(tmp_path / "a.tsv", f"1\t{whole}\t\t2"))[0].proposal.relation == "narrower"
    with pytest.raises(FormatError, match="'skos:closeMach' is not allowed"):
        read_sssom(table(tmp_path / "b.tsv", "1\tskos:closeMach\t\t2"))


def test_slots_said_once_count_for_every_row_unless_a_row_says_its_own(tmp_path: Path) -> None:
    once = "#subject_source: jd\n#object_source: suning\n#mapping_date: 2026-11-01\n"
    file = table(tmp_path / "a.tsv", "1\tskos:exactMatch\t\t2", head=once + HEAD)
    row, decision = read_sssom(file)[0], read_review(file)[1][0]
    assert (row.proposal.left_source, row.proposal.right_source, row.date) == ("jd", "suning", "2026-11-01")
    assert (decision.left.source, decision.right.source) == ("jd", "suning")
    assert read_review(file)[0].columns == HEAD.split()
    own = table(tmp_path / "b.tsv", "1\tskos:exactMatch\t2\tpdd", "1\tskos:exactMatch\t3\t",
                head=once + "subject_id\tpredicate_id\tobject_id\tsubject_source\n")  # fmt: skip
    assert [row.proposal.left_source for row in read_sssom(own)] == ["pdd", "left"]


def test_the_identifier_of_a_set_needs_no_prefix_that_nobody_declares(tmp_path: Path) -> None:
    """sssom-py takes `urn` for a prefix and refuses the file."""
    write_sssom(tmp_path / "a.tsv", [Proposal("1", "2", "exact", 0.9, True)])
    export_sssom(tmp_path / "b.tsv", read_sssom(tmp_path / "a.tsv"), Terms())
    for name in ("a.tsv", "b.tsv"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "#mapping_set_id: https://example.org/mep3m/mappings/" in text
        assert "urn:" not in text
        assert "00000000-0000" not in text
