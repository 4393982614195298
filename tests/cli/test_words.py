"""What commands say in words: training, leakage, scores, builds, unknown labels, unanswered questions."""

import re
from pathlib import Path

import pytest

from mep3m.store.json_files import read_json
from tests.alignment.shops import proposals
from tests.cli.runner import ran

COLUMNS = ("--title", "name", "--labels", "dept,kind", "--id", "sku")
WORDS = {"tea": ("food", "green leaf"), "rice": ("food", "long grain"), "lamp": ("home", "warm bulb")}


def write_table(path: Path, rows: int, word: str = "") -> Path:
    lines = ["sku,name,dept,kind"]
    for n in range(rows):
        kind, (dept, words) = list(WORDS.items())[n % 3]
        lines.append(f"{n},{words} {kind} {n * 7919 % 1000},{dept}{word},{kind}{word}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    write_table(folder / "items.csv", 90)
    write_table(folder / "other.csv", 9, "!")
    run = ("train", folder / "items.csv", *COLUMNS, "--set", "epochs=2", "--leakage", "--out", folder / "run")
    made = ran(*run)
    assert made.code == 0, made
    (folder / "train.txt").write_text(made.out)
    return folder


def test_training_prints_one_line_a_level_and_what_to_do_next(place: Path) -> None:
    lines = (place / "train.txt").read_text().splitlines()
    assert re.fullmatch(r"measured on \d+ validation rows \(grouped split [0-9a-f]{16}\)", lines[0])
    heads = ("level", "n", "classes", "top-1", "top-5", "macro F1", "weighted F1", "AP macro", "unseen")
    assert lines[1].split() == " ".join(heads).split()
    assert [line.split()[0] for line in lines[2:4]] == ["1", "2"]
    run = place / "run"
    assert lines[-1] == f"classifier in {run}; score it elsewhere with: mep3m evaluate {run} --data TABLE"


def test_leakage_is_said_level_by_level_as_the_card_has_it(place: Path) -> None:
    found = read_json(place / "run" / "card.json")["leakage"]
    lines = (place / "train.txt").read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("leakage: "))
    assert lines[first].startswith(f"leakage: {found['shared']:.1%} of the test rows of a random split")
    shown = [line.split() for line in lines[first + 2 : -1]]
    assert [row[0] for row in shown] == ["1", "1", "2", "2"]
    top1 = [found["levels"][0][kind]["top1"]["mean"] for kind in ("random", "grouped", "difference")]
    assert [float(value) for value in shown[0][2:5]] == pytest.approx(top1, abs=1e-4)


def test_labels_that_no_class_has_are_said_and_counted_as_wrong(place: Path) -> None:
    found = ran("evaluate", place / "run", "--data", place / "other.csv")
    assert found.code == 0
    assert "no label of" in found.err
    assert "is a class of" in found.err
    assert all(line.split()[3] == "0.0000" for line in found.out.splitlines()[1:])
    assert "no label of" not in ran("evaluate", place / "run", "--data", place / "items.csv").err


def test_the_card_of_an_evaluation_is_the_json_that_is_printed(place: Path, tmp_path: Path) -> None:
    found = ran(
        "evaluate", place / "run", "--data", place / "items.csv", "--card", tmp_path / "card.json", "--json"
    )
    assert read_json(tmp_path / "card.json") == found.json


@pytest.mark.parametrize("answers", ["", "a\n", "x\n"])
def test_questions_that_are_not_answered_stop_and_keep_what_was_said(tmp_path: Path, answers: str) -> None:
    links = proposals(tmp_path / "links.tsv")
    found = ran("align", "review", links, "--ask", text=answers)
    assert found.code == 130
    assert found.err.splitlines()[-1] == "stopped; run the same command again to go on"
    counts = ran("align", "review", links, "--json").json["progress"]
    assert counts["accept"] == answers.count("a")


def test_a_build_says_in_words_what_it_says_in_json(tmp_path: Path) -> None:
    assert (
        ran("simulate", tmp_path / "shops", "--products", "60", "--no-images", "--defects", "0.2").code == 0
    )
    project = tmp_path / "shops" / "mep3m.toml"
    made = ran("build", project, "--out", tmp_path / "built", "--workers", "1")
    assert made.code == 1, made  # a fifth of the rows is broken
    again = ran("build", project, "--out", tmp_path / "built", "--workers", "1", "--json").json
    lines = made.out.splitlines()
    for line, (step, counts) in zip(lines, again["steps"].items(), strict=False):
        kept = counts["rows"] - counts["dropped"]
        assert line.split() == [
            step,
            str(kept),
            "kept",
            "of",
            f"{counts['rows']};",
            str(counts["rejects"]),
            "in",
            "quarantine",
        ]
    assert again["truth"]["ocr"] is None  # there is no image to read
    for what in ("alignment", "quality"):
        line = [line for line in lines if line.startswith(what)][-1]  # the step of that name comes before
        assert line.split()[1:] == [f"{again['truth'][what][key]:.4f}" for key in ("precision", "recall")]
    assert lines[-1].split() == ["report", again["report"]]
    assert Path(again["report"]).exists()
    assert Path(again["dataset"]).name == "5-align"


def test_a_retry_and_a_status_count_the_same_failures(tmp_path: Path) -> None:
    path = write_table(tmp_path / "items.csv", 12)
    path.write_text(path.read_text() + "too,few\nalso\n")
    assert ran("ingest", path, *COLUMNS, "--store", tmp_path / "s").code == 1
    assert ran("status", tmp_path / "s", "--json").json["states"] == {"done": 12, "failed": 2}
    found = ran("retry", tmp_path / "s")
    assert found.code == 1
    assert found.out == "2 failures tried: 0 rows and 0 images are in now, 2 still fail\n"
    path.write_text(
        "\n".join(path.read_text().splitlines()[:-2]) + "\n90,new tea,food,tea\n91,new rice,food,rice\n"
    )
    assert ran("retry", tmp_path / "s", "--json").json == {
        "tried": 2,
        "rows": 2,
        "images": 0,
        "still_failing": 0,
    }
    assert ran("status", tmp_path / "s", "--json").json["states"] == {"done": 14}
    assert (
        ran("retry", tmp_path / "s").out == "0 failures tried: 0 rows and 0 images are in now, 0 still fail\n"
    )
