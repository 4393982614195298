"""Sessions: a signed cookie names one, the database says whether it still holds."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass

from itsdangerous import BadSignature, Signer

from mep3m.database import Database
from mep3m.desk.accounts.people import Person

#: seconds that a session lasts after it was begun
LASTS = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Session:
    """One person at one browser; `cookie` is its secret, `csrf` what every form of its pages says back."""

    name: str
    csrf: str
    cookie: str


class Sessions:
    """The sessions of one desk; one that was ended is ended at once, whatever cookie a browser still has."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._signer = Signer(self._secret(), salt="mep3m.desk.session")

    def begin(self, person: Person) -> Session:
        """Begin a session; the database keeps a hash of its secret."""
        secret, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), time.time()
        with self._database.change() as change:
            change.execute("DELETE FROM sessions WHERE until < ?", (now,))
            change.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?)", (_hash(secret), person.name, csrf, now + LASTS)
            )
        return Session(person.name, csrf, self._signer.sign(secret).decode())

    def find(self, cookie: str | None) -> Session | None:
        """Return the session that a cookie names, if it is signed here and holds."""
        secret = self._read(cookie)
        if secret is None or cookie is None:
            return None
        row = self._database.read.execute(
            "SELECT name, csrf FROM sessions WHERE id = ? AND until > ?", (_hash(secret), time.time())
        ).fetchone()
        return None if row is None else Session(row["name"], row["csrf"], cookie)

    def end(self, session: Session) -> None:
        """End a session."""
        secret = self._read(session.cookie)
        if secret is not None:
            with self._database.change() as change:
                change.execute("DELETE FROM sessions WHERE id = ?", (_hash(secret),))

    def _read(self, cookie: str | None) -> str | None:
        try:
            return None if cookie is None else self._signer.unsign(cookie).decode()
        except (BadSignature, UnicodeDecodeError):
            return None

    def _secret(self) -> str:
        with self._database.change() as change:
            change.execute(
                "INSERT OR IGNORE INTO secrets VALUES ('session', ?)", (secrets.token_urlsafe(32),)
            )
            [(value,)] = change.execute("SELECT value FROM secrets WHERE name = 'session'").fetchall()
        return str(value)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
