"""Decisions are looked at before they are applied, and applied as 'align apply' does."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mep3m.alignment.keeping.database_log import DatabaseReviewLog
from mep3m.desk.folder import DeskFolder
from mep3m.desk.linking.applying import Applying
from mep3m.desk.linking.desk_links import DeskLinks
from mep3m.errors import UsageError
from mep3m.recipes.align import REVIEW
from mep3m.stages.apply_review import remove_result
from mep3m.store import Store
from mep3m.store.append_log import now
from tests.alignment.shops import decide


@pytest.fixture
def log(build: Path) -> Iterator[DatabaseReviewLog]:
    opened = DatabaseReviewLog(build / REVIEW)
    yield opened
    opened.close()


def of(log: DatabaseReviewLog, build: Path) -> Applying:
    return Applying(lambda: log.read(now()), build / "project.json", build / "desk" / "applied")


def done(applying: Applying) -> str:
    until = time.monotonic() + 120
    while applying.standing.busy:
        assert time.monotonic() < until
        time.sleep(0.02)
    return applying.standing.state


def test_it_is_checked_and_applied_as_the_build_did(log: DatabaseReviewLog, build: Path) -> None:
    applying = of(log, build)
    with pytest.raises(UsageError, match="see first what would happen"):
        applying.apply(0)
    applying.check()
    assert done(applying) == "checked"
    assert applying.standing.report is not None
    applying.apply(log.revision)
    assert done(applying) == "applied"
    made, built = Store.open(applying.out), Store.open(build / "5-align")
    assert made.taxonomy.version == built.taxonomy.version
    assert made.rows == built.rows
    assert "as it was" not in remove_result(applying.out)
    assert not applying.out.exists()


def test_nothing_is_applied_that_was_decided_after_the_check(log: DatabaseReviewLog, build: Path) -> None:
    applying = of(log, build)
    applying.check()
    done(applying)
    decide(log, {0: {"mep3m_decision": "accept"}})
    with pytest.raises(UsageError, match="something was decided since"):
        applying.apply(log.revision)


def test_conflicts_are_named_and_stop_it(log: DatabaseReviewLog, build: Path) -> None:
    review = log.read(now())
    place = next(n for n, row in enumerate(review.decisions) if row.relation == "exact" and row.by_method)
    first = review.decisions[place]
    twin = next(
        n
        for n, row in enumerate(review.decisions)
        if n != place and row.left == first.left and row.right != first.right and len(row.right.id) > 0
    )
    same = {"mep3m_decision": "accept", "predicate_id": "skos:exactMatch"}
    decide(log, {place: {**same, "mep3m_new_name_zh": "甲"}, twin: {**same, "mep3m_new_name_zh": "乙"}})
    applying = of(log, build)
    applying.check()
    assert done(applying) == "checked"
    assert applying.standing.report is None
    assert {line for problem in applying.standing.problems for line in problem.lines} & {first.line}
    with pytest.raises(UsageError):
        applying.apply(log.revision)


def test_what_fails_is_said(log: DatabaseReviewLog, build: Path) -> None:
    (build / "4-ocr").rename(build / "elsewhere")
    applying = of(log, build)
    applying.check()
    assert done(applying) == "failed"
    assert "was not made from a store that is still there" in applying.standing.why


def test_the_project_is_the_one_that_the_build_keeps(build: Path) -> None:
    shutil.move(build / "shops" / "mep3m.toml", build / "elsewhere.toml")
    links = DeskLinks(DeskFolder.open(build), None)
    assert links.applying.project == build / "project.json"
    links.applying.check()
    assert done(links.applying) == "checked"
    kept = links.applying.standing.report
    links.close()
    named = DeskLinks(DeskFolder.open(build), build / "elsewhere.toml")
    named.applying.check()
    assert done(named.applying) == "checked"
    assert named.applying.standing.report == kept  # with the first level of the project
    named.close()
