"""Every wrong tree, label, review and gold ends as docs/bad-input.md says; nothing is applied by halves."""

from pathlib import Path

import pytest

from tests.cli.bad_trees import CASES, Case, inside, prepare, said

PAGE = Path(__file__).parents[2] / "docs/bad-input.md"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trees")
    prepare(folder)
    return folder


def documented() -> dict[str, int]:
    half = PAGE.read_text(encoding="utf-8").split("## Trees, labels")[1]
    rows = [line.split(" | ") for line in half.splitlines() if line.startswith("| ")]
    return {row[0].removeprefix("| "): int(row[2]) for row in rows[1:]}


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_a_wrong_tree_or_review_ends_as_the_page_says(case: Case, place: Path) -> None:
    what, command, code, words = case
    before = {path: path.read_bytes() for path in place.glob("*.tsv")}
    found = inside(place, command.split())
    assert (found.code, documented()[what]) == (code, code), found
    assert words in said(found)
    assert bool(said(found)) == bool(words)
    assert "Traceback" not in found.err
    made = {place / name for name in ("x", "p", "tree", "x.jsonl") if (place / name).exists()}
    rest_is_done = code == 1 and "propose" in command and "error:" not in found.err
    assert made == (
        {place / command.split()[-1]} if "--out" in command and (code == 0 or rest_is_done) else set()
    )
    assert {path: path.read_bytes() for path in before} == before


def test_the_page_lists_every_case() -> None:
    assert list(documented()) == [what for what, *_ in CASES]
