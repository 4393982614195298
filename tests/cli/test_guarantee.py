"""`mep3m guarantee`, and `assign --promise`: the forms that outside checks call, and what they refuse."""

import json
from pathlib import Path

import pytest

import mep3m
from mep3m.errors import UsageError
from tests.assignment.audited import rows, train, write
from tests.cli.runner import Ran, ran


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, an audit of it, new products, and the promise that the audit proves."""
    folder = tmp_path_factory.mktemp("guarantee")
    train(folder)
    write(folder / "audit.tsv", rows(1500, 2))
    write(folder / "few.tsv", rows(40, 3))
    write(folder / "new.tsv", [(f"x{n}", *row[:1]) for n, row in enumerate(rows(30, 4))], "id\ttitle")
    done = made(folder, "audit.tsv", "--out", folder / "p.json", "--json")
    assert done.code == 0, done.err
    return folder


def made(folder: Path, table: str, *more: object) -> Ran:
    aim = ("--precision", "0.95", "--confidence", "0.95")
    return ran("guarantee", folder / "run", "--audit", folder / table, *aim, *more)


def assigned(folder: Path, *more: object) -> tuple[Ran, list[dict[str, object]]]:
    out = folder / "out.jsonl"
    done = ran("assign", folder / "run", folder / "new.tsv", "--id", "id", "--out", out, *more)
    return done, [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_the_contract(place: Path) -> None:
    told = made(place, "audit.tsv", "--json").json
    assert {"lambda", "n", "filed", "errors", "coverage", "bound", "precision", "confidence"} <= told.keys()
    assert told["bound"] >= told["precision"] == 0.95
    held = json.loads((place / "p.json").read_text(encoding="utf-8"))
    assert {name: held[name] for name in ("lambda", "n", "filed", "errors", "bound")} == {
        name: told[name] for name in ("lambda", "n", "filed", "errors", "bound")
    }


def test_nothing_proven_is_exit_1_and_says_what_it_would_take(place: Path) -> None:
    done = made(place, "few.tsv", "--out", place / "none.json", "--json")
    assert done.code == 1
    assert done.json["lambda"] is None
    assert done.json["more_rows"] > 0
    assert not (place / "none.json").exists()
    words = made(place, "few.tsv")
    assert words.code == 1
    assert "nothing can be promised" in words.out
    assert "more audited rows like these might" in words.out


def test_words_for_a_person(place: Path) -> None:
    done = made(place, "audit.tsv")
    assert done.code == 0
    for part in ("proven: a precision of 0.95", "of 1,000 products", "left to a person", "level 2:",
                 "branch 食品:", "probability >= 0.9: files", "holds until"):  # fmt: skip
        assert part in done.out


def test_branches_noise_and_sets_are_options(place: Path) -> None:
    own = ("--branch", "食品=0.97", "--label-noise", "0.001", "--sets", "0.8", "--sets-by-branch")
    done = made(place, "audit.tsv", *own, "--out", place / "own.json")
    assert done.code == 0, done.err
    for part in ("食品: 0.97 at", "all other branches: 0.95 at", "0.1 % of the labels"):
        assert part in done.out
    check = ran("guarantee", "check", place / "own.json", "--audit", place / "audit.tsv")
    assert check.code == 0
    assert "食品: holds" in check.out
    held = json.loads((place / "own.json").read_text(encoding="utf-8"))
    assert [part["branch"] for part in held["parts"]] == ["食品", None]
    assert held["sets"] is None or held["sets"]["coverage"] == 0.8
    assert made(place, "audit.tsv", "--by-branch").code == 0
    assert ran("guarantee", "plan", place / "run", "--audit", place / "few.tsv", "--by-branch").code == 0


def test_check_and_plan(place: Path) -> None:
    check = ran("guarantee", "check", place / "p.json", "--audit", place / "audit.tsv", "--json")
    assert (check.code, check.json["holds"], check.json["same_audit"]) == (0, True, True)
    few = ran("guarantee", "check", place / "p.json", "--audit", place / "few.tsv")
    assert few.code == 1
    assert few.out.startswith("unclear: on new rows")
    plan = ran("guarantee", "plan", place / "run", "--audit", place / "few.tsv")
    assert plan.code == 0
    assert "5,000" in plan.out


def test_a_promise_moved_away_from_its_run_names_it(place: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(place / "run", tmp_path / "elsewhere")
    audit = ("--audit", place / "audit.tsv", "--run", tmp_path / "elsewhere")
    assert ran("guarantee", "check", place / "p.json", *audit).code == 0


def test_the_group_takes_a_run_or_a_command_first(place: Path) -> None:
    assert ran("guarantee", "make", place / "run", "--audit", place / "audit.tsv").code == 0
    assert "check" in ran("guarantee", "--help").out
    wrong = ran("guarantee", "chek", place / "p.json", "--audit", place / "audit.tsv")
    assert wrong.code == 2
    assert ran("guarantee", place / "nowhere", "--audit", place / "audit.tsv").code == 2


def test_assign_files_under_the_promise(place: Path) -> None:
    done, found = assigned(place, "--promise", place / "p.json", "--json")
    assert done.code == 0
    assert [one["id"] for one in found] == [f"x{n}" for n in range(30)]
    assert {one["decision"] for one in found} <= {"filed", "review", "none"}
    filed = [one for one in found if one["decision"] == "filed"]
    threshold = json.loads((place / "p.json").read_text())["lambda"]
    assert len(filed) == done.json["filed"] > 15
    assert all(one["path"] and one["confidence"][-1] >= threshold for one in filed)  # type: ignore[index]
    run = mep3m.load_run(place / "run")
    titles = [row[0] for row in rows(30, 4)]
    again = run.assign(titles, promise=place / "p.json")
    assert [one.decision for one in again] == [one["decision"] for one in found]
    with pytest.raises(UsageError, match="leave out min_confidence"):
        run.assign(titles, min_confidence=0.5, promise=place / "p.json")


def test_shadow_and_stop_file_nothing(place: Path) -> None:
    done, found = assigned(place, "--promise", place / "p.json", "--shadow", "--json")
    assert done.json["filed"] == 0
    assert "filed" in {one["shadow"] for one in found}
    stop = place / "p.json.stop"
    stop.touch()
    try:
        _, stopped = assigned(place, "--promise", place / "p.json")
    finally:
        stop.unlink()
    assert {one["decision"] for one in stopped} == {"review"}
    assert any("filing is stopped" in str(one["reason"]) for one in stopped)


def test_wrong_use_is_refused_before_any_work(place: Path, run_folder: Path) -> None:
    promise = ("--promise", place / "p.json")
    for words, said in (
        ((*promise, "--min-confidence", "0.5"), "leave out --min-confidence"),
        (("--shadow",), "name one with --promise"),
    ):
        done = ran("assign", place / "run", place / "new.tsv", *words, "--out", place / "no.jsonl")
        assert done.code == 2
        assert said in done.err
    other = ran("assign", run_folder, place / "new.tsv", *promise, "--out", place / "no.jsonl")
    assert other.code == 1
    assert "another model" in other.err
    assert not (place / "no.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--precision", "1"), "no audit of finitely many rows"),
        (("--min-level", "7"), "levels 1 to 2"),
        (("--sign", "{place}/run/run.json"), "name it with --out"),
        (("--labels", "title"), "not in the tree"),
        (("--branch", "食品"), "is not NAME=PRECISION"),
        (("--branch", "食品类=0.9"), "did you mean '食品'"),
        (("--label-noise", "0.6"), "from 0 to below 0.5"),
        (("--sets", "1"), "the share of prediction sets (--sets) 1 is not allowed"),
        (("--precision", "0.9999999", "--confidence", "nan"), "confidence nan is not allowed"),
    ],
)
def test_bad_input_is_an_error_in_words(place: Path, words: tuple[str, str], said: str) -> None:
    done = made(place, "audit.tsv", *(word.format(place=place) for word in words))
    assert done.code == 2
    assert said in done.err


def test_rows_of_training_and_rows_that_cannot_be_read(place: Path) -> None:
    done = made(place, "items.tsv")
    assert done.code != 0
    assert "were in training" in done.err
    (place / "torn.tsv").write_text("title\tdept\tkind\n苹果 1\t食品\t苹果\n只有一个\n", encoding="utf-8")
    torn = made(place, "torn.tsv")
    assert torn.code == 2
    assert "line 3" in torn.err
