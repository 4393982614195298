"""Files of answers: what each kind holds, and that parts joined are the file that one part would be."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from mep3m.assignment.answer import Assignment
from mep3m.assignment.output import ENDINGS, AnswerForm
from mep3m.errors import UsageError
from mep3m.imaging.look import Look

WHY = {
    "words": [{"text": "苹果", "share": 0.9, "lead": 1.5}],
    "exact": True,
    "nearest": [{"id": "7", "title": "青苹果", "alike": 0.5}],
    "without": {"text": "苹果", "path": ("b",), "names": ("B",), "probability": 0.6},
}


def answer(number: int, **more: object) -> Assignment:
    given: dict[str, object] = {
        "id": str(number),
        "path": ("a", "x"),
        "names": ("A", "X"),
        "confidence": (0.9, 0.8),
        "review": False,
        "top": ({"path": ("a", "x"), "names": ("A", "X"), "probability": 0.8},),
        "title": f"苹果 {number}",
        "model": "m",
        "taxonomy": "t",
        "known": 0.5,
    }
    return Assignment(**{**given, **more})  # type: ignore[arg-type]


ANSWERS = [
    answer(1),
    answer(2, path=("a",), names=("A",), confidence=(0.7,), review=True, decision="review", reason="unsure"),
    answer(
        3, path=(), names=(), confidence=(), top=(), review=True, decision="review", title=None, known=None
    ),
    answer(4, decision="none", path=(), names=(), confidence=(), reason="unlike"),
    answer(5, kept="given", confidence=(), reason="its given label stands", platform="jd"),
    answer(6, shadow="filed", promise="p", decision="review", review=True, why=WHY, picture=Look(90, 0.5)),
    answer(7, title='=HYPERLINK("x")'),
]


def form(path: Path, platforms: bool = True, why: bool = True) -> AnswerForm:
    return AnswerForm.of(path, 2, True, platforms, why)


def written(folder: Path, kind: str, sizes: list[int]) -> Path:
    """Write the answers in parts of these sizes, and return the joined file."""
    out = folder / f"o{kind}"
    made, parts, at = form(out), [], 0
    for number, size in enumerate(sizes):
        part = folder / f"{len(sizes)}-{number}{made.part_suffix}"
        made.write_part(ANSWERS[at : at + size], part)
        parts.append(part)
        at += size
    made.join(parts, out)
    return out


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("sizes", [[1] * 7, [3, 4], [0, 7], [6, 0, 1]])
def test_parts_joined_are_what_one_part_would_be(tmp_path: Path, kind: str, sizes: list[int]) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()
    one, many = written(tmp_path / "one", kind, [7]), written(tmp_path / "many", kind, sizes)
    if kind == ".xlsx":  # a workbook holds the time at which it was made
        sheets = [
            [[cell.value for cell in row] for row in load_workbook(path).active] for path in (one, many)
        ]  # type: ignore[union-attr]
        assert sheets[0] == sheets[1]
    elif kind == ".parquet":
        assert pq.read_table(one).equals(pq.read_table(many))
    else:
        assert one.read_bytes() == many.read_bytes()


def test_lines_hold_all_that_is_known(tmp_path: Path) -> None:
    found = [json.loads(line) for line in written(tmp_path, ".jsonl", [7]).read_text().splitlines()]
    for line, one in zip(found, ANSWERS, strict=True):
        assert line == json.loads(json.dumps(one.to_json()))
    assert found[5]["why"]["without"]["names"] == ["B"]


def test_parquet_has_every_probability_and_all_versions(tmp_path: Path) -> None:
    rows = pq.read_table(written(tmp_path, ".parquet", [7])).to_pylist()
    for row, one in zip(rows, ANSWERS, strict=True):
        assert (row["path"], row["probabilities"]) == (list(one.path), list(one.confidence))
        assert (row["model"], row["taxonomy"], row["promise"]) == (one.model, one.taxonomy, one.promise)
        assert (row["known"], row["shadow"], row["decision"]) == (one.known, one.shadow, one.decision)
        assert row["kept"] == one.kept
        assert row["picture"] == (None if one.picture is None else {"side": 90, "brightness": 0.5})
        assert row["probability"] == (one.top[0]["probability"] if one.top else None)


def test_a_table_for_people_has_a_row_a_product(tmp_path: Path) -> None:
    with written(tmp_path, ".csv", [4, 3]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "id", "platform", "title", "level_1", "level_2", "category", "confidence", "decision", "reason",
        "suggestion", "why",
    ]  # fmt: skip
    assert rows[0]["category"] == "x"
    assert [row["level_2"] for row in rows] == ["X", "", "", "", "X", "X", "X"]
    assert [row["confidence"] for row in rows] == ["0.8", "0.7", "", "", "", "0.8", "0.8"]
    assert rows[5]["why"] == "苹果 90%; like '青苹果' (0.50); without 苹果: B"
    assert rows[6]["title"] == "'" + ANSWERS[6].title  # type: ignore[operator]
    assert rows[4]["platform"] == "jd"


@pytest.mark.parametrize(("platforms", "why"), [(False, False), (True, False), (False, True)])
def test_columns_that_say_nothing_are_left_out(tmp_path: Path, platforms: bool, why: bool) -> None:
    made = form(tmp_path / "o.csv", platforms, why)
    assert ("platform" in made.flat.names, "why" in made.flat.names) == (platforms, why)


@pytest.mark.parametrize("name", ["o", "o.txt", "o.json", "o.jsonl.gz"])
def test_another_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"end it in \.jsonl, \.csv, \.xlsx or \.parquet"):
        form(tmp_path / name)
