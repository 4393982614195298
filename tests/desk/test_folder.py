"""What a desk can be opened on, and what is said of the rest."""

from pathlib import Path

import pytest

from mep3m.desk.folder import DeskFolder
from mep3m.errors import NotFoundError
from tests.cli.runner import ran


def test_a_build_has_everything(built: Path) -> None:
    folder = DeskFolder.open(built)
    assert folder.store is not None
    assert folder.store.folder == built / "5-align"
    assert folder.run == built / "model"
    assert folder.review == built / "review.sssom.tsv"
    assert folder.where == built / "where.tsv"
    assert folder.report == built / "report"


def test_a_store_and_a_run_stand_alone(built: Path, small_run: Path) -> None:
    store = DeskFolder.open(built / "3-dedupe")
    assert store.store is not None
    assert (store.run, store.review, store.report) == (None, None, None)
    run = DeskFolder.open(small_run)
    assert (run.store, run.run) == (None, small_run)


@pytest.mark.parametrize("kind", ["build", "run"])
def test_the_commands_that_pages_print_run_as_they_stand(
    kind: str, built: Path, small_run: Path, tmp_path: Path
) -> None:
    folder = DeskFolder.open(built if kind == "build" else small_run)
    (tmp_path / "new.tsv").write_text("id\ttitle\n1\t红富士苹果 5斤\n", encoding="utf-8")
    words = [str(tmp_path / word) if word == "new.tsv" else word for word in folder.asked_table.split()]
    done = ran("assign", folder.run, *words, "--out", tmp_path / "new.jsonl")
    assert done.code in (0, 1), done.err
    assert len((tmp_path / "new.jsonl").read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize("name", ["empty", "file", "absent"])
def test_anything_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(NotFoundError, match="mep3m build"):
        DeskFolder.open(tmp_path / name)
