"""Scores by hand on small tables, and gold files that are wrong."""

from pathlib import Path

import pytest

from mep3m.alignment.gold import Gold, gold_of_rows, read_gold
from mep3m.alignment.records import Entry, Proposal, Side
from mep3m.alignment.score import score
from mep3m.errors import FormatError, NotFoundError


def link(left: str, right: str, probability: float, accept: bool = True) -> Proposal:
    return Proposal(left, right, "exact", probability, accept, words="because")


GOLD = Gold({("1", "1"): "exact", ("2", "2"): "narrower", ("3", "3"): None, ("4", "4"): None})


def test_precision_recall_and_errors() -> None:
    scores = score(
        [link("1", "1", 0.9), link("2", "2", 0.8), link("3", "9", 0.7), link("4", "4", 0.3, False)], GOLD
    )
    assert (scores.proposed, scores.correct, scores.gold_pairs) == (3, 2, 4)
    assert scores.precision == pytest.approx(2 / 3)
    assert scores.recall == pytest.approx(1 / 2)
    assert scores.f1 == pytest.approx(4 / 7)
    assert scores.relation_accuracy == pytest.approx(1 / 2)
    assert [(row["kind"], row["left_id"], row["evidence"]) for row in scores.errors] == [
        ("wrong", "3", "because"), ("missed", "3", "never a candidate"), ("missed", "4", "because"),
    ]  # fmt: skip


def test_average_precision_and_coverage_rank_every_row() -> None:
    scores = score([link("1", "1", 0.9), link("3", "9", 0.7), link("2", "2", 0.5, False)], GOLD)
    assert scores.average_precision == pytest.approx((1 + 2 / 3) / 4)
    assert scores.coverage == {"0.90": 0.25, "0.95": 0.25, "0.99": 0.25}


def test_decisions_remove_the_wrong_ones_from_the_least_sure_on() -> None:
    right = [link("1", "1", 0.9), link("2", "2", 0.8)]
    assert score(right, GOLD).decisions == 0
    assert score([*right, link("5", "5", 0.7)], GOLD).decisions == 1
    assert score([link("5", "5", 0.95), *right], GOLD).decisions == 3


@pytest.mark.parametrize("order", [("1", "5", "2"), ("5", "1", "2"), ("2", "1", "5")])
def test_the_decisions_of_one_probability_do_not_hang_on_ids(order: tuple[str, ...]) -> None:
    """The wrong pair may be the last that the person looks at, whatever the ids sort like."""
    gold = Gold({(f"{n}{key}", key): None for n, key in enumerate(order) if key != "5"})
    rows = [link(f"{n}{key}", key, 0.8) for n, key in enumerate(order)]
    assert score(rows, gold).decisions == 3


def test_a_pair_proposed_twice_counts_once() -> None:
    scores = score([link("1", "1", 0.9, False), link("1", "1", 0.2)], GOLD)
    assert (scores.proposed, scores.correct) == (1, 1)


def test_nothing_accepted_is_zero() -> None:
    scores = score([link("1", "1", 0.9, False)], GOLD)
    assert (scores.precision, scores.recall, scores.f1, scores.decisions) == (0, 0, 0, 0)
    assert scores.relation_accuracy is None


def write(folder: Path, text: str) -> Path:
    path = folder / "gold.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_gold_rows_with_unknown_ids_are_set_aside_with_their_lines(tmp_path: Path) -> None:
    left, right = Side("a", (Entry("1", ("A",)),)), Side("b", (Entry("1", ("A",)),))
    gold = read_gold(write(tmp_path, "left_id\tright_id\n1\t1\n7\t1\n1\t8\n"), left, right)
    assert gold.pairs == {("1", "1"): None}
    assert [line.split(":")[0] for line in gold.unknown] == ["line 3", "line 4"]
    assert "'8' is not in the table of platform 'b'" in gold.unknown[1]
    assert score([link("1", "1", 1)], gold).gold_unknown == list(gold.unknown)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1\t1\tsame", "line 2: relation 'same' is not allowed"),
        ("1\t\texact", "line 2: an id is empty"),
        ("1\t1\texact\n1\t1\tbroader", "line 3: the pair 1 - 1 stands above"),
        ("1\t1\texact\tmore", "line 2: 4 cells"),
        ("", "no gold pair"),
    ],
)
def test_a_bad_gold_file_is_named_by_line(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_gold(write(tmp_path, f"left_id\tright_id\trelation\n{rows}\n"))
    with pytest.raises(NotFoundError, match="no column 'left_id'"):
        read_gold(write(tmp_path, "a\tb\n"))


@pytest.mark.parametrize(
    ("rows", "pairs", "swapped"),
    [
        ([("1", "x", "narrower")], {("1", "x"): "narrower"}, False),
        ([("x", "1", "narrower"), ("y", "2", "exact")], {("1", "x"): "broader", ("2", "y"): "exact"}, True),
        ([("x", "1", ""), ("z", "2", "")], {("1", "x"): None}, True),
        ([("1", "x", ""), ("y", "2", "")], {("1", "x"): None}, False),
    ],
)
def test_a_gold_with_swapped_sides_is_recognised(
    rows: list[tuple[str, str, str]], pairs: dict[tuple[str, str], str | None], swapped: bool
) -> None:
    left, right = (Side(name, tuple(Entry(i, (i,)) for i in ids)) for name, ids in (("l", "12"), ("r", "xy")))
    cells = [
        (n, dict(zip(("left_id", "right_id", "relation"), row, strict=True))) for n, row in enumerate(rows, 2)
    ]
    gold = gold_of_rows(cells, "gold", left, right)
    assert (gold.pairs, gold.swapped) == (pairs, swapped)


def test_a_swapped_gold_is_recognised_though_a_row_fits_by_chance() -> None:
    """Platforms number their categories alike; a row that fits both ways decides nothing."""
    left = Side("a", tuple(Entry(key, (key,)) for key in ("1", "2", "x")))
    right = Side("b", tuple(Entry(key, (key,)) for key in ("1", "8", "9", "x")))
    cells = [("1", "1"), ("8", "2"), ("9", "x"), ("x", "8")]
    rows = enumerate(({"left_id": one, "right_id": other} for one, other in cells), start=2)
    gold = gold_of_rows(rows, "gold", left, right)
    assert gold.swapped
    assert set(gold.pairs) == {("1", "1"), ("2", "8"), ("x", "9")}
    assert gold.unknown == ("line 5: left_id '8' is not in the table of platform 'a'",)
