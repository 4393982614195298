"""What a promise, its test and its absence say on a terminal."""

from pathlib import Path
from typing import Any

import pytest

from mep3m.cli.filing.promise_in_words import print_check, print_promise

PART = {"branch": "食品", "lambda": 0.98, "precision": 0.97, "confidence": 0.99, "n": 500}
TOLD: dict[str, Any] = {
    "precision": 0.95,
    "confidence": 0.95,
    "lambda": 0.9,
    "n": 1000,
    "filed": 700,
    "errors": 9,
    "bound": 0.978,
    "per_1000": {"filed": 700.0, "wrong": 9.0, "wrong_at_most": 15.4, "person": 300.0},
    "parts": [],
    "levels": [{"level": 1, "filed": 700, "errors": 9}],
    "branches": [{"branch": str(n), "n": 50, "filed": 35, "errors": 0, "coverage": 0.7} for n in range(20)],
    "platforms": [],
    "sets": None,
    "expires": "2999-01-01",
    "assumption": "nothing changes",
    "beside": {"probability >= 0.9": None},
}


def said(capsys: pytest.CaptureFixture[str], out: Path | None = None, **changes: Any) -> str:
    print_promise(TOLD | changes, out)
    return capsys.readouterr().out


def test_a_promise_without_parts(capsys: pytest.CaptureFixture[str]) -> None:
    words = said(capsys)
    assert "proven: a precision of 0.95 with confidence 0.95, at a probability of 0.9" in words
    assert "9 of 700 filed rows are wrong, of 1,000 audited: precision at least 0.9780" in words
    assert "level 1" not in words  # one level says nothing
    assert "and 8 more (--json has all)" in words
    assert "probability >= 0.9: files nothing" in words
    assert "written" not in words


def test_parts_sets_and_the_file_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    filed = PART | {"filed": 300, "errors": 2, "bound": 0.975}
    none = PART | {"branch": None, "lambda": None, "filed": 0, "errors": 0, "bound": 0.0}
    sets = {"coverage": 0.9, "n": 250, "others": 0.1, "own": {}}
    words = said(capsys, Path("p.json"), parts=[filed, none], sets=sets)
    assert "食品: 0.97 at 0.98; 2 of 300 filed are wrong, of 500: at least 0.9750" in words
    assert "all other branches: 0.97 is not proven on 500 rows; they go to review" in words
    assert "90 % of these sets hold the true one (by 250 rows)" in words
    assert words.rstrip().endswith("written: p.json")


@pytest.mark.parametrize(
    ("more", "expected"), [(None, "more rows will not help"), (1200, "about 1,200 more audited rows")]
)
def test_nothing_proven(capsys: pytest.CaptureFixture[str], more: int | None, expected: str) -> None:
    words = said(capsys, Path("p.json"), **{"lambda": None, "more_rows": more, "rows_needed": 2200})
    assert words.startswith("nothing can be promised: 1,000 audited rows do not prove")
    assert expected in words
    assert "written" not in words


def test_a_check_names_parts_and_what_edits_ended(capsys: pytest.CaptureFixture[str]) -> None:
    part = PART | {"verdict": "unclear", "filed": 20, "errors": 1, "bound": 0.8}
    print_check(
        {
            "verdict": "unclear",
            "same_audit": False,
            "errors": 1,
            "filed": 20,
            "n": 40,
            "bound": 0.8,
            "precision": 0.95,
            "filings_needed": 119,
            "parts": [part],
            "no_longer_covered": [{"path": "a > b", "why": "'c' no longer lies in it"}],
        }
    )
    words = capsys.readouterr().out.splitlines()
    assert words[0].startswith(
        "unclear: on new rows, 1 of 20 filed were wrong, of 40; proven precision 0.8000"
    )
    assert words[1] == "  食品: unclear; 1 of 20 wrong, proven 0.8000, promised 0.97"
    assert words[2] == "too few to tell: at least 119 filed rows, all right, would prove it"
    assert words[3] == "nothing is filed at a > b: 'c' no longer lies in it"
