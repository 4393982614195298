"""Files of answers on the watch's board: counted as they are, and never waited for."""

import csv
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mep3m.desk.filing.watched import PATIENCE, AnswerFile, WatchBoard
from mep3m.desk.folder import PROMISE, DeskFolder
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.recipes.filing.answered import read_answers
from tests.cli.runner import ran
from tests.desk.folders import lose
from tests.desk.opened import desk_on


def board_on(folder: Path, *answers: Path, promise: bool = True) -> WatchBoard:
    if not promise:
        (folder / PROMISE).rename(folder / "other.json")
    return WatchBoard(DeskFolder.open(folder), None, answers, None)


def batches(board: WatchBoard) -> tuple[list[AnswerFile], list[str]]:
    """Return what the board says once every file was counted."""
    for _ in range(100):
        found, lacking = board.batches()
        if not any(line.endswith("…") for line in lacking):
            return found, lacking
    raise AssertionError(f"never counted: {lacking}")


@pytest.fixture
def pipe(filed_folder: Path) -> Iterator[Path]:
    """A file of answers whose writer has not begun: whoever reads it waits."""
    path = filed_folder / "filed-0.jsonl"
    os.mkfifo(path)
    yield path
    writer = os.open(path, os.O_RDWR)
    path.unlink()  # a reader that comes again finds none
    os.close(writer)  # and who waits is let go


def test_a_batch_is_what_a_reader_of_the_file_counts(filed_folder: Path) -> None:
    found, lacking = batches(board_on(filed_folder))
    counted = Counter(one.decision for one in read_answers(filed_folder / "filed.jsonl"))
    (batch,) = found
    assert lacking == []
    assert (batch.rows, batch.decisions) == (1000, dict(counted))
    assert batch.filed == counted["filed"] / 1000


def test_drift_is_what_the_command_says(filed_folder: Path) -> None:
    said = ran("watch", "drift", filed_folder / "promise.json", filed_folder / "filed.jsonl", "--json")
    ((batch,), _) = batches(board_on(filed_folder))
    assert batch.drift is not None
    assert said.json["drift"] == [batch.drift]


def test_both_kinds_of_files_are_counted_alike(filed_folder: Path) -> None:
    words = ("assign", filed_folder / "model", filed_folder / "new.tsv", "--id", "sku")
    words += ("--promise", filed_folder / "promise.json", "--out", filed_folder / "filed-2.parquet")
    assert ran(*words).code == 0
    (one, other), lacking = batches(board_on(filed_folder))
    assert lacking == []
    assert {one.file.suffix, other.file.suffix} == {".jsonl", ".parquet"}
    assert (one.rows, one.decisions, one.drift) == (
        other.rows,
        other.decisions,
        {**other.drift, "answers": str(one.file)},
    )


def test_a_file_that_grew_is_counted_again_and_one_that_did_not_is_not(filed_folder: Path) -> None:
    board, file = board_on(filed_folder), filed_folder / "filed.jsonl"
    ((first,), _) = batches(board)
    ((same,), _) = batches(board)
    assert same is first
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines, *lines[:7]]))
    ((grown,), _) = batches(board)
    assert grown.rows == first.rows + 7


def test_a_file_that_is_still_being_written_is_told_and_then_counted(filed_folder: Path) -> None:
    """A line that was cut off in the middle is not a smaller file of answers."""
    board, file = board_on(filed_folder), filed_folder / "filed.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    found, lacking = batches(board)
    assert found == []
    assert "filed.jsonl holds no answers" in lacking[0]
    file.write_bytes(whole)
    ((batch,), lacking) = batches(board)
    assert (batch.rows, lacking) == (1000, [])


def test_the_newest_comes_first_and_a_file_that_is_named_twice_once(
    filed_folder: Path, tmp_path: Path
) -> None:
    lines = (filed_folder / "filed.jsonl").read_text().splitlines(keepends=True)
    elsewhere = tmp_path / "else where.jsonl"
    for number, path in enumerate((filed_folder / "filed.jsonl", filed_folder / "filed-b.jsonl", elsewhere)):
        path.write_text("".join(lines[: 10 + number]))
        os.utime(path, (1_700_000_000 + 86_400 * number,) * 2)
    found, _ = batches(board_on(filed_folder, elsewhere, elsewhere, filed_folder / "filed.jsonl"))
    assert [one.rows for one in found] == [12, 11, 10]
    assert found[0].written.startswith("2023-11-16")


def test_an_empty_file_is_a_batch_of_nothing(filed_folder: Path) -> None:
    (filed_folder / "filed.jsonl").write_bytes(b"")
    ((batch,), lacking) = batches(board_on(filed_folder, promise=False))
    assert (batch.rows, batch.filed, batch.drift, lacking) == (0, None, None, [])
    with desk_on(filed_folder) as desk:
        assert desk.get("/watch").status_code == 200


@pytest.mark.parametrize(
    "name", ["filed\udcff.jsonl", "filed\x1b[31m.jsonl", "filed\n2.jsonl", "filed " + "长" * 70 + ".jsonl"]
)
def test_a_file_may_have_any_name(filed_folder: Path, name: str) -> None:
    (filed_folder / "filed.jsonl").rename(filed_folder / name)
    with desk_on(filed_folder) as desk:
        assert desk.get("/watch").status_code == 200
        (filed_folder / name).write_text("no json")
        shown = desk.get("/watch")
        assert shown.status_code == 200
        assert "holds no answers" in shown.text


def test_a_folder_with_the_name_of_a_file_is_told(filed_folder: Path) -> None:
    (filed_folder / "filed-x.jsonl").mkdir()
    found, lacking = batches(board_on(filed_folder))
    assert len(found) == 1
    assert "filed-x.jsonl" in lacking[0]


def test_a_page_waits_once_and_not_for_every_file(filed_folder: Path, pipe: Path) -> None:
    for number in range(1, 9):
        (filed_folder / f"filed-{number}.jsonl").write_bytes((filed_folder / "filed.jsonl").read_bytes())
    board = board_on(filed_folder)
    began = time.monotonic()
    found, lacking = board.batches()
    assert time.monotonic() - began < 3 * PATIENCE
    assert (found, len(lacking)) == ([], 10)
    assert lacking[0] == "filed-0.jsonl: …"


def test_what_is_counted_before_a_slow_file_is_shown_beside_it(filed_folder: Path, pipe: Path) -> None:
    (filed_folder / "filed.jsonl").rename(filed_folder / "filed- first.jsonl")
    board = board_on(filed_folder)
    for _ in range(20):
        found, lacking = board.batches()
        if found:
            break
    assert [one.file.name for one in found] == ["filed- first.jsonl"]
    assert lacking == ["filed-0.jsonl: …"]


def test_a_hundred_readers_at_once_count_a_file_once(filed_folder: Path) -> None:
    board = board_on(filed_folder)
    start = threading.Barrier(8)

    def look(_: int) -> list[AnswerFile]:
        start.wait()
        return batches(board)[0]

    with ThreadPoolExecutor(8) as readers:
        found = list(readers.map(look, range(8)))
    assert len({id(one) for batch in found for one in batch}) == 1


def test_the_mark_of_what_is_to_be_undone_says_what_it_is(filed_folder: Path) -> None:
    lose(filed_folder)
    board = board_on(filed_folder)
    found, mark = board.to_undo()
    assert board_on(filed_folder).to_undo()[1] == mark  # a desk that was opened again knows it
    with pytest.raises(UsageError, match="look at it again"):
        board.undo(mark[:-1] + ("0" if mark[-1] != "0" else "1"))
    assert board.undo(mark) == len(found)
    with board.table.open(encoding="utf-8", newline="") as table:
        assert [row["id"] for row in csv.DictReader(table)] == [one.key.id for one in found]
    file = filed_folder / "filed.jsonl"
    kept = [line for line in file.read_text().splitlines() if json.loads(line)["id"] != found[0].key.id]
    file.write_text("\n".join(kept) + "\n")
    assert board.to_undo()[1] != mark


def test_two_who_undo_at_once_leave_one_whole_table(filed_folder: Path) -> None:
    lose(filed_folder)
    board = board_on(filed_folder)
    found, mark = board.to_undo()
    with ThreadPoolExecutor(4) as people:
        assert list(people.map(board.undo, [mark] * 4)) == [len(found)] * 4
    with board.table.open(encoding="utf-8", newline="") as table:
        assert len(list(csv.DictReader(table))) == len(found)
    assert [path for path in filed_folder.iterdir() if path.name.startswith(board.table.name)] == [
        board.table
    ]


def test_a_promise_that_changes_or_goes_while_the_desk_is_open_is_seen(filed_folder: Path) -> None:
    board, promise = board_on(filed_folder), filed_folder / "promise.json"
    assert board.watch() is board.watch()
    whole = promise.read_bytes()
    promise.write_bytes(whole.replace(b'"precision"', b'"precisiom"', 1))
    with pytest.raises(FormatError):
        board.watch()
    promise.unlink()
    with pytest.raises(NotFoundError):
        board.watch()
    promise.write_bytes(whole)
    assert board.watch() is not None


def test_without_a_promise_there_is_nothing_to_watch(filed_folder: Path) -> None:
    board = board_on(filed_folder, promise=False)
    assert board.watch() is None
    assert batches(board)[0][0].drift is None
    with pytest.raises(UsageError, match="nothing to undo"):
        board.to_undo()
    (filed_folder / "other.json").rename(filed_folder / PROMISE)
    assert board.watch() is not None  # one that is made later is watched at once
