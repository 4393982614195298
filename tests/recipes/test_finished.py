"""A finished run is not trained over by another, and the same command is answered from it."""

from pathlib import Path

import pytest

import mep3m
from mep3m.errors import UsageError
from tests.cli.runner import Ran, ran
from tests.cli.test_flow import COLUMNS, write_table


def train(folder: Path, *more: object, table: str = "items.csv") -> Ran:
    return ran(
        "train", folder / table, *COLUMNS, "--set", "epochs=2", *more, "--out", folder / "run", "--json"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_table(tmp_path / "items.csv", 60)
    assert train(tmp_path).code == 0
    return tmp_path


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "run").iterdir() if path.is_file()}


def test_the_same_command_says_that_it_is_done(folder: Path) -> None:
    before = written(folder)
    again = train(folder)
    assert again.code == 0
    assert "holds this run already; nothing was trained" in again.err
    assert again.json["levels"][0]["level"] == 1
    assert written(folder) == before
    (folder / "items.csv").rename(folder / "renamed.csv")
    assert "nothing was trained" in train(folder, table="renamed.csv").err


@pytest.mark.parametrize(
    ("more", "other"),
    [
        (("--seed", "5"), "settings"),
        (("--level", "1"), "settings"),
        (("--set", "max_ngram=2"), "settings"),
        (("--platform", "dept"), "data and columns"),
    ],
)
def test_other_settings_are_refused_and_leave_the_run(
    folder: Path, more: tuple[str, ...], other: str
) -> None:
    before = written(folder)
    found = train(folder, *more)
    assert found.code == 2
    assert f"run holds a finished run with other {other}; choose another folder" in found.err
    assert "--replace" in found.err
    assert written(folder) == before
    assert train(folder, *more, "--replace").code == 0
    assert written(folder) != before


@pytest.mark.parametrize(
    ("old", "new"), [("tea leaf a0", "tea leaf b0"), ("home,lamp", "home,light"), ("59,", "99,")]
)
def test_other_data_is_refused(folder: Path, old: str, new: str) -> None:
    table = folder / "items.csv"
    table.write_text(table.read_text().replace(old, new))
    found = train(folder)
    assert found.code == 2
    assert "with other data;" in found.err


def test_another_split_is_refused(folder: Path) -> None:
    split = folder / "split.json"
    assert ran("split", folder / "items.csv", *COLUMNS, "--out", split).code == 0
    found = train(folder, "--split-file", split)
    assert (found.code, "with other split;" in found.err) == (2, True)


def test_a_run_that_was_killed_is_no_finished_one(folder: Path) -> None:
    before = written(folder)
    (folder / "run" / "run.json").unlink()
    assert train(folder, "--seed", "5").code == 0
    assert written(folder) != before


def test_a_wrong_command_leaves_the_run_that_it_was_to_replace(folder: Path) -> None:
    before = written(folder)
    for more in (("--level", "9"), ("--model", "linaer"), ("--subset", "foot")):
        assert train(folder, *more, "--replace").code == 2
    assert written(folder) == before


def test_a_notebook_is_answered_alike(folder: Path) -> None:
    named = {"title": "name", "labels": ["dept", "kind"], "id": "sku"}
    rows = [{"name": f"tea leaf {n % 7}", "kind": "tea" if n % 2 else "rice"} for n in range(40)]
    out = folder / "notebook"
    mep3m.train(rows, title="name", labels=["kind"], out=out)
    before = (out / "run.json").read_bytes()
    mep3m.train(rows, title="name", labels=["kind"], out=out)
    assert (out / "run.json").read_bytes() == before
    with pytest.raises(UsageError, match="replace it with replace=True"):
        mep3m.train(folder / "items.csv", **named, out=out)  # type: ignore[arg-type]
    assert mep3m.train(folder / "items.csv", **named, out=out, replace=True).depth == 2  # type: ignore[arg-type]
