"""Ingest, split, train, evaluate, assign and align as a person runs them one after another, on one table."""

import json
from pathlib import Path

import pytest

from mep3m.settings.run import MIN_CONFIDENCE
from mep3m.store.json_files import read_json
from tests.cli.runner import ran

KINDS = {"food > tea": "tea leaf", "food > rice": "rice grain", "home > lamp": "lamp bulb"}
COLUMNS = ("--title", "name", "--labels", "dept,kind", "--id", "sku")


def write_table(path: Path, rows: int, extra: str = "") -> Path:
    lines = ["sku,name,dept,kind"]
    for n in range(rows):
        (labels, words) = list(KINDS.items())[n % 3]
        dept, kind = labels.split(" > ")
        lines.append(f"{n},{words} {'abcdefgh'[n % 8]}{n},{dept},{kind}")
    path.write_text("\n".join(lines) + "\n" + extra, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flow")
    write_table(folder / "items.csv", 90)
    write_table(folder / "bad.csv", 30, "only,two\n")
    made = ran(
        "train", folder / "items.csv", *COLUMNS, "--out", folder / "run", "--set", "epochs=3", "--json"
    )
    assert (made.code, made.json["refused"]) == (0, 0)
    return folder


def test_ingest_says_what_became_of_every_row(place: Path, tmp_path: Path) -> None:
    arguments = ("--store", tmp_path / "s", *COLUMNS, "--workers", "1")
    found = ran("ingest", place / "bad.csv", *arguments, "--json")
    assert found.code == 1
    assert (found.json["rows"], found.json["rejects"]) == (30, 1)
    assert ran("ingest", place / "items.csv", *arguments).code == 1  # another table needs --replace
    again = ran("ingest", place / "items.csv", *arguments, "--replace")
    assert again.code == 0
    assert again.out.startswith("90 products in ")
    states = ran("status", tmp_path / "s", "--json").json["states"]
    assert states["done"] >= 90
    levels = ran("stats", tmp_path / "s", "--json").json["levels"]
    assert levels == [] or levels[0]["rows"] == 90


@pytest.mark.parametrize("kind", ["grouped", "random", "stratified"])
def test_a_split_is_written_the_same_twice_and_names_its_id(place: Path, tmp_path: Path, kind: str) -> None:
    texts = []
    for name in ("one.json", "two.json"):
        found = ran(
            "split", place / "items.csv", *COLUMNS, "--kind", kind, "--out", tmp_path / name, "--json"
        )
        assert found.code == 0
        assert found.json["train"] + found.json["test"] == 90
        assert found.json["split"] == read_json(tmp_path / name)["id"]
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]


def test_a_split_in_words(place: Path, tmp_path: Path) -> None:
    found = ran("split", place / "bad.csv", *COLUMNS, "--test-share", "0.5", "--out", tmp_path / "s.json")
    assert found.code == 1  # one row was refused
    assert " to train, " in found.out
    assert found.err.startswith(f"1 rows of {place / 'bad.csv'} were refused (first: line ")


def test_training_on_a_table_with_a_bad_row_finishes_and_says_so(place: Path, tmp_path: Path) -> None:
    found = ran("train", place / "bad.csv", *COLUMNS, "--out", tmp_path / "run", "--set", "epochs=1")
    assert found.code == 1
    assert f"1 rows of {place / 'bad.csv'} were refused (first: line " in found.err
    assert "score it elsewhere with: mep3m evaluate" in found.out
    assert (tmp_path / "run" / "classifier.json").exists()


@pytest.mark.parametrize(("table", "code"), [("items.csv", 0), ("bad.csv", 1)])
def test_evaluation_scores_every_level(place: Path, table: str, code: int) -> None:
    found = ran("evaluate", place / "run", "--data", place / table, "--json")
    assert found.code == code
    assert [level["level"] for level in found.json["levels"]] == [1, 2]
    assert found.json["refused"] == code
    assert found.json["levels"][1]["top1"] > 0.9
    words = ran("evaluate", place / "run", "--data", place / table)
    assert words.code == code
    assert len([line for line in words.out.splitlines() if line.strip()[:1] in "12"]) == 2


@pytest.mark.parametrize("threshold", [0, 0.5, 1])
def test_assign_files_or_sends_to_review(place: Path, tmp_path: Path, threshold: float) -> None:
    out = tmp_path / "out.jsonl"
    found = ran(
        "assign",
        place / "run",
        place / "items.csv",
        "--out",
        out,
        "--min-confidence",
        threshold,
        "--top",
        "2",
        "--json",
    )
    assert found.code == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == found.json["filed"] + found.json["review"] == 90
    assert sum(row["review"] for row in rows) == found.json["review"]
    assert all(len(row["path"]) == len(row["confidence"]) for row in rows)
    assert all(value >= threshold for row in rows for value in row["confidence"])
    if threshold == 0:
        assert found.json["review"] == 0


def test_assign_and_the_service_have_the_same_default_threshold(place: Path, tmp_path: Path) -> None:
    said = []
    for words in ((), ("--min-confidence", MIN_CONFIDENCE), ("--threshold", MIN_CONFIDENCE)):
        out = tmp_path / "out.jsonl"
        found = ran("assign", place / "run", place / "items.csv", "--out", out, *words)
        assert found.code == 0
        said.append(out.read_bytes())
    assert said[0] == said[1] == said[2]
    assert f"[default: {MIN_CONFIDENCE}; 0<=x<=1]" in " ".join(ran("assign", "--help").out.split())


@pytest.mark.parametrize("option", [("--min-confidence", "1.1"), ("--min-confidence", "-1"), ("--top", "0")])
def test_assign_refuses_what_makes_no_sense(place: Path, tmp_path: Path, option: tuple[str, str]) -> None:
    found = ran("assign", place / "run", place / "items.csv", "--out", tmp_path / "x", *option)
    assert found.code == 2
    assert f"Invalid value for '{option[0]}'" in found.err
    assert not (tmp_path / "x").exists()
