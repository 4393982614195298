"""A finished training run: a folder with a classifier, how it was made, and the columns it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mep3m.alignment.edits.edit import Record
from mep3m.assignment.edited_tree import EditedTreeClassifier, apply_edits
from mep3m.assignment.readable import refuse_unread
from mep3m.assignment.reasons.examples import TrainingExamples
from mep3m.assignment.reasons.novelty import Novelty
from mep3m.dataset.reading import Opened, open_pictures, open_products, pictures_of
from mep3m.errors import ModelError
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models.classifier import Classifier, learned_of, load, names_of
from mep3m.models.fingerprint import model_fingerprint
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns, TableFormat, TableSettings
from mep3m.sources.tables import TableSource
from mep3m.store.json_files import read_json
from mep3m.taxonomy import Taxonomy


@dataclass(frozen=True)
class Run:
    """A finished training run: the classifier, how it was made, and the columns it reads."""

    folder: Path
    classifier: Classifier
    settings: RunSettings
    columns: Columns
    image_root: Path | None
    #: the tree of a run on ids, and the training rows of each class, a level
    taxonomy: Taxonomy | None = None
    counts: tuple[dict[str, int], ...] = ()
    #: what recorded edits of the tree have done to the classes
    edits: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, bare: bool = False) -> Run:
        """Open a run folder; with `bare`, a classifier without `run.json` will do, which names no columns.

        Raises:
            NotFoundError: there is no such folder.
            ModelError: it is no run, or its files are damaged.
        """
        classifier = load(folder)
        if not (folder / "run.json").exists():
            if bare:
                return cls(folder, classifier, RunSettings(), Columns(), None, names_of(folder))
            raise ModelError(f"{folder} holds a classifier without run.json; train it with 'mep3m train'")
        saved = read_json(folder / "run.json")
        where = str(folder / "run.json")
        try:
            root = Path(saved["image_root"]) if saved["image_root"] else None
            settings = RunSettings.parse(saved["settings"], where)
            columns = Columns.parse(saved["columns"], where)
            counts = tuple(dict(level) for level in saved["counts"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{where} is not that of a run ({error!r}); train it again") from None
        return cls(folder, classifier, settings, columns, root, names_of(folder), counts)

    @cached_property
    def version(self) -> str:
        """16 hex digits of everything that decides what the model answers."""
        return model_fingerprint(self.folder)

    @property
    def trained_tree(self) -> LabelTree:
        """The tree that the model was trained with, whatever edits came after."""
        edited = self.classifier
        return edited.trained.tree if isinstance(edited, EditedTreeClassifier) else edited.tree

    @property
    def learned(self) -> frozenset[LabelPath]:
        """The nodes of its tree that were learned after training: nothing is filed there unproven."""
        return learned_of(self.classifier)

    @cached_property
    def novelty(self) -> Novelty | None:
        """What tells products of no known category; `None` in a run that does not know."""
        return Novelty.load(self.folder)

    @cached_property
    def examples(self) -> TrainingExamples | None:
        """Training products to compare a new one with; `None` in a run that keeps none."""
        return self.novelty.examples if self.novelty is not None else TrainingExamples.load(self.folder)

    def with_edits(self, records: Sequence[Record]) -> Run:
        """Return the run after edits of its tree: its answers are the categories of today.

        Raises:
            UsageError: the run was not trained on ids, or the edits leave none of its classes.
        """
        classifier, taxonomy, counts, told = apply_edits(self.classifier, self.taxonomy, records, self.counts)
        return replace(self, classifier=classifier, taxonomy=taxonomy, counts=tuple(counts), edits=told)

    def read(
        self,
        path: Path,
        labels: bool = True,
        columns: Mapping[str, Any] | None = None,
        image_root: Path | None = None,
        table: TableFormat | None = None,
        ids: bool = True,
        encoding: str | None = None,
    ) -> Opened:
        """Read a table with the run's columns, or with those given instead (fields of `Columns`).

        A picture or a folder of pictures is read too: the folders are the labels. Without `labels`, the label
        columns need not be there; without `ids`, the run's id column need not be there. A run trained on a
        store has no columns of its own: to read a table with it, name them.

        Raises:
            UsageError: pictures, and a model that does not look at them.
        """
        if not columns and pictures_of(path):
            opened = open_pictures(path, labelled=labels)
            refuse_unread(self.classifier, opened.products.slice(0, 1).to_pylist())
            return opened
        mine = self.columns_for(path, labels, columns, table, ids, encoding)
        return open_products(path, mine, image_root or self.image_root, table, encoding)

    def columns_for(
        self,
        path: Path,
        labels: bool = True,
        columns: Mapping[str, Any] | None = None,
        table: TableFormat | None = None,
        ids: bool = True,
        encoding: str | None = None,
    ) -> Columns:
        """Return the columns by which `read` reads a table."""
        unlabelled = {} if labels else {"labels": (), "path": None}
        mine = Columns.parse({**self.columns.model_dump(), **(columns or {}), **unlabelled}, "columns")
        if not ids and "id" not in (columns or {}) and path.is_file():
            header = TableSource(path, TableSettings(format=table, encoding=encoding)).header
            mine = mine if mine.id in header else mine.model_copy(update={"id": None})
        return mine
