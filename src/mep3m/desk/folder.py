"""What lies in the folder that a desk is opened on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mep3m.errors import NotFoundError
from mep3m.recipes.filing.answered import KINDS
from mep3m.recipes.steps import PROJECT, step_folders
from mep3m.store.json_files import read_json
from mep3m.store.layout import Layout
from mep3m.store.store import Store

#: where the desk keeps what is its own: accounts, decisions, the index of the products
OWN = "desk"
#: the name of a promise, which `guarantee --out` is given
PROMISE = "promise.json"


@dataclass(frozen=True)
class DeskFolder:
    """A build, a store or a run; what is not there is `None`, and its page says so."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> DeskFolder:
        """Return the folder.

        Raises:
            NotFoundError: it is none, or nothing that a desk can show lies in it.
        """
        found = cls(path.absolute())
        if not path.is_dir():
            raise NotFoundError(f"{path} is no folder; name what 'mep3m build' made, a store or a run")
        if found.store is None and found.run is None:
            raise NotFoundError(
                f"{path} holds no finished store and no run; name the folder that 'mep3m build --out' made"
            )
        return found

    @property
    def own(self) -> Path:
        """Where the desk keeps what is its own."""
        return self.path / OWN

    @cached_property
    def store(self) -> Store | None:
        """The dataset: of a build its last finished step."""
        for folder in (self.path, *(self.path / step for step in reversed(step_folders().values()))):
            if Layout(folder).finished:
                return Store.open(folder)
        return None

    @property
    def run(self) -> Path | None:
        """The trained classifier."""
        return next((f for f in (self.path, self.path / "model") if (f / "run.json").exists()), None)

    @property
    def review(self) -> Path | None:
        """The links between categories that people decide on."""
        return self._file("review.sssom.tsv")

    @property
    def where(self) -> Path | None:
        """Where every category of every shop went."""
        return self._file("where.tsv")

    @property
    def promise(self) -> Path | None:
        """The promise that products are filed under; its watch lies beside it."""
        return next((path for path in self.promises if path.exists()), None)

    @property
    def promises(self) -> list[Path]:
        """Where a promise is looked for: beside the run, or in it."""
        folders = (self.path, self.run) if self.run is not None else (self.path,)
        return [folder / PROMISE for folder in folders]

    @property
    def project(self) -> Path | None:
        """The project as a build keeps it."""
        return self._file(PROJECT)

    @property
    def answers(self) -> list[Path]:
        """The files of answers that `assign` wrote: `filed` and whatever follows, .jsonl or .parquet."""
        return sorted(path for kind in KINDS for path in self.path.glob(f"filed*{kind}"))

    @property
    def report(self) -> Path | None:
        """The folder with the report."""
        folder = self.path / "report"
        return folder if (folder / "report.html").exists() else None

    @property
    def asked_table(self) -> str:
        """A table of new products as commands name it; a run that learned from a store knows no columns."""
        saved = read_json(self.run / "run.json")["columns"] if self.run is not None else {}
        return "new.tsv" if saved.get("title") or saved.get("image") else "new.tsv --id id --title title"

    def _file(self, name: str) -> Path | None:
        path = self.path / name
        return path if path.exists() else None
