"""The SSSOM table: round trip, direction of the predicates, and hands that edit it badly."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mep3m import __version__
from mep3m.alignment.records import Proposal
from mep3m.alignment.review.sssom import (
    COLUMNS,
    MappingRow,
    read_made_from,
    read_sssom,
    write_sssom,
)
from mep3m.errors import FormatError, NotFoundError

PROPOSAL = Proposal("1", "9", "narrower", 0.875, True, {"name": 0.5, "path": 1.0}, 'a "half" match', "A", "B")


def test_narrower_is_written_as_broad_match(tmp_path: Path) -> None:
    """The left one is narrower, so the object is the broader one (SKOS)."""
    path = tmp_path / "p.tsv"
    assert write_sssom(path, [PROPOSAL]) == 1
    assert "\tskos:broadMatch\t9" in path.read_text(encoding="utf-8")


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)


@given(
    left=words,
    right=words,
    relation=st.sampled_from(["exact", "broader", "narrower"]),
    accept=st.booleans(),
    decision=st.sampled_from(["", "accept", "reject"]),
    comment=st.lists(words).map(" ".join),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    left: str,
    right: str,
    relation: str,
    accept: bool,
    decision: str,
    comment: str,
) -> None:
    path = tmp_path_factory.mktemp("sssom") / "p.tsv"
    proposal = Proposal(left, right, relation, 0.25, accept, {"name": 0.5}, comment)  # type: ignore[arg-type]
    rows = [MappingRow(proposal, decision, "新", "new", "me", "2026-01-01", "1")]
    write_sssom(path, rows)
    (read,) = read_sssom(path)
    assert read.proposal == proposal
    assert (read.decision, read.new_name_zh, read.new_name_en) == (decision, "新", "new")
    assert (read.reviewer, read.date, read.tool_version) == ("me", "2026-01-01", "1")
    assert read.line == 7 + 1


def test_a_bare_proposal_is_undecided_and_of_this_version(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    write_sssom(path, [PROPOSAL])
    (row,) = read_sssom(path)
    assert (row.decision, row.tool_version, row.proposal) == ("", __version__, PROPOSAL)
    assert row.date


def test_reads_what_a_spreadsheet_saved(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    text = "object_id\tpredicate_id\tsubject_id\tmine\tcomment\r\n"
    text += '9\tskos:exactMatch\t1\tx\t"a\tb ""c"""\r\n\t\t\t\t\r\n'
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    (row,) = read_sssom(path)
    assert (row.proposal.left_id, row.proposal.right_id, row.proposal.words) == ("1", "9", 'a\tb "c"')
    assert (row.proposal.probability, row.proposal.accept, row.line) == (1.0, True, 2)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("predicate_id", "skos:closeMach", "line 8: predicate_id 'skos:closeMach' is not allowed"),
        ("subject_id", "", "line 8: subject_id is empty"),
        ("confidence", "1.5", "line 8: confidence '1.5'"),
        ("confidence", "high", "line 8: confidence 'high'"),
        ("mep3m_accepted_by_method", "maybe", "write yes or no"),
        ("mep3m_evidence", "name=much", "not a list of name=number"),
    ],
)
def test_bad_cells_are_named_with_their_line(tmp_path: Path, column: str, value: str, message: str) -> None:
    path = tmp_path / "p.tsv"
    write_sssom(path, [PROPOSAL, PROPOSAL])
    lines = path.read_text(encoding="utf-8").split("\n")
    cells = lines[7].split("\t")
    cells[COLUMNS.index(column)] = value
    path.write_text("\n".join([*lines[:7], "\t".join(cells), *lines[8:]]), encoding="utf-8")
    with pytest.raises(FormatError, match=message.replace("(", r"\(")):
        read_sssom(path)


def test_every_problem_is_listed_up_to_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    rows = "\n".join("1\tbad\t2" for _ in range(30))
    path.write_text(f"subject_id\tpredicate_id\tobject_id\n{rows}\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"line 21: .*\n  and 10 more"):
        read_sssom(path)


@pytest.mark.parametrize("written", ["skos:exactmatch", "SKOS:EXACTMATCH", "Skos:ExactMatch"])
def test_a_predicate_in_another_case_is_read(tmp_path: Path, written: str) -> None:
    path = tmp_path / "p.tsv"
    path.write_text(f"subject_id\tpredicate_id\tobject_id\n1\t{written}\t2\n", encoding="utf-8")
    (row,) = read_sssom(path)
    assert row.proposal.relation == "exact"


def metadata(path: Path) -> dict[str, object]:
    lines = path.read_text(encoding="utf-8").split("\n")
    found = yaml.safe_load("\n".join(line[1:] for line in lines if line.startswith("#")))
    assert isinstance(found, dict)
    return found


titles = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20)


@given(title=titles, folder=titles.filter(lambda text: "/" not in text and text not in (".", "..")))
def test_the_metadata_is_yaml_with_what_sssom_asks_for(
    tmp_path_factory: pytest.TempPathFactory, title: str, folder: str
) -> None:
    """Required by SSSOM 1.0: an identifier that is a URI, a licence, a CURIE map, declared extensions."""
    path = tmp_path_factory.mktemp("sssom") / "p.sssom.tsv"
    source = path.parent / folder / "left: #1.tsv"
    write_sssom(path, [PROPOSAL], title, {"left": source})
    found = metadata(path)
    assert found["mapping_set_title"] == title
    assert str(found["mapping_set_id"]).startswith("https://example.org/mep3m/mappings/")
    assert str(found["license"]).startswith("https://")
    assert {"skos", "semapv"} <= set(found["curie_map"])  # type: ignore[call-overload]
    declared = {row["slot_name"] for row in found["extension_definitions"]}  # type: ignore[attr-defined]
    own = {name for name in (*COLUMNS, *found) if name.startswith("mep3m_")}
    assert own <= declared
    assert read_made_from(path)["left"].resolve() == source.resolve()


def test_the_same_table_has_the_same_identifier_and_another_one_another(tmp_path: Path) -> None:
    ids = []
    for number, rows in enumerate(([PROPOSAL], [PROPOSAL], [PROPOSAL, PROPOSAL])):
        write_sssom(tmp_path / f"{number}.tsv", rows)
        ids.append(metadata(tmp_path / f"{number}.tsv")["mapping_set_id"])
    assert ids[0] == ids[1] != ids[2]


def test_a_missing_file_or_column(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="not a file"):
        read_sssom(tmp_path / "p.tsv")
    (tmp_path / "p.tsv").write_text("subject_id\tobject_id\n", encoding="utf-8")
    with pytest.raises(NotFoundError, match="no column 'predicate_id'"):
        read_sssom(tmp_path / "p.tsv")
    (tmp_path / "q.tsv").write_bytes(b"\xff\xfe1")
    with pytest.raises(FormatError, match="UTF-8"):
        read_sssom(tmp_path / "q.tsv")
