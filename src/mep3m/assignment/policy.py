"""What is filed under a promise: the one rule for the command line, the service and a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mep3m.assignment.edited_promise import MovedTree
from mep3m.assignment.edited_tree import EditedTreeClassifier
from mep3m.assignment.promise import Promise
from mep3m.assignment.run import Run
from mep3m.assignment.watching.fallen import FallenBranches, read_fallen
from mep3m.label_tree.tree import LabelPath
from mep3m.models.classifier import learned_of

#: a file of this name beside a promise stops every process that files under it, at its next batch
STOP = ".stop"


@dataclass(frozen=True)
class FilingPolicy:
    """A promise, its file, and whether answers only say what would be filed (`shadow`).

    `moved` is what edits since then have made of its tree, if any.
    """

    promise: Promise
    file: Path
    shadow: bool = False
    moved: MovedTree | None = None
    #: classes that were learned after training, and of which the audit had no product
    unproven: frozenset[LabelPath] = frozenset()

    @classmethod
    def open(cls, file: Path, run: Run, shadow: bool = False, key: Path | None = None) -> FilingPolicy:
        """Read a promise for a run; with a public `key`, its signature is checked too.

        Raises:
            NotFoundError: there is no such file.
            FormatError: it is no promise.
            ModelError: it was changed, is of another model or tree, has expired, or is not signed by the key.
        """
        promise = Promise.load(file, key)
        promise.require_fits(run, file)
        moved = moved_since(promise, run)
        tested = run.classifier
        if moved is not None and isinstance(tested, EditedTreeClassifier):
            tested = tested.trained
        return cls(promise, file, shadow, moved, learned_of(tested) - set(promise.learned))

    @property
    def stop_file(self) -> Path:
        """The file that stops filing while it exists."""
        return self.file.with_name(self.file.name + STOP)

    def fallen(self) -> FallenBranches:
        """Return the branches under which nothing is filed at this moment; to be asked once a batch."""
        return read_fallen(self.file, self.promise.id)

    def why_not(self) -> str | None:
        """Return why nothing is filed at this moment, if so; to be asked once a batch."""
        if self.stop_file.exists():
            return f"filing is stopped: {self.stop_file.name} exists"
        if self.fallen().whole:
            return "filing is stopped: audited filings were not as precise as promised ('mep3m watch')"
        if self.promise.expired:
            return f"the promise expired on {self.promise.expires}"
        return "shadow: it would be filed" if self.shadow else None


def moved_since(promise: Promise, run: Run) -> MovedTree | None:
    """Return what edits have made of the tree of a promise, `None` where the run answers by that tree."""
    edited = run.classifier
    if edited.tree.version == promise.taxonomy or not isinstance(edited, EditedTreeClassifier):
        return None
    return MovedTree.of(edited.trained.tree, edited.tree, edited.place)
