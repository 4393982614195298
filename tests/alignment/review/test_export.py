"""The exported set is what the SSSOM/TSV specification asks of a canonical writer."""

import csv
import io
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.records import Proposal
from mep3m.alignment.review.export import COLUMNS, TAKEN, Terms, export_sssom
from mep3m.alignment.review.sssom import REVIEWED, MappingRow
from mep3m.cli import cli
from mep3m.errors import UsageError

#: a CURIE: an NCName, a colon, and one segment of a URI (RFC 3986: no letters beyond ASCII)
CURIE = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*):((?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+)")
JUSTIFICATIONS = {"semapv:ManualMappingCuration", "semapv:CompositeMatching"}


def parse(path: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Return metadata and rows as the specification says that a reader gets them."""
    text = path.read_bytes().decode("utf-8")
    assert not text.startswith("\ufeff")
    assert "\r" not in text
    lines = text.split("\n")
    head = [line[1:] for line in lines if line.startswith("#")]
    assert lines[: len(head)] == [f"#{line}" for line in head]
    body = csv.reader(io.StringIO("\n".join(lines[len(head) :]), newline=""), delimiter="\t")
    columns, *rows = [cells for cells in body if cells]
    assert all(len(cells) == len(columns) for cells in rows)
    return yaml.safe_load("\n".join(head)), [dict(zip(columns, cells, strict=True)) for cells in rows]


def check(path: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Assert what the specification demands, and return what a reader gets."""
    metadata, rows = parse(path)
    assert next(iter(metadata)) == "curie_map"
    assert {"mapping_set_id", "license"} <= set(metadata)
    prefixes = metadata["curie_map"]
    assert list(prefixes) == sorted(prefixes)
    assert not TAKEN & {prefix.lower() for prefix in prefixes}
    columns = list(rows[0])
    assert columns == [column for column in COLUMNS if column in columns]
    used: set[str] = set()
    for row in rows:
        whole = {**{key: str(value) for key, value in metadata.items()}, **row}
        for name in ("subject_id", "object_id", "subject_source", "object_source"):
            match = CURIE.fullmatch(whole[name])
            assert match, whole[name]
            used.add(match[1])
        assert row["predicate_id"] in {"skos:exactMatch", "skos:broadMatch", "skos:narrowMatch"}
        assert whole["mapping_justification"] in JUSTIFICATIONS
        assert row.get("predicate_modifier", "") in ("", "Not")
        assert re.fullmatch(r"|[01](\.\d{1,3})?", row.get("confidence", ""))
    assert used == set(prefixes)
    assert all(any(row[column] for row in rows) for column in columns)
    assert not set(columns) & set(metadata)
    keys = [tuple(row.values()) for row in rows]
    assert keys == sorted(keys)
    return metadata, rows


anything = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=10)
sources = st.sampled_from(["jd", "京东", "platform", "skos", "J-D", "1688", "苏宁"])
mapping = st.builds(
    MappingRow,
    st.builds(
        Proposal,
        anything,
        anything,
        st.sampled_from(["exact", "narrower", "broader"]),
        st.floats(0, 1),
        st.booleans(),
        words=st.text(max_size=20).map(lambda text: text.encode("utf-8", "ignore").decode()),
        left_label=anything,
        right_label=anything,
        left_source=sources,
        right_source=sources,
    ),
    decision=st.sampled_from(["accept", "reject", "open"]),
    new_name_zh=st.sampled_from(["", "新名"]),
    reviewer=st.sampled_from(["", "li", "li|wang"]),
    date=st.sampled_from(["2026-11-25", "2026-01-01"]),
    tool_version=st.just("0.1.0"),
)


@given(st.lists(mapping, min_size=1, max_size=6))
def test_any_mappings_make_a_valid_set(
    tmp_path_factory: pytest.TempPathFactory, rows: list[MappingRow]
) -> None:
    path = tmp_path_factory.mktemp("set") / "p.sssom.tsv"
    assert export_sssom(path, rows, Terms("a: title", base="https://example.org/shops/")) == len(rows)
    metadata, found = check(path)
    for row in found:
        assert ("Not" in row.get("predicate_modifier", "")) <= (row["mapping_justification"] == REVIEWED) or (
            "mapping_justification" in metadata
        )
    ids = {
        (metadata["curie_map"][prefix] + local)
        for row in found
        for prefix, _, local in (row["subject_id"].partition(":"), row["object_id"].partition(":"))
    }
    wanted = {
        f"https://example.org/shops/{source}/{category}"
        for row in rows
        for source, category in (
            (row.proposal.left_source, row.proposal.left_id),
            (row.proposal.right_source, row.proposal.right_id),
        )
    }
    assert {unquote(one) for one in ids} == wanted


def test_the_same_decisions_are_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    rows = [MappingRow(Proposal(str(i), "x", "exact", 0.5, True), "accept") for i in range(5)]
    export_sssom(tmp_path / "a", rows, Terms())
    export_sssom(tmp_path / "b", rows[::-1], Terms())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("wrong", ["MIT", "no iri:x", "https://a b", ""])
def test_a_licence_or_base_that_is_no_iri_is_refused(wrong: str) -> None:
    for terms in ({"license": wrong}, {"base": wrong}):
        with pytest.raises(UsageError, match="is no IRI"):
            Terms(**terms)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["align", *map(str, arguments)])


def test_a_review_is_exported_with_what_people_said(tmp_path: Path) -> None:
    left, right = tmp_path / "l.tsv", tmp_path / "r.tsv"
    left.write_text("id\tpath\n1\t手机\n2\t电视\n3\t灯\n", encoding="utf-8")
    right.write_text("id\tpath\na:1\t手机\nb b\t电视\nc\t灯\n", encoding="utf-8")
    review, out = tmp_path / "links.tsv", tmp_path / "set.sssom.tsv"
    assert (
        call("propose", "--left", left, "--right", right, "--method", "paper", "--out", review).exit_code == 0
    )
    nothing = call("export", review, "--out", out)
    assert "nothing is decided yet" in str(nothing.exception)
    assert not out.exists()
    assert call("review", review, "--accept", "10", "--reviewer", "li").exit_code == 0
    assert call("review", review, "--reject", "11", "--reviewer", "wang").exit_code == 0
    assert "2 mappings, 1 rows left out" in call("export", review, "--out", out).output
    metadata, rows = check(out)
    assert [(row["subject_id"], row["predicate_modifier"], row["reviewer_label"]) for row in rows] == [
        ("left:1", "", "li"),
        ("left:2", "Not", "wang"),
    ]
    assert metadata["license"].endswith("unspecified")
    assert call("export", review, "--out", out, "--unreviewed", "accept", "--json").exit_code == 0
    assert len(check(out)[1]) == 3
