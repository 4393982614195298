"""Sessions: signed, ended when they are ended, and not to be made up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mep3m.database import Database
from mep3m.desk.accounts import sessions as module
from mep3m.desk.accounts.people import SCHEMA, Person
from mep3m.desk.accounts.sessions import Sessions

ANNA = Person("anna", "reviewer")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "accounts.sqlite", SCHEMA)
    yield opened
    opened.close()


def test_a_session_is_found_until_it_is_ended(database: Database) -> None:
    sessions = Sessions(database)
    begun = sessions.begin(ANNA)
    assert sessions.find(begun.cookie) == begun
    assert Sessions(database).find(begun.cookie) == begun  # after a restart, too
    sessions.end(begun)
    assert sessions.find(begun.cookie) is None


def test_each_has_a_secret_and_a_token_of_its_own(database: Database, tmp_path: Path) -> None:
    sessions = Sessions(database)
    one, two = sessions.begin(ANNA), sessions.begin(ANNA)
    assert one.cookie != two.cookie
    assert one.csrf != two.csrf
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert one.cookie.split(".")[0].encode() not in kept
    sessions.end(one)
    assert sessions.find(two.cookie) == two


@pytest.mark.parametrize("change", ["", ".", "x", "é", "other"])
def test_a_cookie_that_was_not_made_here_opens_nothing(database: Database, change: str) -> None:
    sessions = Sessions(database)
    begun = sessions.begin(ANNA)
    cookie = Sessions(Database(database.path.with_name("b.sqlite"), SCHEMA)).begin(ANNA).cookie
    assert sessions.find(cookie if change == "other" else begun.cookie[:-3] + change) is None
    assert sessions.find(None) is None


def test_an_old_session_has_ended(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LASTS", -1.0)
    sessions = Sessions(database)
    old = sessions.begin(ANNA)
    assert sessions.find(old.cookie) is None
    sessions.begin(ANNA)
    [(left,)] = database.read.execute("SELECT count(*) FROM sessions").fetchall()
    assert left == 1
