"""The index of a desk: made once in the background, kept until the store changes."""

from __future__ import annotations

import logging
import threading

from mep3m.desk.folder import DeskFolder
from mep3m.desk.index.build import build_index, made_from
from mep3m.desk.index.index import StoreIndex
from mep3m.errors import Mep3mError, words_of
from mep3m.store.stamp import is_current, write_stamp
from mep3m.store.store import Store

#: seconds that a page waits for an index before it says how far it is
_PATIENCE = 5.0


class _StoppedError(Exception):
    """The desk closes."""


class IndexKeeper:
    """Makes the index of a folder's store when it is first asked for, or before.

    `done` are the rows that are in it so far, `problem` why it cannot be made, '' where nothing is wrong.
    """

    def __init__(self, folder: DeskFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._whole = threading.Event()
        self._stopped = False
        self._index: StoreIndex | None = None
        self.done, self.problem = 0, ""

    @property
    def rows(self) -> int:
        """The rows of the store, dropped ones included; 0 without a store."""
        return self._folder.store.rows if self._folder.store is not None else 0

    def begin(self) -> None:
        """Make the index in the background, unless that is done, or begun, or there is no store."""
        with self._lock:
            if self._folder.store is None or (self._thread is not None and not self.problem):
                return
            self.problem = ""
            self._whole.clear()
            self._thread = threading.Thread(target=self._make, args=(self._folder.store,), daemon=True)
            self._thread.start()

    def get(self, patience: float = _PATIENCE) -> StoreIndex | None:
        """Return the index; `None` where it is not whole after `patience` seconds, or cannot be made."""
        self.begin()
        self._whole.wait(patience if self._thread is not None else 0)
        return self._index

    def close(self) -> None:
        """Stop making it; what is half made is removed."""
        self._stopped = True
        if self._thread is not None:
            self._thread.join()

    def _make(self, store: Store) -> None:
        path = self._folder.own / "index.sqlite"
        stamp = self._folder.own / "index.made-from.json"
        try:
            origin = made_from(store)
            if not is_current(stamp, origin, path):
                build_index(store, self._folder.path, path, self._note)
                write_stamp(stamp, origin, rows=store.rows)
            self._index = StoreIndex(path)
        except _StoppedError:
            pass
        except Mep3mError as error:
            self.problem = str(error)
        except Exception as error:  # a thread has nobody else to say it to
            logging.getLogger(__name__).exception("the index cannot be made")
            self.problem = f"the index cannot be made in {self._folder.own}: {words_of(error)}"
        finally:
            self._whole.set()

    def _note(self, rows: int) -> None:
        self.done = rows
        if self._stopped:
            raise _StoppedError
