"""Reviews and merges: what people write, what contradicts, logs that are cut, groups, ids, mappings."""

from collections import Counter
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.merging.conflicts import resolve_conflicts
from mep3m.alignment.merging.first_level import FirstLevelMap, class_id
from mep3m.alignment.merging.groups import with_ancestors
from mep3m.alignment.merging.impact import Counts, MergeResult, impact
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, find_problems, merge
from mep3m.alignment.records import Side
from mep3m.alignment.review.decisions import (
    WORDS,
    Decision,
    Problem,
    Ref,
    contradictions,
    links,
    parse_decision,
    parse_lines,
    progress,
    rename_sources,
)
from mep3m.errors import FormatError, NotFoundError, StoreError, UsageError
from mep3m.product import Label
from mep3m.settings.align import MergeSettings
from mep3m.stages.apply_review import mapping_rows, read_mapping, read_previous
from mep3m.store.append_log import append_line, read_lines
from mep3m.store.json_files import write_json
from tests.alignment.shops import FIRST, ROWS, link, side

NOW = "2026-11-22T10:00:00"
CELLS = {"subject_id": "1", "object_id": "2", "predicate_id": "skos:exactMatch"}
nodes = st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from("xyz"), min_size=1, max_size=3).map(tuple))
relation = st.sampled_from(["exact", "broader", "narrower"])
verdict = st.sampled_from(["accept", "reject", "unsure", "open"])
rows_said = st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from("xy"), relation, verdict), max_size=8)
decisions = rows_said.map(
    lambda rows: [
        link(left, right, line, relation=kind, verdict=said)
        for line, (left, right, kind, said) in enumerate(rows, start=2)
    ]
)


def turned(row: Decision) -> Decision:
    """Say the same from the other side."""
    other = {"exact": "exact", "broader": "narrower", "narrower": "broader"}[row.relation]
    return replace(row, left=row.right, right=row.left, relation=other)  # type: ignore[arg-type]


def lines_of(problems: list[Problem]) -> Counter[tuple[int, ...]]:
    return Counter(tuple(sorted(problem.lines)) for problem in problems)


@pytest.mark.parametrize(("word", "said"), sorted(WORDS.items()))
def test_every_word_for_a_decision_is_read_in_any_case(word: str, said: str) -> None:
    for written in (word, word.upper(), f" {word} "):
        assert parse_decision({**CELLS, "mep3m_decision": written}, 2).verdict == said


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("", None),
        ("2026-01-05", "2026-01-05"),
        ("2026-1-5", "2026-01-05"),
        ("2026/01/05", "2026-01-05"),
        ("2026.1.5", "2026-01-05"),
        ("5.1.2026", "2026-01-05"),
        ("2026年1月5日", "2026-01-05"),
        ("2026-01-05T10:00:00", "2026-01-05"),
        ("2026-01-05 10:00", "2026-01-05"),
        ("2024-02-29", "2024-02-29"),
    ],
)
def test_dates_as_spreadsheets_write_them(text: str, iso: str | None) -> None:
    assert parse_decision({**CELLS, "mapping_date": text}, 2).date == iso


@pytest.mark.parametrize(
    "text", ["2026-02-30", "1/5/2026", "45662", "today", "2025-02-29", "26-01-05", "2026"]
)
def test_a_date_that_could_be_another_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"mapping_date '{text}' is not a date; write YYYY-MM-DD"):
        parse_decision({**CELLS, "mapping_date": text}, 2)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("0", 0),
        ("1", 1),
        ("0.25", 0.25),
        ("0,25", 0.25),
        ("25%", 0.25),
        ("100%", 1),
        ("1e-3", 0.001),
    ],
)
def test_probabilities_as_spreadsheets_write_them(text: str, value: float | None) -> None:
    assert parse_decision({**CELLS, "confidence": text}, 2).probability == value


@pytest.mark.parametrize("text", ["-0.1", "1.1", "101%", "%", "high", "0.5.5", "nan"])
def test_what_is_no_probability_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="confidence"):
        parse_decision({**CELLS, "confidence": text}, 2)


@given(rows=decisions)
def test_it_does_not_matter_from_which_side_a_row_is_written(rows: list[Decision]) -> None:
    expected = lines_of(contradictions(rows))
    assert lines_of(contradictions([turned(row) for row in rows])) == expected
    assert lines_of(contradictions([turned(row) if row.line % 2 else row for row in rows])) == expected


@given(rows=decisions)
def test_rows_that_agree_never_contradict(rows: list[Decision]) -> None:
    for row in rows:
        assert contradictions([row, turned(replace(row, line=99))]) == []
        if row.verdict in ("unsure", "open"):
            assert contradictions([row, replace(row, verdict="accept", line=99)]) == []


@given(rows=decisions, above=st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_the_method_s_own_accepts_count_only_where_sure_and_not_skipped(
    rows: list[Decision], above: float
) -> None:
    rows = [replace(row, by_method=row.line % 2 == 0) for row in rows]
    said = [row for row in rows if row.verdict == "accept"]
    assert links(rows, MergeSettings(unreviewed="skip")) == said
    found = links(rows, MergeSettings(unreviewed="accept", accept_above=above))
    method = [row for row in rows if row.verdict == "open" and row.by_method and above <= 0.9]
    assert sorted(row.line for row in found) == sorted(row.line for row in [*said, *method])


@given(rows=decisions)
def test_progress_counts_every_row_once(rows: list[Decision]) -> None:
    assert sum(progress(rows).values()) == len(rows)


@given(rows=decisions, names=st.permutations(["a", "b", "c"]))
def test_renaming_platforms_back_gives_the_same_rows(rows: list[Decision], names: list[str]) -> None:
    there = dict(zip(["a", "b", "c"], names, strict=True))
    back = {new: old for old, new in there.items()}
    assert rename_sources(rename_sources(rows, there), back) == rows


@pytest.mark.parametrize(("lines", "text"), [((), "why"), ((3,), "line 3: why"), ((3, 9), "lines 3, 9: why")])
def test_a_problem_begins_with_its_lines(lines: tuple[int, ...], text: str) -> None:
    assert str(Problem("join", lines, "why")) == text


@given(ranges=st.lists(st.tuples(st.integers(1, 500), st.integers(0, 20)), min_size=1, max_size=5))
def test_line_ranges_are_read_as_written(ranges: list[tuple[int, int]]) -> None:
    text = ",".join(f"{first}-{first + more}" if more else str(first) for first, more in ranges)
    expected = [line for first, more in ranges for line in range(first, first + more + 1)]
    assert parse_lines(text) == expected


@pytest.mark.parametrize("text", ["", "x", "3-", "-3", "5-4", "1,,2", "1;2", "1-9999999", "1.5", "0x1"])
def test_what_names_no_lines_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no lines; write for example 12 or 12,15 or 12-20"):
        parse_lines(text)


@pytest.mark.parametrize("count", [1, 3])
def test_a_log_that_a_kill_cut_anywhere_loses_only_its_last_line(tmp_path: Path, count: int) -> None:
    path = tmp_path / "log.jsonl"
    rows = [
        {"time": NOW, "why": '{"茶\\"}', "changes": [{"row": n, "after": {"a": "}"}}, {"after": {}}]}
        for n in range(count)
    ]
    for row in rows:
        append_line(path, row)
    content = path.read_bytes()
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(last, len(content)):
        path.write_bytes(content[:end])
        whole = rows if end == len(content) - 1 else rows[:-1]  # only the line end is missing
        assert read_lines(path) == whole
        append_line(path, {"number": 99})
        assert read_lines(path) == [*whole, {"number": 99}]


@pytest.mark.parametrize("text", ["nonsense\n", "[1]\n", '"x"\n', '{"a": 1}}\n'])
def test_a_log_of_something_else_is_refused_by_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.jsonl").write_text('{"a": 1}\n' + text)
    with pytest.raises(FormatError, match="line 2 is not"):
        read_lines(tmp_path / "log.jsonl")


@given(found=st.lists(nodes, max_size=6))
def test_ancestors_are_every_beginning_of_a_path(found: list[tuple[str, tuple[str, ...]]]) -> None:
    closed = with_ancestors(found)
    assert closed == sorted(set(closed))
    assert set(found) <= set(closed)
    assert {(s, p[:-1]) for s, p in closed if len(p) > 1} <= set(closed)
    assert all(any(s == t and q[: len(p)] == p for t, q in found) for s, p in closed)


@given(entries=st.dictionaries(nodes, st.sampled_from(["c1", "c2"]), max_size=6), asked=nodes)
def test_the_longest_entry_that_fits_gives_the_class(
    entries: dict[tuple[str, tuple[str, ...]], str], asked: tuple[str, tuple[str, ...]]
) -> None:
    fitting = {len(p): c for (s, p), c in entries.items() if s == asked[0] and asked[1][: len(p)] == p}
    expected = fitting[max(fitting)] if fitting else None
    assert FirstLevelMap((), entries).class_of(asked) == expected


@pytest.mark.parametrize(
    ("zh", "en", "expected"),
    [
        ("家电", "Home appliances", "home-appliances"),
        (None, "  TV & Audio!  ", "tv-audio"),
        ("x", "3C", "3c"),
        ("家电", None, "class-"),
        ("家电", "家电", "class-"),  # an English name without a Latin letter
    ],
)
def test_ids_of_classes_are_readable(zh: str | None, en: str | None, expected: str) -> None:
    found = class_id(zh, en)
    assert found == expected or (expected == "class-" and len(found) == len("class-") + 8)
    assert found == class_id(zh, en)


flat = st.tuples(st.sampled_from("abcd"), st.sampled_from("123").map(lambda name: (name,)))


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(flat, flat).filter(lambda p: p[0] != p[1]), max_size=8))
def test_merged_categories_are_the_connected_parts(
    pairs: list[tuple[tuple[str, tuple[str]], tuple[str, tuple[str]]]],
) -> None:
    every = {(s, (n,)): 1 for s in "abcd" for n in "123"}
    graph = nx.Graph()
    graph.add_nodes_from(every)
    graph.add_edges_from(pairs)
    rows = [
        Decision(Ref(left[0], left[1][0]), Ref(right[0], right[1][0]), "exact", "accept", line)
        for line, (left, right) in enumerate(pairs, start=2)
    ]
    settings = MergeSettings(allow_joins=True, join_inner=False)
    merged = merge(Catalogue.of([], every), MergeInputs(tuple(rows), None, None, settings))
    by_id: dict[str | None, set[object]] = {}
    for node, labels in merged.mapping.items():
        by_id.setdefault(labels[0].category, set()).add(node)
    assert sorted(map(sorted, by_id.values())) == sorted(map(sorted, nx.connected_components(graph)))
    again = merge(Catalogue.of([], every), MergeInputs(tuple(rows), None, merged.ids(), settings))
    assert again.mapping == merged.mapping  # ids stay when nothing changes


weak = st.lists(
    st.tuples(
        st.sampled_from([node for node in ROWS if node[0] == "a"]),
        st.sampled_from([node for node in ROWS if node[0] == "b"]),
        relation,
        st.sampled_from([0.3, 0.6, 0.9]),
    ),
    max_size=8,
    unique_by=lambda row: row[:2],
)


@settings(deadline=None, max_examples=60)
@given(rows=weak)
def test_what_nobody_reviewed_never_stops_a_merge(rows: list[tuple]) -> None:
    said = tuple(
        replace(
            link(" > ".join(left[1]), " > ".join(right[1]), line, relation=kind, verdict="open"),
            probability=probability, by_method=True,
        )
        for line, (left, right, kind, probability) in enumerate(rows, start=2)
    )  # fmt: skip
    catalogue = Catalogue.of([side("a"), side("b")])
    review, notes = resolve_conflicts(
        catalogue, MergeInputs(said, FIRST, None, MergeSettings(unreviewed="accept", accept_above=0.0))
    )
    assert find_problems(catalogue, review) == []
    given_up = [row for row in review.decisions if not row.by_method]
    assert len(notes) == len(given_up)
    merge(catalogue, review)


def test_the_order_of_decisions_does_not_change_the_tree() -> None:
    rows = [
        link("家电 > 电视", "电器 > 平板电视", 8),
        link("手机 > 手机", "数码 > 手机", 9),
        link("手机 > 充电宝", "数码 > 移动电源", 10, relation="narrower"),
    ]
    catalogue = Catalogue.of([side("a"), side("b")])
    trees = {merge(catalogue, MergeInputs(order, FIRST)).taxonomy.version for order in permutations(rows)}
    assert len(trees) == 1


labels = st.lists(
    st.builds(
        Label,
        st.sampled_from(["c1", "c2", None]),
        st.sampled_from(["given", "mapped", "reviewed"]),
        st.text(max_size=3),
        st.none() | st.floats(0, 1),
    ),
    max_size=3,
).map(tuple)


@settings(deadline=None)
@given(mapping=st.dictionaries(nodes, labels, max_size=5))
def test_a_mapping_comes_back_from_its_file(
    tmp_path_factory: pytest.TempPathFactory, mapping: dict[tuple[str, tuple[str, ...]], tuple[Label, ...]]
) -> None:
    path = tmp_path_factory.mktemp("mapping") / "mapping.json"
    write_json(path, mapping_rows(mapping))
    assert read_mapping(path) == mapping
    assert read_previous(path.parent) == {
        node: found[-1].category for node, found in mapping.items() if found and found[-1].category
    }


@pytest.mark.parametrize(
    "content", ["{}x", "[1]", '[{"source": "a"}]', '[{"source":"a","path":[],"labels":[{}]}]']
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "mapping.json").write_text(content)
    with pytest.raises((StoreError, FormatError), match=r"mapping\.json is not"):
        read_mapping(tmp_path / "mapping.json")


def test_a_folder_without_a_mapping_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"holds no mapping\.json; name a result of 'align apply'"):
        read_previous(tmp_path)


@settings(deadline=None, max_examples=30)
@given(counted=st.dictionaries(st.sampled_from(list(ROWS)), st.integers(0, 9), max_size=8))
def test_the_report_before_accounts_for_every_row(counted: dict[tuple[str, tuple[str, ...]], int]) -> None:
    counts = Counts(counted, {node: {(): n} for node, n in counted.items()})
    merged = merge(Catalogue.of([side("a"), side("b")], counted), MergeInputs((), FIRST))
    report = impact(counts, MergeResult(merged), ())
    assert report["rows"] == sum(counted.values())
    assert report["rows_unmapped"] + sum(report["rows_by_origin"].values()) == report["rows"]
    assert report["rows_moved"] == sum(n for node, n in counted.items() if merged.mapping.get(node))
    assert sum(row["rows"] for row in report["unmapped"]) == report["rows_unmapped"]
    for level in report["levels"]:
        deep = [n for node, n in counted.items() if len(merged.mapping.get(node, ())) >= level["level"]]
        assert level["rows"] == sum(deep)


def test_a_side_without_categories_merges_into_nothing() -> None:
    merged = merge(Catalogue.of([Side("a", ()), Side("b", ())]), MergeInputs())
    assert (len(merged.taxonomy), merged.mapping, merged.unmapped) == (0, {}, {})
