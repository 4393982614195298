"""Whatever bytes a table holds: it is read, or one error says what is wrong; nothing else ever happens."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mep3m.alignment.gold import Gold, read_gold
from mep3m.alignment.merging.first_level import read_first_level
from mep3m.alignment.merging.merge import Catalogue
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Entry, Side, read_side
from mep3m.alignment.review.decisions import Ref, read_review
from mep3m.alignment.review.sssom import read_sssom, write_sssom
from mep3m.alignment.score import score
from mep3m.errors import Mep3mError
from mep3m.settings.align import AlignSettings

READERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "side": (read_side, "id\tpath\tname_en\ttitles\tcount"),
    "gold": (read_gold, "left_id\tright_id\trelation"),
    "sssom": (read_sssom, "subject_id\tpredicate_id\tobject_id\tconfidence\tmep3m_decision\tmapping_date"),
    "review": (read_review, "subject_id\tpredicate_id\tobject_id\tconfidence\tmep3m_decision\tmapping_date"),
    "first level": (read_first_level, "source\tpath\tclass_zh\tclass_en"),
}
#: what cells are made of: what is meant, and what goes wrong
bits = st.sampled_from(
    [
        *("1", "2", "手机", "A > B", " > ", ">", '"', '""', "", "skos:exactMatch", "0,5", "accept", "exact"),
        *("2026/1/5", "\r", "#", ",", ";", "||", "\x00", "\ufeff", "\u2028", "９", "x" * 300),
    ]
)
lines = st.lists(st.lists(bits, max_size=8).map("\t".join), max_size=8)
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "utf-32"])


def refusal(read: Callable[[Path], object], path: Path) -> str:
    """Return what an error on purpose says, or the path where there is none."""
    try:
        read(path)
    except Mep3mError as error:
        return str(error)
    return str(path)


@pytest.mark.parametrize("kind", READERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(rows=lines, encoding=encodings, end=st.sampled_from(["\n", "\r\n", "\r"]), header=st.booleans())
def test_a_table_is_read_or_refused(
    tmp_path: Path, kind: str, rows: list[str], encoding: str, end: str, header: bool
) -> None:
    read, columns = READERS[kind]
    path = tmp_path / "t.tsv"
    path.write_bytes(end.join([columns, *rows] if header else rows).encode(encoding))
    assert str(path) in refusal(read, path)


@pytest.mark.parametrize("kind", READERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(data=st.binary(max_size=200))
def test_bytes_are_read_or_refused(tmp_path: Path, kind: str, data: bytes) -> None:
    read, columns = READERS[kind]
    path = tmp_path / "t.tsv"
    for content in (data, f"{columns}\n".encode() + data):
        path.write_bytes(content)
        assert str(path) in refusal(read, path)


names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12).map(
    lambda text: " ".join(text.split()) or "空"
)
entries = st.lists(
    st.tuples(
        st.lists(names | st.sampled_from(["手机", "手机壳", "A/B", "。", "🙂"]), min_size=1, max_size=4).map(
            tuple
        ),
        st.lists(names, max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=7,
)


def side(name: str, rows: list[tuple[tuple[str, ...], tuple[str, ...]]]) -> Side:
    return Side(
        name, tuple(Entry(f"{name}{i}", path, titles=titles) for i, (path, titles) in enumerate(rows))
    )


@pytest.mark.parametrize("method", ["paper", "evidence"])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=25,
    deadline=None,
)
@given(left=entries, right=entries)
def test_any_names_are_proposed_written_read_and_scored(
    tmp_path: Path,
    method: str,
    left: list[tuple[tuple[str, ...], tuple[str, ...]]],
    right: list[tuple[tuple[str, ...], tuple[str, ...]]],
) -> None:
    """One platform's words are any text; what is written comes back, and every number is one."""
    sides = [side("l", left), side("r", right)]
    proposals = propose(sides, AlignSettings(method=method))  # type: ignore[arg-type]
    known = Catalogue.of(sides).ids  # an inner category that no row lists is named by its path
    for found in proposals:
        assert Ref("l", found.left_id) in known
        assert Ref("r", found.right_id) in known
        assert 0 <= found.probability <= 1
    exact = [(p.left_id, p.right_id) for p in proposals if p.accept and p.relation == "exact"]
    if method == "evidence":
        assert len({one for one, _ in exact}) == len({other for _, other in exact}) == len(exact)
    write_sssom(tmp_path / "p.tsv", proposals)
    again = [row.proposal for row in read_sssom(tmp_path / "p.tsv")]
    key = [(p.left_id, p.right_id, p.relation, p.accept) for p in proposals]
    assert [(p.left_id, p.right_id, p.relation, p.accept) for p in again] == key
    scores = score(again, Gold({("l0", "r0"): None}))
    assert 0 <= scores.average_precision <= 1
    assert 0 <= scores.decisions <= scores.proposed
    assert scores.gold_pairs == 1


@pytest.mark.parametrize("method", ["paper", "evidence"])
def test_identical_tables_give_every_category_its_twin(method: str) -> None:
    paths = [("食品",), ("食品", "茶"), ("食品", "茶", "绿茶"), ("家居",), ("家居", "灯"), ("家居", "茶几")]
    rows = [(path, ()) for path in paths]
    proposals = propose([side("l", rows), side("r", rows)], AlignSettings(method=method))  # type: ignore[arg-type]
    exact = {(p.left_id, p.right_id) for p in proposals if p.accept and p.relation == "exact"}
    assert {(f"l{i}", f"r{i}") for i in range(len(paths))} <= exact
