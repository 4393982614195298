"""Accounts: what is kept, who gets in, and how often one may try."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mep3m.database import Database
from mep3m.desk.accounts.people import ROLES, SCHEMA, TRIES, People, Person
from mep3m.errors import NotFoundError, UsageError

SECRET = "correct horse"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    database = Database(tmp_path / "accounts.sqlite", SCHEMA)
    yield People(database)
    database.close()


def test_who_gives_the_right_password_gets_in(people: People) -> None:
    assert not people
    added = people.add("安娜", "reviewer", SECRET, "2026-01-01")
    assert people
    assert people.sign_in("安娜", SECRET) == added == Person("安娜", "reviewer")
    assert people.sign_in("安娜", SECRET + " ") is None
    assert people.sign_in("nobody", SECRET) is None
    assert people.all() == [added]


def test_only_a_hash_is_kept(people: People, tmp_path: Path) -> None:
    people.add("anna", "admin", SECRET, "2026-01-01")
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SECRET.encode() not in kept
    assert b"$argon2id$" in kept


@pytest.mark.parametrize(
    ("name", "role", "password", "why"),
    [
        ("anna", "boss", SECRET, "role 'boss' is none of reader, reviewer, admin"),
        ("anna", "reviewr", SECRET, "did you mean 'reviewer'"),
        (" anna", "reviewer", "long enough", "cannot be used"),
        ("anna ", "reviewer", "long enough", "cannot be used"),
        ("", "reader", SECRET, "name '' cannot be used"),
        ("a\nb", "reader", SECRET, "cannot be used"),
        ("x" * 101, "reader", SECRET, "1 to 100 letters"),
        ("anna", "reader", "short", "the password has 5 characters; take at least 8"),
        ("taken", "reader", SECRET, "there is a 'taken' already"),
    ],
)
def test_what_cannot_be_is_said(people: People, name: str, role: str, password: str, why: str) -> None:
    people.add("taken", "reader", SECRET, "2026-01-01")
    with pytest.raises(UsageError, match=why):
        people.add(name, role, password, "2026-01-01")
    assert [person.name for person in people.all()] == ["taken"]


def test_a_removed_person_is_out(people: People) -> None:
    people.add("anna", "reader", SECRET, "2026-01-01")
    people.remove("anna")
    assert people.sign_in("anna", SECRET) is None
    with pytest.raises(NotFoundError, match="there is no 'anna'"):
        people.remove("anna")


def test_guessing_has_to_wait(people: People) -> None:
    people.add("anna", "reader", SECRET, "2026-01-01")
    people.add("ben", "reader", SECRET, "2026-01-01")
    for _ in range(TRIES):
        assert people.sign_in("anna", "a guess of mine") is None
    with pytest.raises(UsageError, match="wait a minute"):
        people.sign_in("anna", SECRET)
    assert people.sign_in("ben", SECRET) is not None  # others do not wait for it


@pytest.mark.parametrize("least", ROLES)
def test_roles_hold_those_below(least: str) -> None:
    may = [role for role in ROLES if Person("a", role).may(least)]  # type: ignore[arg-type]
    assert may == list(ROLES[ROLES.index(least) :])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Anna", "ANNA", "ａｎｎａ"])
def test_a_name_that_reads_as_that_of_another_person_is_refused(people: People, name: str) -> None:
    people.add("anna", "reviewer", "long enough", "2026-01-01")
    with pytest.raises(UsageError, match=r"'anna'.*reads the same"):
        people.add(name, "admin", "long enough", "2026-01-01")
    assert [person.name for person in people.all()] == ["anna"]


def test_two_people_may_share_a_part_of_their_names(people: People) -> None:
    for name in ("anna", "anna b", "hanna", "李娜"):
        people.add(name, "reviewer", "long enough", "2026-01-01")
    assert len(people.all()) == 4
