"""Alignment against scikit-learn, networkx and plain loops, and the written table against a golden file."""

import random
from collections.abc import Sequence
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from sklearn.metrics.pairwise import cosine_similarity

from mep3m import __version__
from mep3m.alignment.gold import Gold
from mep3m.alignment.paper.rule import first_level_classes, groups
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Entry, Proposal, Relation, Side, read_side
from mep3m.alignment.review.sssom import PREDICATES, read_sssom, write_sssom
from mep3m.alignment.score import score
from mep3m.alignment.similarity import content_pairs, content_vectors, label_similarity
from mep3m.errors import UsageError
from mep3m.settings.align import AlignSettings, ContentSettings
from tests.alignment.make_golden import GOLDEN, ROWS

Ranked = list[tuple[int, bool, bool]]
#: (id of both sides, whether it is in the gold, whether the method accepted it); ranked as they stand
ranked = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=15).map(
    lambda flags: [(n, *pair) for n, pair in enumerate(flags)]
)


def proposals(rows: Ranked) -> list[Proposal]:
    return [Proposal(str(n), str(n), "exact", 1 - n / 100, accept) for n, _, accept in rows]


def gold(rows: Ranked, missed: int = 0) -> Gold:
    pairs: dict[tuple[str, str], Relation | None] = {(str(n), str(n)): None for n, right, _ in rows if right}
    return Gold({**pairs, **{(f"m{n}", f"m{n}"): None for n in range(missed)}})


def test_the_written_table_is_the_golden_one(tmp_path: Path) -> None:
    write_sssom(tmp_path / "links.tsv", ROWS, "golden")
    expected = GOLDEN.read_text(encoding="utf-8").replace(
        "#mapping_tool_version: 0.1.0\n", f"#mapping_tool_version: {__version__}\n"
    )
    assert (tmp_path / "links.tsv").read_text(encoding="utf-8") == expected


def test_the_golden_table_says_what_its_rows_say() -> None:
    rows = read_sssom(GOLDEN)
    assert [row.line for row in rows] == [8, 9, 10]
    assert [row.proposal.relation for row in rows] == ["exact", "narrower", "broader"]
    assert [row.decision for row in rows] == ["accept", "", "不确定"]
    assert rows[0].proposal == ROWS[0].proposal
    assert rows[1].proposal.right_id == "a b"  # a tab would break the table
    assert (rows[1].proposal.left_source, rows[1].proposal.right_source) == ("京东", "苏宁")
    assert (rows[2].new_name_zh, rows[2].new_name_en) == ("新名", "New")
    text = GOLDEN.read_text(encoding="utf-8")
    assert all(predicate in text for predicate in PREDICATES.values())


@given(rows=ranked.filter(lambda rows: any(right for _, right, _ in rows)), missed=st.integers(0, 4))
def test_average_precision_is_that_of_scikit_learn(rows: Ranked, missed: int) -> None:
    right = [flag for _, flag, _ in rows]
    reference = average_precision_score(right, [-n for n, *_ in rows])
    found = score(proposals(rows), gold(rows, missed))
    assert found.average_precision == pytest.approx(reference * sum(right) / (sum(right) + missed))


@given(rows=ranked, missed=st.integers(1, 4))
def test_scores_are_those_of_two_sets(rows: Ranked, missed: int) -> None:
    found = score(proposals(rows), gold(rows, missed))
    accepted = {n for n, _, accept in rows if accept}
    true = {n for n, right, _ in rows if right}
    assert (found.proposed, found.correct) == (len(accepted), len(accepted & true))
    assert found.gold_pairs == len(true) + missed
    assert found.precision == pytest.approx(len(accepted & true) / max(len(accepted), 1))
    assert found.recall == pytest.approx(len(accepted & true) / (len(true) + missed))
    wrong = [row["left_id"] for row in found.errors if row["kind"] == "wrong"]
    assert wrong == [str(n) for n in sorted(accepted - true)]  # the surest first
    assert sum(row["kind"] == "missed" for row in found.errors) == len(true - accepted) + missed


@given(rows=ranked, missed=st.integers(1, 4))
def test_coverage_is_the_longest_ranking_that_keeps_the_precision(rows: Ranked, missed: int) -> None:
    found = score(proposals(rows), gold(rows, missed))
    right = [flag for _, flag, _ in rows]
    for wanted, share in found.coverage.items():
        cuts = [k for k in range(1, len(right) + 1) if sum(right[:k]) / k >= float(wanted) - 1e-12]
        best = max((sum(right[:k]) for k in cuts), default=0)
        assert share == pytest.approx(best / found.gold_pairs)


tied = st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=15)


@given(rows=tied.filter(lambda rows: any(right for _, right in rows)), seed=st.integers(0, 99))
def test_rows_of_one_probability_count_at_once(rows: list[tuple[float, bool]], seed: int) -> None:
    """The ids of tied rows, by which they would be sorted, say nothing about how good the ranking is."""
    names = list(range(len(rows)))
    random.Random(seed).shuffle(names)
    made = [Proposal(str(n), str(n), "exact", p, True) for n, (p, _) in zip(names, rows, strict=True)]
    true = Gold({(str(n), str(n)): None for n, (_, right) in zip(names, rows, strict=True) if right})
    found = score(made, true)
    right = [flag for _, flag in rows]
    assert found.average_precision == pytest.approx(average_precision_score(right, [p for p, _ in rows]))
    for wanted, share in found.coverage.items():
        cuts = [[flag for p, flag in rows if p >= least] for least in {p for p, _ in rows}]
        best = max((sum(cut) for cut in cuts if sum(cut) >= float(wanted) * len(cut)), default=0)
        assert share == pytest.approx(best / sum(right))


@given(rows=ranked)
def test_after_the_decisions_the_accepted_ones_are_right_enough(rows: Ranked) -> None:
    decisions = score(proposals(rows), gold(rows, 1)).decisions
    accepted = [right for _, right, accept in rows if accept]

    def wrong_share(looked: int) -> float:
        unseen = accepted[: len(accepted) - looked]
        kept = len(unseen) + sum(accepted[len(unseen) :])
        return unseen.count(False) / kept if kept else 0.0

    assert decisions <= len(accepted)
    assert wrong_share(decisions) <= 0.01 + 1e-9
    assert decisions == 0 or wrong_share(decisions - 1) > 0.01


ends = st.tuples(st.sampled_from("abc"), st.sampled_from("123"))
relations = st.sampled_from(["exact", "exact", "narrower"])


@given(links=st.lists(st.tuples(ends, ends, relations, st.booleans()), max_size=10))
def test_groups_are_the_connected_parts_of_the_accepted_exact_links(
    links: list[tuple[tuple[str, str], tuple[str, str], Relation, bool]],
) -> None:
    made = [
        Proposal(left[1], right[1], relation, 0.9, accept, {}, "", "", "", left[0], right[0])
        for left, right, relation, accept in links
    ]
    graph = nx.Graph()
    graph.add_edges_from(
        (left, right) for left, right, relation, accept in links if accept and relation == "exact"
    )
    expected = sorted(tuple(sorted(part)) for part in nx.connected_components(graph))
    assert groups(made) == expected


titles = st.lists(st.text(st.sampled_from("红绿茶灯 a1,"), max_size=8), max_size=3)


@settings(deadline=None, max_examples=25)
@given(texts=st.lists(titles, min_size=2, max_size=5), tokens=st.sampled_from(["characters", "ngrams"]))
def test_s_content_is_the_cosine_of_counted_terms(texts: list[list[str]], tokens: str) -> None:
    size = 1 if tokens == "characters" else 2

    def terms(part: Sequence[str]) -> list[str]:
        kept = [c for c in " ".join(part).lower() if c.isalnum() or c == " "]
        grams = ["".join(kept[i : i + size]) for i in range(len(kept) - size + 1)]
        return [gram for gram in grams if " " not in gram]

    counted = [terms(part) for part in texts]
    vocabulary = sorted({term for part in counted for term in part}) or ["none"]
    matrix = np.array([[part.count(term) for term in vocabulary] for part in counted])
    vectors = content_vectors(texts, ContentSettings(tokens=tokens, ngram=2))  # type: ignore[arg-type]
    rows, columns = (index.ravel() for index in np.indices((len(texts), len(texts))))
    found = content_pairs(vectors, vectors, rows, columns).reshape(len(texts), len(texts))
    assert found == pytest.approx(cosine_similarity(matrix), abs=1e-9)


@given(left=st.text(max_size=12), right=st.text(max_size=12))
def test_s_label_is_a_share_and_one_exactly_for_equal_names(left: str, right: str) -> None:
    value = label_similarity(left, right)
    assert 0 <= value <= 1
    assert (value == 1) == (left == right)


def shop(name: str, *paths: tuple[str, ...], level: str | None = None) -> Side:
    return Side(name, tuple(Entry(">".join(path), path, first_level=level) for path in paths))


@pytest.mark.parametrize(
    ("setting", "left", "right", "mapped", "compared"),
    [
        ("never", ("a", "x"), ("a", "x"), {}, None),
        ("auto", ("a", "x"), ("a", "y"), {}, (["a"], ["a"])),
        ("auto", ("a", "x"), ("b", "y"), {}, None),
        ("auto", ("a",), ("a",), {}, None),  # one level has no first level above it
        ("always", ("a", "x"), ("b", "y"), {}, (["a"], ["b"])),
        ("auto", ("a", "x"), ("b", "y"), {("l", "a"): "C", ("r", "b"): "C"}, (["C"], ["C"])),
        ("auto", ("a", "x"), ("b", "y"), {("l", "a"): "C"}, (["C"], ["b"])),
    ],
)
def test_when_first_levels_count(
    setting: str,
    left: tuple[str, ...],
    right: tuple[str, ...],
    mapped: dict[tuple[str, str], str],
    compared: object,
) -> None:
    wanted = AlignSettings.parse({"within_first_level": setting}, "x")
    assert first_level_classes(shop("l", left), shop("r", right), wanted, mapped) == compared


def test_an_entry_s_own_first_level_comes_before_the_map() -> None:
    classes = first_level_classes(
        shop("l", ("a", "x"), level="own"), shop("r", ("b", "y")), AlignSettings(), {("l", "a"): "map"}
    )
    assert classes == (["own"], ["b"])


@pytest.mark.parametrize("names", [[], ["a"], ["a", "a"], ["a", "b", "a"]])
@pytest.mark.parametrize("method", ["paper", "evidence"])
def test_every_method_wants_two_platforms_of_different_names(method: str, names: list[str]) -> None:
    with pytest.raises(UsageError, match="two platforms or more, of different names"):
        propose([shop(name, ("x",)) for name in names], AlignSettings.parse({"method": method}, "x"))


@pytest.mark.parametrize("method", ["paper", "evidence"])
def test_every_method_links_the_same_names_and_keeps_who_is_who(method: str) -> None:
    paths = [("数码", "手机"), ("数码", "耳机"), ("家电", "空调")]
    found = propose(
        [shop("l", *paths), shop("r", *paths[::-1])], AlignSettings.parse({"method": method}, "x")
    )
    accepted = {(p.left_source, p.left_id, p.right_source, p.right_id) for p in found if p.accept}
    assert {("l", ">".join(path), "r", ">".join(path)) for path in paths} <= accepted
    for proposal in found:
        assert 0 <= proposal.probability <= 1
        assert proposal.words
        assert proposal.left_label.startswith(proposal.left_id.split(">", maxsplit=1)[0])


@given(
    rows=st.lists(
        st.tuples(
            st.text(st.sampled_from("abc手机"), min_size=1, max_size=4),
            st.lists(st.text(st.sampled_from("ab>手"), min_size=1, max_size=3), min_size=1, max_size=3),
            st.lists(st.text(st.sampled_from("茶ab"), min_size=1, max_size=4), max_size=3),
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda row: row[0],
    )
)
def test_a_table_of_categories_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, list[str], list[str]]]
) -> None:
    rows = [row for row in rows if ">" not in row[1]] or [("1", ["a"], [])]
    path = tmp_path_factory.mktemp("side") / "shop.tsv"
    lines = ["\t".join((key, " > ".join(names), " || ".join(titles))) for key, names, titles in rows]
    path.write_text("id\tpath\ttitles\n" + "\n".join(lines) + "\n", encoding="utf-8")
    side, rejects = read_side(path)
    assert rejects == []
    assert [(e.id, list(e.path), list(e.titles), e.line) for e in side] == [
        (key, names, titles, line) for line, (key, names, titles) in enumerate(rows, start=2)
    ]
