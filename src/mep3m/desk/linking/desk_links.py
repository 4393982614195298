"""The links of one desk: the review in its database, its categories, and what applies the decisions."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

from mep3m.alignment.keeping.database_log import DatabaseReviewLog
from mep3m.alignment.keeping.queue import SHOWN, Queue, shown_pair
from mep3m.desk.folder import DeskFolder
from mep3m.desk.linking.answers import Looking
from mep3m.desk.linking.applying import Applying
from mep3m.desk.linking.categories import LinkedCategories
from mep3m.errors import Mep3mError, NotFoundError
from mep3m.store.append_log import now

#: the store that decisions are applied into, in the folder of the desk
APPLIED = "applied"


class DeskLinks:
    """Opens the review when it is first asked for: a damaged one is told on its page, and on no other."""

    def __init__(self, folder: DeskFolder, project: Path | None) -> None:
        self._folder = folder
        self._turn = threading.Lock()
        self._log: DatabaseReviewLog | None = None
        self._work: threading.Thread | None = None
        self.categories = LinkedCategories(folder.store)
        used = project if project is not None else folder.project
        self.applying = Applying(lambda: self.log.read(now()), used, folder.own / APPLIED)

    @property
    def log(self) -> DatabaseReviewLog:
        """The review.

        Raises:
            NotFoundError: no review lies here.
            FormatError: it, or its database, is damaged.
        """
        with self._turn:
            if self._log is None:
                if self._folder.review is None:
                    raise NotFoundError(f"{self._folder.path} holds no review of links (review.sssom.tsv)")
                self._log = DatabaseReviewLog(self._folder.review)
            return self._log

    def queue(self, blind: bool = False) -> Queue:
        """Return the links in the order in which they are decided."""
        return Queue(self.log.database.read, blind)

    def around(self, looking: Looking) -> dict[str, Any]:
        """Return what every page about links shows: how many there are, and what is looked at."""
        queue = self.queue(looking.blind)
        return {
            "looking": looking,
            "progress": queue.progress(),
            "left": queue.count(looking.wanted),
            "pairs": {pair: shown_pair(pair) for pair in queue.platform_pairs()},
            "shown": SHOWN,
        }

    def begin(self) -> None:
        """Open the review and look its categories up, in the background; what is wrong its page says."""

        def work() -> None:
            with contextlib.suppress(Mep3mError):
                self.categories.look_up()
            if self._folder.review is not None:
                with contextlib.suppress(Mep3mError):
                    _ = self.log

        self._work = threading.Thread(target=work, name="links", daemon=True)
        self._work.start()

    def close(self) -> None:
        """Write the review file, and close the database."""
        if self._work is not None:
            self._work.join()
        with self._turn:
            if self._log is not None:
                self._log.close()
                self._log = None
