"""How many requests a key has made in this minute, counted by all worker processes together."""

from __future__ import annotations

import time
from pathlib import Path

from mep3m.database import connect
from mep3m.service.keys import ApiKey

_MINUTE = 60


class Quota:
    """Counts in a file that the workers share; what a machine forgets at a restart is one minute."""

    def __init__(self, path: Path) -> None:
        self._counts = connect(path, "OFF", patience=5)
        self._counts.execute(
            "CREATE TABLE IF NOT EXISTS used"
            " (key TEXT, minute INTEGER, requests INTEGER, PRIMARY KEY (key, minute))"
        )
        self._forgotten = 0

    def wait(self, key: ApiKey) -> int:
        """Count a request of a key; return 0, or the seconds until it may ask again."""
        if key.per_minute is None:
            return 0
        now = time.time()
        minute = int(now // _MINUTE)
        if minute > self._forgotten:  # once a minute, not at each request
            self._counts.execute("DELETE FROM used WHERE minute < ?", (minute - 1,))
            self._forgotten = minute
        [(used,)] = self._counts.execute(
            "INSERT INTO used VALUES (?, ?, 1)"
            " ON CONFLICT DO UPDATE SET requests = requests + 1 RETURNING requests",
            (key.hash, minute),
        ).fetchall()
        return 0 if used <= key.per_minute else max(1, round((minute + 1) * _MINUTE - now))

    def close(self) -> None:
        """Close the file."""
        self._counts.close()
