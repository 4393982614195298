"""Branches that fell back: a file beside a promise that every process respects at its next batch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mep3m.errors import FormatError
from mep3m.label_tree.tree import LabelPath
from mep3m.store.json_files import read_json, write_json

#: a file of this name beside a promise says which of its branches fell back
FALLEN = ".fallen"


class FallenBranches(NamedTuple):
    """The paths of branches under which nothing is filed any more; the empty path is the whole tree."""

    paths: tuple[LabelPath, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing at all is filed."""
        return () in self.paths


def fallen_file(promise: Path) -> Path:
    """Return the file that says which branches of a promise fell back."""
    return promise.with_name(promise.name + FALLEN)


def read_fallen(promise: Path, identity: str) -> FallenBranches:
    """Return the branches of the promise with this id that fell back; those of another promise are none.

    Raises:
        FormatError: the file is damaged. Nothing is filed on a guess.
    """
    file = fallen_file(promise)
    if not file.exists():
        return FallenBranches()
    value = read_json(file)
    try:
        branches = tuple(tuple(path) for path in value["branches"])
        return FallenBranches(branches if value["promise"] == identity else ())
    except (KeyError, TypeError) as error:
        raise FormatError(
            f"{file} does not say which branches fell back ({error!r}); run 'mep3m watch status' to write it "
            "again"
        ) from None


def write_fallen(promise: Path, identity: str, fallen: FallenBranches) -> None:
    """Say which branches of a promise fell back; the file appears whole."""
    write_json(fallen_file(promise), {"promise": identity, "branches": [list(path) for path in fallen.paths]})
