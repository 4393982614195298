"""One writer at a time, on disk when it returns, whole or not at all, in every process."""

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mep3m.database import Database
from mep3m.errors import FormatError, StoreError

SCHEMA = ("CREATE TABLE told (who TEXT, what INTEGER)",)


def rows(database: Database) -> list[tuple[object, ...]]:
    return [tuple(row) for row in database.read.execute("SELECT * FROM told ORDER BY who, what")]


def test_a_change_is_whole_or_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite", SCHEMA)
    with database.change() as change:
        change.execute("INSERT INTO told VALUES ('anna', 1)")

    def half(statement: str) -> None:
        with database.change() as change:
            change.execute("INSERT INTO told VALUES ('anna', 2)")
            change.execute(statement)
            raise KeyError("the block ends early")

    with pytest.raises(KeyError):
        half("DELETE FROM told")
    with pytest.raises(StoreError, match="nothing was recorded"):
        half("SELECT * FROM absent")
    assert rows(database) == [("anna", 1)]
    database.close()


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "deep" / "a.sqlite", SCHEMA)

    def tell(who: int) -> None:
        for what in range(20):
            with database.change() as change:
                change.execute("INSERT INTO told VALUES (?, ?)", (str(who), what))
            assert database.read.execute(
                "SELECT 1 FROM told WHERE who = ? AND what = ?", (str(who), what)
            ).fetchone()

    threads = [threading.Thread(target=tell, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(database) == sorted((str(who), what) for who in range(8) for what in range(20))
    database.close()


def test_a_killed_process_leaves_what_it_acknowledged_and_no_half(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from mep3m.database import Database\n"
        f"database = Database(Path(sys.argv[1]), {SCHEMA!r})\n"
        "for what in range(100_000):\n"
        "    with database.change() as change:\n"
        "        change.execute(\"INSERT INTO told VALUES ('a', ?)\", (what,))\n"
        "        change.execute(\"INSERT INTO told VALUES ('b', ?)\", (what,))\n"
        "    print(what, flush=True)\n"
    )
    path = tmp_path / "a.sqlite"
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(30)]
        writer.send_signal(signal.SIGKILL)
        said += [int(line) for line in writer.stdout.read().splitlines()]
        writer.wait()
        database = Database(path, SCHEMA)
        found = rows(database)
        database.close()
        firsts, seconds = ([row for row in found if row[0] == who] for who in "ab")
        assert {what for _, what in firsts} >= set(said)
        assert len(firsts) == len(seconds)


def test_an_older_file_is_brought_up_to_date_and_a_later_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    database = Database(path, SCHEMA)
    with database.change() as change:
        change.execute("INSERT INTO told VALUES ('anna', 1)")
    database.close()
    later = Database(
        path, (*SCHEMA, "ALTER TABLE told ADD COLUMN why TEXT; CREATE INDEX by_who ON told (who)")
    )
    assert rows(later) == [("anna", 1, None)]
    later.close()
    with pytest.raises(FormatError, match="later version"):
        Database(path, SCHEMA)


@pytest.mark.parametrize("content", [b"no database at all, only text" * 40, b"\0" * 4096, b"SQLite"])
def test_what_is_no_database_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"a\.sqlite is no database"):
        Database(path, SCHEMA)


def test_readers_cannot_write(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite", SCHEMA)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.read.execute("INSERT INTO told VALUES ('anna', 1)")
    database.close()


def test_a_file_that_many_processes_make_at_once_is_made_once(tmp_path: Path) -> None:
    """Taking a file into WAL mode is the one thing for which SQLite waits for nobody."""
    script = (
        "import sys; from pathlib import Path; from mep3m.database import Database\n"
        "sys.stdin.readline()\n"
        f"database = Database(Path(sys.argv[1]), {SCHEMA!r})\n"
        "with database.change() as change:\n"
        "    change.execute(\"INSERT INTO told VALUES ('x', 1)\")\n"
    )
    for attempt in range(5):
        path = tmp_path / f"{attempt}.sqlite"
        writers = [
            subprocess.Popen([sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE)
            for _ in range(4)
        ]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(b"go\n")
            writer.stdin.close()
        assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
        database = Database(path, SCHEMA)
        assert len(rows(database)) == 4
        database.close()
