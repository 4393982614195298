"""All that the desk keeps of decisions on products, opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mep3m.database import Database
from mep3m.desk.folder import DeskFolder
from mep3m.desk.reviewing.categories import Categories
from mep3m.desk.reviewing.line import WaitingLine
from mep3m.desk.reviewing.log import DecisionLog
from mep3m.desk.reviewing.schema import decisions_file


@dataclass
class Reviewing:
    """The decisions of one folder, their queues, and the categories that can be chosen."""

    folder: DeskFolder
    database: Database
    _categories: tuple[int, Categories] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, folder: DeskFolder) -> Reviewing:
        """Open the decisions of a folder."""
        return cls(folder, decisions_file(folder))

    @property
    def log(self) -> DecisionLog:
        """What people said."""
        return DecisionLog(self.database)

    @property
    def line(self) -> WaitingLine:
        """What waits for people."""
        return WaitingLine(self.database)

    @property
    def categories(self) -> Categories:
        """The categories, read again when something was taken in, by this process or another."""
        read = self.database.read
        [(version,)] = read.execute("SELECT coalesce(max(id), 0) FROM takes").fetchall()
        if self._categories is None or self._categories[0] != version:
            self._categories = (version, Categories.read(read))
        return self._categories[1]

    def picture(self, item: int) -> tuple[Path, str] | None:
        """Return the folder that the picture of an item lies in, and its name there."""
        row = self.database.read.execute(
            "SELECT t.root, i.picture FROM items i JOIN takes t ON t.id = i.take WHERE i.id = ?", (item,)
        ).fetchone()
        return (Path(row["root"]), row["picture"]) if row and row["root"] and row["picture"] else None


@contextmanager
def opened_reviewing(path: Path) -> Iterator[Reviewing]:
    """Open the decisions of a folder for one command.

    Raises:
        NotFoundError: the folder holds nothing that a desk can show.
    """
    found = Reviewing.of(DeskFolder.open(path))
    try:
        yield found
    finally:
        found.database.close()
