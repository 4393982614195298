"""What is served at this moment, and how another model takes its place while requests are answered."""

from __future__ import annotations

import asyncio
import io
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from PIL import Image

from mep3m.alignment.edits.history import read_history
from mep3m.assignment.answer import Beside, assign
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.run import Run
from mep3m.errors import Mep3mError
from mep3m.models.fingerprint import deciding_files
from mep3m.product import Product, to_table
from mep3m.service.settings import ServiceSettings
from mep3m.store.images import GivenImages
from mep3m.store.layout import TAXONOMY

LOG = logging.getLogger("mep3m.service")
#: what else stands in an answer of a run, or has to fit it
_BESIDE = ("run.json", TAXONOMY)

#: (real path, changed at, bytes, number of the file) of every file that is watched
Seen = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Version:
    """A model with its tree and its promise, as they answer together; `id` changes when any of them does."""

    run: Run
    policy: FilingPolicy | None
    loaded: str

    @cached_property
    def beside(self) -> Beside:
        """What an answer says beside its path."""
        return Beside.of(self.run)

    @cached_property
    def beside_with_reasons(self) -> Beside:
        """The same, with why a product got its answer."""
        return Beside.of(self.run, why=True)

    @cached_property
    def id(self) -> str:
        """Fingerprints of model and tree, and the id of the promise: 'model.tree' or 'model.tree.promise'."""
        promise = () if self.policy is None else (self.policy.promise.id,)
        return ".".join((self.run.version, self.run.classifier.tree.version, *promise))

    @classmethod
    def load(cls, settings: ServiceSettings) -> Version:
        """Read run, edits and promise.

        Raises:
            Mep3mError: one of them is not there, is damaged, or they do not fit each other.
        """
        run = Run.open(settings.run.resolve(), bare=True)
        if settings.edits is not None:
            run = run.with_edits(read_history(settings.edits))
        policy = (
            FilingPolicy.open(settings.promise, run, settings.shadow)
            if settings.promise is not None
            else None
        )
        version = cls(run, policy, datetime.now(UTC).isoformat(timespec="seconds"))
        version.warm()
        return version

    def warm(self) -> None:
        """Let the model answer once: no client waits for what is compiled or read at the first answer."""
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64)).save(buffer, "PNG")
        product = Product("0", "request", "0", title="warm up", ocr="warm up", image_ref="0")
        images = GivenImages({"0": buffer.getvalue()})
        assign(self.run.classifier, to_table([product]), images, beside=self.beside_with_reasons)


class Served:
    """The version that answers now. What it was read from is watched, and read again when it changes.

    A version that cannot be read, or whose parts do not fit, never takes the place of one that works;
    `trouble` says why it waits. It is tried again when another file changes: a promise may follow its model.
    """

    def __init__(self, settings: ServiceSettings, version: Version | None = None) -> None:
        self._settings = settings.with_promise()
        self._seen = self._look()
        self._refused: Seen | None = None
        self.version = version or Version.load(self._settings)
        self.trouble: str | None = None

    async def watch(self) -> None:
        """Look at the files again and again, until cancelled; reading happens beside the requests."""
        while True:
            await asyncio.sleep(self._settings.refresh)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Serve what the files hold now, if they have changed and fit together."""
        settings = self._settings.with_promise()
        try:
            seen = self._look(settings)
        except OSError:
            return  # a folder went while it was listed: its place is looked at again
        if seen == self._seen:
            self.trouble = None  # whatever was tried meanwhile has been taken back
        if seen in (self._seen, self._refused):
            return
        try:
            version = Version.load(settings)
        except (Mep3mError, OSError) as error:
            LOG.error("the change is not served: %s", error)
            self._refused, self.trouble = seen, str(error)
            return
        self._seen, self._settings, self.trouble = seen, settings, None
        if version.id != self.version.id:
            LOG.warning("serving %s, before %s", version.id, self.version.id)
        self.version = version

    def _look(self, settings: ServiceSettings | None = None) -> Seen:
        given = settings or self._settings
        folder = given.run.resolve()
        files = [*deciding_files(folder), *(folder / name for name in _BESIDE)]
        files += [path.resolve() for path in (given.promise, given.edits) if path is not None]
        return tuple(facts_of(path) for path in files)


def facts_of(path: Path) -> tuple[str, int, int, int]:
    """Return what changes when a file does; zeros where it is not there."""
    try:
        facts = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), facts.st_mtime_ns, facts.st_size, facts.st_ino
