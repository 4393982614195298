"""The index is made once, kept, and made anew when the store changes."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mep3m.desk.folder import DeskFolder
from mep3m.desk.index.filters import ProductFilters
from mep3m.desk.index.keeper import IndexKeeper
from tests.desk.index.drawn import stored, titled


def kept(folder: Path) -> IndexKeeper:
    return IndexKeeper(DeskFolder.open(folder))


def test_an_index_is_kept_until_the_store_changes(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    stored(folder, titled("绿茶"))
    assert kept(folder).get(60) is not None
    written = (folder / "desk" / "index.sqlite").stat().st_ino
    assert kept(folder).get(60) is not None
    assert (folder / "desk" / "index.sqlite").stat().st_ino == written
    own = folder / "desk"
    shutil.move(own, tmp_path / "own")
    shutil.rmtree(folder)
    stored(folder, titled("红茶", "手机"))
    shutil.move(tmp_path / "own", own)
    again = kept(folder).get(60)
    assert again is not None
    assert again.find(ProductFilters(q="绿茶")).total == 0
    assert again.find(ProductFilters()).total == 2


def test_a_damaged_index_without_its_stamp_is_made_anew(tmp_path: Path) -> None:
    stored(tmp_path / "store", titled("绿茶"))
    own = tmp_path / "store" / "desk"
    own.mkdir()
    (own / "index.sqlite").write_text("half an index")
    index = kept(tmp_path / "store").get(60)
    assert index is not None
    assert sqlite3.connect(own / "index.sqlite").execute("SELECT count(*) FROM products").fetchone() == (1,)


def test_why_there_is_none_is_said_and_tried_again(tmp_path: Path) -> None:
    stored(tmp_path / "store", titled("绿茶"))
    (tmp_path / "store" / "desk").touch()  # a file where the folder should be
    keeper = kept(tmp_path / "store")
    assert keeper.get(60) is None
    assert "the index cannot be made" in keeper.problem
    (tmp_path / "store" / "desk").unlink()
    assert keeper.get(60) is not None
    assert keeper.problem == ""


def test_nothing_is_left_of_one_that_was_stopped(tmp_path: Path) -> None:
    stored(tmp_path / "store", titled(*["绿茶"] * 5_001))
    keeper = kept(tmp_path / "store")
    keeper.close()
    keeper.begin()
    keeper.close()
    assert keeper.get(0) is None
    assert list((tmp_path / "store" / "desk").iterdir()) == []


def test_a_run_has_none(small_run: Path) -> None:
    keeper = kept(small_run)
    assert (keeper.get(), keeper.rows, keeper.problem) == (None, 0, "")


def test_a_killed_maker_leaves_nothing_that_is_taken_for_an_index(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    stored(folder, titled(*["绿茶"] * 6_000))
    making = (
        "import os, sys; from pathlib import Path; from mep3m.desk.folder import DeskFolder;"
        "from mep3m.desk.index.build import build_index; at = DeskFolder.open(Path(sys.argv[1]));"
        "build_index(at.store, at.path, at.own / 'index.sqlite', lambda rows: os.kill(os.getpid(), 9))"
    )
    (folder / "desk").mkdir()
    ended = subprocess.run([sys.executable, "-c", making, str(folder)], timeout=60)
    assert ended.returncode == -9
    assert not (folder / "desk" / "index.sqlite").exists()
    index = kept(folder).get(60)
    assert index is not None
    assert index.find(ProductFilters()).total == 6_000


@pytest.mark.parametrize("stamp", ["", "{}", "[]", "null", '{"made_from": 7}', "\x00"])
def test_a_damaged_stamp_makes_it_anew(tmp_path: Path, stamp: str) -> None:
    stored(tmp_path / "store", titled("绿茶"))
    assert kept(tmp_path / "store").get(60) is not None
    own = tmp_path / "store" / "desk"
    (own / "index.made-from.json").write_text(stamp)
    (own / "index.sqlite").write_text("an index of something else")
    index = kept(tmp_path / "store").get(60)
    assert index is not None
    assert index.find(ProductFilters(q="绿茶")).total == 1
