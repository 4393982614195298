"""`mep3m watch` used wrongly: one message that says what is allowed, and nothing is written."""

from pathlib import Path

import pytest

from mep3m.evaluation.promises.drift import KINDS
from mep3m.recipes.guarantee import Target, make_promise
from tests.assignment.audited import audit_of, rows, train, write
from tests.cli.runner import ran


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A promise and 300 products that were filed under it."""
    folder = tmp_path_factory.mktemp("watched")
    run = train(folder)
    promise, _ = make_promise(audit_of(run, write(folder / "audit.tsv", rows(1000, 2))), Target(0.95))
    assert promise is not None
    promise.save(folder / "p.json")
    write(folder / "new.tsv", [(f"n{n}", row[0]) for n, row in enumerate(rows(300, 6))], "sku\ttitle")
    words = ("assign", run.folder, folder / "new.tsv", "--id", "sku", "--promise", folder / "p.json")
    assert ran(*words, "--out", folder / "filed.jsonl").code == 0
    return folder


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("draw p.json filed.jsonl --out t.xlsx", 2, "end it in .csv"),
        ("draw p.json filed.jsonl --out t.csv --share 0", 2, "is not in the range"),
        ("draw p.json filed.jsonl --out t.csv --share 2", 2, "is not in the range"),
        ("draw p.json filed.jsonl --out t.csv --seed -1", 2, "is not in the range"),
        ("draw p.json --out t.csv", 2, "Missing argument 'ANSWERS"),
        ("draw p.json new.tsv --out t.csv", 2, "end it in .jsonl or .parquet"),
        ("draw gone.json filed.jsonl --out t.csv", 2, "does not exist"),
        ("draw filed.jsonl filed.jsonl --out t.csv", 1, "is not JSON"),
        ("record p.json gone.csv", 2, "'mep3m watch draw' writes the table to fill in"),
        ("record p.json new.tsv", 1, "has no columns 'id' and 'right'"),
        ("status gone.json", 2, "does not exist"),
        ("drift p.json gone.jsonl", 2, "'mep3m assign' writes it"),
        ("status p.json --run nowhere", 2, "does not exist"),
    ],
)
def test_wrong_use_is_one_message(place: Path, line: str, code: int, said: str) -> None:
    before = sorted(path.name for path in place.iterdir())
    named = {
        "p.json",
        "gone.json",
        "filed.jsonl",
        "gone.jsonl",
        "new.tsv",
        "gone.csv",
        "t.csv",
        "t.xlsx",
        "nowhere",
    }
    done = ran("watch", *(place / word if word in named else word for word in line.split()))
    assert done.code == code, done
    assert said in done.err
    assert sorted(path.name for path in place.iterdir()) == before


def test_nothing_was_drawn_yet(place: Path) -> None:
    done = ran("watch", "status", place / "p.json", "--json")
    assert (done.code, done.json["drawn"], done.json["fallen"]) == (0, 0, [])
    assert done.json["branches"][0]["at_least"] == 0
    assert ran("watch", "undo", place / "p.json", "--out", place / "undo.csv").code == 0
    (place / "undo.csv").unlink()


def test_a_promise_of_another_run_is_refused(place: Path, run_folder: Path) -> None:
    done = ran("watch", "status", place / "p.json", "--run", run_folder)
    assert done.code == 2
    assert "name its own run with --run" in done.err


def test_a_promise_that_was_changed_is_refused(place: Path, tmp_path: Path) -> None:
    text = (place / "p.json").read_text(encoding="utf-8")
    (tmp_path / "p.json").write_text(text.replace('"precision": 0.95', '"precision": 0.5'), encoding="utf-8")
    done = ran("watch", "status", tmp_path / "p.json")
    assert done.code == 1
    assert "was changed after it was written" in done.err


def test_drift_names_what_differs(place: Path) -> None:
    done = ran("watch", "drift", place / "p.json", place / "filed.jsonl")
    assert done.code == 0
    assert "words 0." in done.out
    found = ran("watch", "drift", place / "p.json", place / "filed.jsonl", "--json").json["drift"][0]
    assert set(found) == {"answers", "n", "pictures", *KINDS, "effect", "told"}
    assert found["pictures"] == 0
    assert "sizes" not in done.out
    assert found["n"] == 300


def test_the_help_of_each_command_has_an_example() -> None:
    for name in ("draw", "record", "status", "undo", "drift"):
        assert f"Example: mep3m watch {name}" in ran("watch", name, "--help").out
