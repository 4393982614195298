"""Answers for new products at size: in parts, by any engine, and a killed run goes on with the same bytes.

OUT.parts/made_from.json  what the answers are made from; another begins anew
OUT.parts/in/00000.parquet    the rows of a table, cut into shards (a store has its own)
OUT.parts/00000.jsonl     the answers of one shard (.parquet for tables), complete or not there
OUT.parts/00000.json      what became of them, written before
OUT                       all parts in order; the folder is removed when it is there
"""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from mep3m import __version__
from mep3m.alignment.edits.history import read_history
from mep3m.assignment.answer import Assignment, Beside, assign
from mep3m.assignment.output import AnswerForm
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.readable import refuse_unread
from mep3m.assignment.run import Run
from mep3m.dataset.reading import pictures_of
from mep3m.engine import Engine, Progress, run, silent
from mep3m.errors import Mep3mError, NotFoundError, UsageError
from mep3m.recipes.filing.shards import Shards, look_of, picture_shards, store_shards, table_shards
from mep3m.settings.run import MIN_CONFIDENCE, NONE_SHARE
from mep3m.settings.sources import TableFormat, TableSettings
from mep3m.sources.tables import TableSource
from mep3m.store import Store
from mep3m.store.filesystem import exclusive_lock, sweep
from mep3m.store.json_files import fingerprint, read_json, write_json
from mep3m.store.layout import Layout

#: products that are answered at once, and after which a stop file is looked for again
BATCH = 8192


@dataclass(frozen=True)
class AnswerSettings:
    """What decides the answers beside the products: a run, edits of its tree, a promise, what is said."""

    run: Path
    edits: Path | None = None
    promise: Path | None = None
    shadow: bool = False
    top: int = 3
    min_confidence: float = MIN_CONFIDENCE
    none_share: float = NONE_SHARE
    why: bool = False

    def open(self) -> Answerer:
        """Return what answers: the run and the promise that it files under."""
        opened = Run.open(self.run)
        if self.edits is not None:
            opened = opened.with_edits(read_history(self.edits))
        policy = None if self.promise is None else FilingPolicy.open(self.promise, opened, self.shadow)
        return Answerer(self, opened, policy)


@dataclass(frozen=True)
class Answerer:
    """A run that is open, with the promise that it files under."""

    settings: AnswerSettings
    run: Run
    policy: FilingPolicy | None

    def answers(self, products: Any, images: Any) -> list[Assignment]:
        """Return one answer a product, in order."""
        settings, opened = self.settings, self.run
        beside = replace(Beside.of(opened, settings.why), none_share=settings.none_share)
        return assign(
            opened.classifier,
            products,
            images,
            settings.top,
            settings.min_confidence,
            opened.taxonomy,
            self.policy,
            beside,
        )

    def made_from(self) -> dict[str, Any]:
        """Return what the answers depend on, but for the products and what stops filing from outside."""
        values = {name: str(value) for name, value in asdict(self.settings).items()}
        promise = None if self.policy is None else self.policy.promise.id
        versions = (self.run.version, self.run.classifier.tree.version, promise, __version__)
        return {**values, "versions": versions, "edits": self.run.edits}


@dataclass(frozen=True)
class Assigned:
    """What became of new products; `kept` of those `filed` keep a label of people.

    `unread` showed the model nothing, the first of them is `first_unread`.
    """

    filed: int = 0
    review: int = 0
    none: int = 0
    kept: int = 0
    unread: int = 0
    unreadable_images: int = 0
    first_unread: str | None = None
    refused: int = 0

    @classmethod
    def of(cls, answers: Iterable[Assignment]) -> Assigned:
        """Count answers."""
        counts = dict.fromkeys(("filed", "review", "none", "kept", "unread", "unreadable_images"), 0)
        first = None
        for one in answers:
            counts[one.decision] += 1
            counts["kept"] += one.kept is not None
            counts["unreadable_images"] += one.unreadable is not None
            if not one.top:
                counts["unread"] += 1
                first = first or f"first '{one.id}': {one.reason}"
        return cls(**counts, first_unread=first)

    def __add__(self, other: Assigned) -> Assigned:
        sums = {
            name: value + getattr(other, name)
            for name, value in asdict(self).items()
            if name != "first_unread"
        }
        return Assigned(**sums, first_unread=self.first_unread or other.first_unread)


@dataclass(frozen=True)
class AnswerWork:
    """The answers of one shard as a part on disk; pickles, so that any process can do it."""

    settings: AnswerSettings
    shards: Shards
    form: AnswerForm
    folder: Path

    def part(self, number: int) -> Path:
        """Return the file of the answers of one shard."""
        return self.folder / f"{number:05d}{self.form.part_suffix}"

    def counted(self, number: int) -> Path:
        """Return the file that says what became of the products of one shard."""
        return self.folder / f"{number:05d}.json"

    def __call__(self, number: int) -> int:
        """Answer one shard and return its rows."""
        answerer = _opened(self.settings)
        products = self.shards.read(number)
        with _without_collection():
            answers = [
                one
                for start in range(0, products.num_rows, BATCH)
                for one in answerer.answers(products.slice(start, BATCH), self.shards.images)
            ]
        write_json(self.counted(number), asdict(Assigned.of(answers)))
        self.form.write_part(answers, self.part(number))
        return len(answers)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Hold the search for reference cycles back: answers have none, and it took a third of their time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@lru_cache(maxsize=1)
def _opened(settings: AnswerSettings) -> Answerer:
    """Open a run once in each process."""
    return settings.open()


def parts_folder(out: Path) -> Path:
    """Return the folder of the parts of a file of answers, which is there until the file is."""
    return out.with_name(f"{out.name}.parts")


def assign_file(
    request: NewProducts, answerer: Answerer, out: Path, engine: Engine, progress: Progress = silent
) -> tuple[Assigned, Shards]:
    """Write an answer for each new product into `out`, or go on where an earlier run was stopped.

    The bytes are the same for any engine and number of workers.

    Raises:
        UsageError: the name of `out` says nothing that is written, or there are no rows.
        StoreError: another run is writing the same answers.
    """
    AnswerForm.of(out, 1, False, False)  # before any work
    folder = parts_folder(out)
    with exclusive_lock(folder):
        _begin(folder, [request.made_from(), answerer.made_from(), out.suffix])
        try:
            shards = request.shards(folder / "in")
        except Mep3mError:  # what cannot be read leaves nothing behind
            shutil.rmtree(folder)
            raise
        tree, names = answerer.run.classifier.tree, answerer.run.taxonomy
        form = AnswerForm.of(out, tree.depth, names is not None, shards.platforms, answerer.settings.why)
        work = AnswerWork(answerer.settings, shards, form, folder)
        numbers = range(len(shards.files))
        missing = [number for number in numbers if not work.part(number).exists()]
        run(engine, work, missing, "assign", progress, sum(shards.rows))
        form.join([work.part(number) for number in numbers], out)
        counts = sum((Assigned(**read_json(work.counted(number))) for number in numbers), Assigned())
        shutil.rmtree(folder)
    return replace(counts, refused=shards.refused), shards


def _begin(folder: Path, made_from: Any) -> None:
    """Keep the parts of a run that was made from the same, and nothing else."""
    mark, key = folder / "made_from.json", fingerprint(made_from)
    if not mark.exists() or read_json(mark) != key:
        for old in folder.iterdir():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        write_json(mark, key)
    sweep(folder)


@dataclass(frozen=True)
class NewProducts:
    """Where new products are, and how they are read; `columns` are those given instead of the run's."""

    run: Run
    path: Path
    columns: dict[str, Any] = field(default_factory=dict)
    image_root: Path | None = None
    table: TableFormat | None = None
    encoding: str | None = None

    def made_from(self) -> Any:
        """Return what the products depend on, without reading them."""
        if Layout(self.path).finished:
            return Store.open(self.path).fingerprint
        return [look_of(self.path), self.columns, str(self.image_root), self.table, self.encoding]

    def shards(self, folder: Path) -> Shards:
        """Return the products as shards; those that have to be cut lie in `folder`.

        Raises:
            NotFoundError: there is no such path or column.
            UsageError: there are no rows, no columns are named, or pictures are given to a model of titles.
        """
        if not self.path.exists():
            raise NotFoundError(
                f"{self.path} does not exist; give a table (CSV, TSV, JSONL, Parquet) or a store folder"
            )
        if not self.columns and pictures_of(self.path):
            shards = picture_shards(self.path, folder)
            refuse_unread(self.run.classifier, shards.read(0).slice(0, 1).to_pylist())
            return shards
        if self.path.is_dir():
            return store_shards(Store.open(self.path))
        columns = self.run.columns_for(self.path, False, self.columns, self.table, True, self.encoding)
        if not columns.names():
            raise UsageError(f"{self.path} is a table: name its columns, at least --title or --image")
        root = self.image_root or self.run.image_root
        if root is not None and not root.is_dir():
            raise NotFoundError(f"the image folder {root} does not exist; --image-root names it")
        settings = TableSettings(columns=columns, encoding=self.encoding, format=self.table)
        return table_shards(TableSource(self.path, settings), root, folder)
