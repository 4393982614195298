"""The people of a desk: name, role and a password of which only an argon2 hash is kept."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from mep3m.database import Database
from mep3m.errors import NotFoundError, UsageError, did_you_mean

#: reader: look; reviewer: decide; admin: also apply, and see who decided what
Role = Literal["reader", "reviewer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
SHORTEST = 8
#: wrong passwords for one name that are tried in `WINDOW` seconds before the next has to wait
TRIES, WINDOW = 5, 60.0

SCHEMA = (
    """
    CREATE TABLE people (
        name TEXT PRIMARY KEY, role TEXT NOT NULL, hash TEXT NOT NULL, made TEXT NOT NULL
    );
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, csrf TEXT NOT NULL, until REAL NOT NULL
    );
    CREATE TABLE failures (name TEXT NOT NULL, time REAL NOT NULL);
    CREATE INDEX failures_by_name ON failures (name, time);
    CREATE TABLE secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL)
    """,
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, and what they may do."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the person may do what this role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


class People:
    """The accounts of one desk; without any, whoever sits at the machine is let in."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hasher = PasswordHasher()

    def __bool__(self) -> bool:
        return self._database.read.execute("SELECT 1 FROM people LIMIT 1").fetchone() is not None

    def all(self) -> list[Person]:
        """Return everybody, by name."""
        rows = self._database.read.execute("SELECT name, role FROM people ORDER BY name")
        return [Person(row["name"], row["role"]) for row in rows]

    def find(self, name: str) -> Person | None:
        """Return the person of this name, if there is one."""
        row = self._database.read.execute("SELECT name, role FROM people WHERE name = ?", (name,)).fetchone()
        return None if row is None else Person(row["name"], row["role"])

    def add(self, name: str, role: str, password: str, made: str) -> Person:
        """Add a person.

        Raises:
            UsageError: the name is empty, taken, or reads as a taken one; the role is none, or the password
                is too short.
        """
        if role not in ROLES:
            raise UsageError(f"role '{role}' is none of {', '.join(ROLES)}{did_you_mean(role, ROLES)}")
        if not name or name != name.strip() or not name.isprintable() or len(name) > 100:
            raise UsageError(
                f"name {name!r} cannot be used; take 1 to 100 letters that can be printed, no spaces around"
            )
        if len(password) < SHORTEST:
            raise UsageError(f"the password has {len(password)} characters; take at least {SHORTEST}")
        hashed = self._hasher.hash(password)
        with self._database.change() as change:
            known = [row["name"] for row in change.execute("SELECT name FROM people")]
            # who decided what is told by names: two that a reader takes for one tell nothing
            if same := next((one for one in known if _read(one) == _read(name)), None):
                beside = "" if same == name else f", and '{name}' reads the same"
                raise UsageError(
                    f"there is a '{same}' already{beside}; remove that one first, or take another name"
                )
            change.execute("INSERT INTO people VALUES (?, ?, ?, ?)", (name, role, hashed, made))
        found = self.find(name)
        assert found is not None
        return found

    def remove(self, name: str) -> None:
        """Remove a person and end their sessions; what they decided stays.

        Raises:
            NotFoundError: there is nobody of this name.
        """
        with self._database.change() as change:
            if not change.execute("DELETE FROM people WHERE name = ?", (name,)).rowcount:
                names = [person.name for person in self.all()]
                raise NotFoundError(f"there is no '{name}' here{did_you_mean(name, names)}")
            change.execute("DELETE FROM sessions WHERE name = ?", (name,))

    def sign_in(self, name: str, password: str) -> Person | None:
        """Return the person if the password is theirs.

        Raises:
            UsageError: too many wrong passwords came for this name; it has to wait.
        """
        now = time.time()
        wrong = "SELECT count(*) FROM failures WHERE name = ? AND time > ?"
        [(failures,)] = self._database.read.execute(wrong, (name, now - WINDOW)).fetchall()
        if failures >= TRIES:
            raise UsageError("too many wrong passwords for this name; wait a minute")
        row = self._database.read.execute("SELECT hash FROM people WHERE name = ?", (name,)).fetchone()
        # a name that is not known takes as long as one that is: the time tells nobody which names there are
        if self._matches(row["hash"] if row is not None else self._hasher.hash("nobody"), password):
            return self.find(name)
        with self._database.change() as change:
            change.execute("DELETE FROM failures WHERE time < ?", (now - WINDOW,))
            change.execute("INSERT INTO failures VALUES (?, ?)", (name, now))
        return None

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (Argon2Error, InvalidHashError):
            return False


def _read(name: str) -> str:
    """Return a name without what a reader may overlook: case, width, spaces around it."""
    return unicodedata.normalize("NFKC", name).strip().casefold()
