"""Every kind of bad input ends as docs/bad-input.md says, and never in a traceback."""

from pathlib import Path

import pytest

from tests.sources.bad_input import CASES, Case, outcome

PAGE = Path(__file__).parents[2] / "docs/bad-input.md"


def documented() -> dict[str, str]:
    half = PAGE.read_text(encoding="utf-8").split("\n## ")[0]
    rows = [line.split(" | ") for line in half.splitlines() if line.startswith("| ")]
    return {row[0].removeprefix("| "): row[1] for row in rows[1:]}


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_bad_input(case: Case, tmp_path: Path) -> None:
    kind, message = outcome(case, tmp_path)
    assert case[-1] in (kind if case[-1] == "taken in" else message)
    assert documented()[case[0]] == kind


def test_the_page_lists_every_case() -> None:
    assert list(documented()) == [case[0] for case in CASES]
    assert len(CASES) >= 40
