"""What the decisions do to the dataset: looked at first, then done; both in the background, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mep3m.alignment.merging.conflicts import resolve_conflicts
from mep3m.alignment.merging.first_level import from_entries
from mep3m.alignment.merging.impact import Counts, compare_after, impact
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, find_problems
from mep3m.alignment.merging.policy import apply_policy
from mep3m.alignment.review.contract import Review
from mep3m.alignment.review.decisions import Problem
from mep3m.alignment.review.metadata import read_metadata
from mep3m.alignment.review.sssom import MADE_FROM
from mep3m.engine import make_engine
from mep3m.errors import Mep3mError, NotFoundError, StoreError, UsageError
from mep3m.settings.align import MergeSettings
from mep3m.settings.project import Project, load_project
from mep3m.stages.apply_review import ApplyReview, store_counts
from mep3m.stages.base import run_stage
from mep3m.store import Store
from mep3m.store.json_files import read_json

#: what is done; `failed` and `done` are of the last time
State = Literal["nothing", "checking", "checked", "applying", "applied", "failed"]


@dataclass(frozen=True)
class Standing:
    """How far it is: the report and the problems for the decisions of a revision, or why there is none."""

    state: State = "nothing"
    revision: int = 0
    report: Mapping[str, Any] | None = None
    problems: Sequence[Problem] = ()
    why: str = ""

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return self.state in ("checking", "applying")


class Applying:
    """Checks and applies the decisions of a review as `align apply` does, into the store `out`."""

    def __init__(self, read: Callable[[], Review], project: Path | None, out: Path) -> None:
        self._read = read
        self.project = project
        self.out = out
        self._turn = threading.Lock()
        self.standing = Standing()

    def check(self) -> None:
        """Begin to find out what would happen."""
        self._begin("checking", self._check)

    def apply(self, revision: int) -> None:
        """Begin to write the store.

        Raises:
            UsageError: it was not checked, it has problems, or something was decided since.
        """
        seen = self.standing
        if seen.report is None or seen.problems or seen.revision != revision:
            raise UsageError("see first what would happen: something was decided since, or never looked at")
        self._begin("applying", lambda: self._apply(revision))

    def _begin(self, state: State, work: Callable[[], Standing]) -> None:
        with self._turn:
            if self.standing.busy:
                raise UsageError("this is being done already; wait for it")
            self.standing = replace(self.standing, state=state, why="")

        def run() -> None:
            try:
                self.standing = work()
            except Mep3mError as error:
                self.standing = Standing("failed", why=str(error))
            except Exception as error:  # nobody waits for this thread: it says itself what went wrong
                self.standing = Standing("failed", why=f"{type(error).__name__}: {error}")
                raise

        threading.Thread(target=run, name="align", daemon=True).start()

    def _check(self) -> Standing:
        review = self._read()
        stage, store = self._stage(review)
        counts = store_counts(store)
        if problems := _problems(stage, counts):
            return Standing("checked", review.revision, None, problems)
        report = impact(counts, stage.result(counts), stage.review.decisions)
        return Standing("checked", review.revision, report)

    def _apply(self, revision: int) -> Standing:
        review = self._read()
        if review.revision != revision:
            raise UsageError("something was decided meanwhile; see again what would happen")
        stage, store = self._stage(review)
        counts = store_counts(store)
        report = impact(counts, stage.result(counts), stage.review.decisions)
        made = run_stage(stage, store, self.out, make_engine())
        if differences := compare_after(report, store_counts(made)):
            raise StoreError("the rows differ from the report: " + "; ".join(differences))
        return Standing("applied", revision, report)

    def _stage(self, review: Review) -> tuple[ApplyReview, Store]:
        """Return the step that a build with these decisions does, and the store that it reads."""
        source = read_metadata(review.sheet.comments).get(MADE_FROM["store"])
        folder = Path(review.name).parent / source if source else None
        if folder is None or not folder.is_dir():
            raise NotFoundError(f"{review.name} was not made from a store that is still there")
        store = Store.open(folder)
        project = _project(self.project) if self.project is not None else None
        first_level = None
        if project is not None and self.project is not None and project.first_level:
            first_level = from_entries(project.first_level, self.project)
            first_level.require_known(store_counts(store).rows)
        settings = project.merge if project is not None else MergeSettings()
        return ApplyReview(MergeInputs(tuple(review.decisions), first_level, None, settings)), store


def _project(path: Path) -> Project:
    """Read the project file of a person, or what a build keeps of it."""
    if path.suffix == ".json":
        return Project.parse(read_json(path), str(path))
    return load_project(path)


def _problems(stage: ApplyReview, counts: Counts) -> list[Problem]:
    """Return what only people can solve: decisions that contradict each other."""
    catalogue = Catalogue.of(stage.sides, counts.rows)
    sure, _ = apply_policy(catalogue, stage.review)
    review, _ = resolve_conflicts(catalogue, sure)
    return find_problems(catalogue, review)
