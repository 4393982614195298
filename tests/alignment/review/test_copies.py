"""Blind copies hide the scores and come back as if decided in place."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.review.copies import HIDDEN, blind, take
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.file_log import FileReviewLog
from mep3m.errors import UsageError
from tests.alignment.shops import NOW, decide, proposals


def test_a_blind_copy_hides_the_score_and_comes_back(tmp_path: Path) -> None:
    log = FileReviewLog(proposals(tmp_path / "p.tsv"))
    opened = decide(log, {0: {"mep3m_decision": "accept"}})
    copy = blind(opened, seed=3)
    assert [row["subject_id"] for row in copy.rows] != [row["subject_id"] for row in opened.sheet.rows[1:]]
    assert all(not row["confidence"] and not row["comment"] for row in copy.rows)
    assert copy.rows == blind(opened, seed=3).rows
    for row in copy.rows:
        row.update(mep3m_decision="reject", reviewer_label="wang")
    copy.write(tmp_path / "blind.tsv")
    other = read_review(tmp_path / "blind.tsv")[0]
    assert take(log, other, NOW) == 4
    again = log.read(NOW)
    assert [row.verdict for row in again.decisions] == ["accept"] + ["reject"] * 4
    assert {row.reviewer for row in again.decisions} == {"li", "wang"}
    assert again.decisions[1].probability == 0.99
    assert take(log, other, NOW) == 0


def test_a_copy_that_disagrees_changes_nothing(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    copy = read_review(proposals(tmp_path / "copy.tsv"))[0]
    for row in copy.rows:
        row["mep3m_decision"] = "reject"
    decide(FileReviewLog(path), {4: {"mep3m_decision": "accept"}})
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"line 12: 'reject', but line 12 of the review says 'accept'"):
        take(FileReviewLog(path), copy, NOW)
    assert path.read_bytes() == before


def test_a_copy_with_a_row_that_the_review_lacks_changes_nothing(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    copy = read_review(proposals(tmp_path / "copy.tsv"))[0]
    for row in copy.rows:
        row.update(mep3m_decision="reject", object_id="other")
    with pytest.raises(UsageError, match="line 8: the review has no such row"):
        take(FileReviewLog(path), copy, NOW)


@settings(max_examples=20, deadline=None)
@given(
    words=st.lists(st.sampled_from(["", "accept", "reject", "unsure"]), min_size=5, max_size=5),
    seed=st.integers(0, 99),
)
def test_decisions_made_blind_come_back_as_if_made_in_place(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("review")
    log = FileReviewLog(proposals(folder / "links.tsv"))
    opened = log.read(NOW)
    copy = blind(opened, seed)
    assert all(not row[column] for row in copy.rows for column in HIDDEN)
    pairs = [row["subject_id"] + row["object_id"] for row in opened.sheet.rows]
    assert sorted(row["subject_id"] + row["object_id"] for row in copy.rows) == sorted(pairs)
    wanted = dict(zip(pairs, words, strict=True))
    for row in copy.rows:
        row["mep3m_decision"] = wanted[row["subject_id"] + row["object_id"]]
        row["reviewer_label"] = "wang" if row["mep3m_decision"] else ""
    copy.write(folder / "blind.tsv")
    assert take(log, copy, NOW) == sum(word != "" for word in words)
    again = log.read(NOW)
    assert again.taken_in == 0
    assert [row.verdict for row in again.decisions] == [word or "open" for word in words]
    assert [row.probability for row in again.decisions] == [0.9, 0.99, 0.999, 0.4, 0.1]  # not blind any more
