"""A new export keeps every decision that still holds, and lists the others with the reason."""

from dataclasses import replace
from pathlib import Path

from mep3m.alignment.merging.merge import Catalogue
from mep3m.alignment.records import Entry, Proposal, Side
from mep3m.alignment.review.decisions import parse_decision
from mep3m.alignment.review.migrate import Migration, migrate_decisions
from mep3m.alignment.review.sssom import REQUIRED, MappingRow, write_sssom
from mep3m.alignment.sheet import Sheet, read_sheet


def row(left: str, right: str, decision: str = "", p: float = 0.9, name: str | None = None) -> MappingRow:
    proposal = Proposal(left, right, "exact", p, True, {}, "", name or f"L {left}", f"R {right}", "a", "b")
    return MappingRow(
        proposal, decision, reviewer="li" if decision else "", date="2026-11-01" if decision else ""
    )


def sheet(path: Path, *rows: MappingRow) -> Sheet:
    write_sssom(path, rows)
    return read_sheet(path, REQUIRED)


def carried(tmp_path: Path, old: list[MappingRow], new: list[MappingRow], *sides: Side) -> Migration:
    existing = Catalogue.of(sides).labels() if sides else None
    return migrate_decisions(sheet(tmp_path / "old.tsv", *old), sheet(tmp_path / "new.tsv", *new), existing)


def verdicts(result: Migration) -> list[str]:
    return [parse_decision(cells, 1).verdict for cells in result.sheet.rows]


def test_decisions_that_hold_are_kept_with_their_reviewer(tmp_path: Path) -> None:
    old = [row("1", "1", "accept"), row("2", "2", "reject"), row("3", "3")]
    result = carried(tmp_path, old, [row("2", "2"), row("1", "1"), row("4", "4")])
    assert verdicts(result) == ["reject", "accept", "open"]
    assert result.sheet.rows[1]["reviewer_label"] == "li"
    assert result.sheet.rows[1]["mapping_date"] == "2026-11-01"
    assert (result.kept, result.again) == (2, ())


def test_a_category_that_moved_is_looked_at_again(tmp_path: Path) -> None:
    result = carried(tmp_path, [row("1", "1", "accept")], [row("1", "1", name="L elsewhere")])
    assert verdicts(result) == ["open"]
    assert "was accept by li on 2026-11-01" in result.sheet.rows[0]["comment"]
    (again,) = result.again
    assert (again.kept, again.line) == (False, 8)
    assert "was 'L 1' and is 'L elsewhere' now" in again.reason


def test_a_category_that_is_gone_is_named_with_what_it_may_be_now(tmp_path: Path) -> None:
    sides = (Side("a", (Entry("9", ("L 1x",)),)), Side("b", (Entry("1", ("R 1",)),)))
    result = carried(tmp_path, [row("1", "1", "accept")], [row("9", "1")], *sides)
    assert "a '1' is gone" in result.again[0].reason
    assert "perhaps '9' (L 1x) now" in result.again[0].reason
    assert "was accept by li on 2026-11-01" in result.sheet.rows[0]["comment"]
    assert verdicts(result) == ["open"]


def test_what_a_gone_category_has_become_is_offered_as_an_open_row(tmp_path: Path) -> None:
    sides = (Side("a", (Entry("9", ("L 1x",)),)), Side("b", (Entry("1", ("R 1",)),)))
    result = carried(tmp_path, [row("1", "1", "accept")], [], *sides)
    (cells,) = result.sheet.rows
    assert (cells["subject_id"], cells["object_id"], cells["mep3m_decision"]) == ("9", "1", "")
    assert "was accept by li" in cells["comment"]
    nothing = carried(tmp_path, [row("1", "1", "accept")], [], sides[1], Side("a", (Entry("9", ("别的",)),)))
    assert (nothing.sheet.rows, nothing.again[0].kept) == ([], False)


def test_a_link_that_is_not_proposed_any_more_stays(tmp_path: Path) -> None:
    sides = (Side("a", (Entry("1", ("L 1",)),)), Side("b", (Entry("1", ("R 1",)),)))
    result = carried(tmp_path, [row("1", "1", "accept")], [row("1", "2")], *sides)
    assert (verdicts(result), result.kept, result.again) == (["open", "accept"], 1, ())
    result = carried(tmp_path, [row("1", "1", "accept")], [row("1", "2")])
    assert result.again[0].kept
    assert "not proposed any more" in result.again[0].reason


def test_a_score_that_moved_far_is_listed_and_kept(tmp_path: Path) -> None:
    result = carried(tmp_path, [row("1", "1", "accept", p=0.97)], [row("1", "1", p=0.3)])
    assert verdicts(result) == ["accept"]
    assert "from 0.97 to 0.30, kept" in result.again[0].reason


def test_a_relation_that_a_person_changed_is_kept(tmp_path: Path) -> None:
    turned = row("1", "1", "accept")
    turned = replace(turned, proposal=replace(turned.proposal, relation="narrower"))
    result = carried(tmp_path, [turned], [row("1", "1")])
    assert result.sheet.rows[0]["predicate_id"] == "skos:broadMatch"
    assert result.kept == 1


def test_a_relation_that_a_person_chose_is_offered_again(tmp_path: Path) -> None:
    """The method proposes 'exact' anew; whoever looks again finds what was accepted before, still open."""
    narrower = row("1", "1", "accept")
    narrower = replace(narrower, proposal=replace(narrower.proposal, relation="narrower"))
    sides = (Side("a", (Entry("9", ("L 1x",)),)), Side("b", (Entry("1", ("R 1",)),)))
    for new, existing in (([row("9", "1")], sides), ([row("1", "1", name="L elsewhere")], ())):
        (cells,) = carried(tmp_path, [narrower], new, *existing).sheet.rows
        assert (cells["predicate_id"], cells["mep3m_decision"]) == ("skos:broadMatch", "")
    rejected = replace(narrower, decision="reject")
    (cells,) = carried(tmp_path, [rejected], [row("9", "1")], *sides).sheet.rows
    assert cells["predicate_id"] == "skos:exactMatch"
