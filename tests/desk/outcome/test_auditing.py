"""The audit counts in the order of chance, and proves what 'mep3m guarantee' proves."""

from pathlib import Path

import pytest

from mep3m.desk.intake.take import Draw
from mep3m.desk.outcome.auditing import audited, progress, promise, write_audit
from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.desk.reviewing.reviewing import Reviewing, opened_reviewing
from mep3m.errors import UsageError
from tests.cli.runner import ran
from tests.desk.filled import Filled, category, items

#: products of which the run is sure, and right
PHONES = [f"手机 5G 全网通 好{n}" for n in range(60)]
APPLES = [f"红富士苹果 5斤 好{n}" for n in range(60)]


@pytest.fixture
def sample(filled: Filled) -> Reviewing:
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, PHONES + APPLES, Draw(share=1, two=0))
    return Reviewing.of(reviewing.folder)


def decide(reviewing: Reviewing, some: list[int]) -> None:
    """Say the truth of some audited products."""
    paths = {"手机": category(reviewing, "数码", "手机"), "苹果": category(reviewing, "食品", "苹果")}
    titles = dict(tuple(row) for row in reviewing.database.read.execute("SELECT id, title FROM items"))
    said = {one: ItemVerdict("category", paths["苹果" if "苹果" in titles[one] else "手机"]) for one in some}
    reviewing.log.decide(said, Signed("anna", f"b{len(reviewing.log.history(limit=9999))}"))


def test_what_counts_ends_at_the_first_that_was_skipped(sample: Reviewing, tmp_path: Path) -> None:
    some = items(sample, "audit")
    decide(sample, some[:10] + some[11:20])
    assert [len(audited(sample)[0]), *audited(sample)[1:]] == [10, 19, 120]
    assert write_audit(sample, tmp_path / "audit.tsv") == 10
    decide(sample, [some[10]])
    assert write_audit(sample, tmp_path / "audit.tsv") == 20


def test_none_and_unsure_count_as_categories_that_no_model_knows(sample: Reviewing, tmp_path: Path) -> None:
    one, two, *_ = items(sample, "audit")
    sample.log.decide({one: ItemVerdict("none"), two: ItemVerdict("unsure")}, Signed("anna", "b1"))
    write_audit(sample, tmp_path / "audit.tsv")
    rows = [line.split("\t") for line in (tmp_path / "audit.tsv").read_text(encoding="utf-8").splitlines()]
    assert [row[4] for row in rows[1:]] == ["(none of these)", "(unsure)"]


def test_progress_says_what_is_proven_and_how_many_rows_more(sample: Reviewing) -> None:
    assert progress(sample).counts == 0
    decide(sample, items(sample, "audit"))
    told = progress(sample)
    assert (told.drawn, told.decided, told.counts) == (120, 120, 120)
    assert told.problem is None
    assert told.proven is not None
    assert told.next is not None
    assert told.next[0] > told.proven[0]


def test_the_promise_is_that_of_guarantee(sample: Reviewing, tmp_path: Path) -> None:
    decide(sample, items(sample, "audit"))
    told = promise(sample, 0.8, tmp_path / "promise.json")
    folder = sample.folder.path
    same = ("--audit", folder / "desk" / "audit.tsv", "--id", "id", "--precision", "0.8")
    other = ran("guarantee", "make", folder, *same, "--json").json
    names = ("lambda", "n", "filed", "errors", "bound")
    assert {name: told[name] for name in names} == {name: other[name] for name in names}
    assert (tmp_path / "promise.json").exists()


def test_too_little_proves_nothing_and_says_how_much_more(sample: Reviewing, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no audited row counts yet"):
        promise(sample, 0.9, tmp_path / "promise.json")
    decide(sample, items(sample, "audit")[:12])
    with pytest.raises(UsageError, match=r"12 audited rows do not prove a precision of 0.99"):
        promise(sample, 0.99, tmp_path / "promise.json")
    assert not (tmp_path / "promise.json").exists()


def test_rows_that_training_has_seen_are_refused(filled: Filled, tmp_path: Path) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, [f"红富士苹果 5斤 款式{n}" for n in range(5)], Draw(share=1, two=0))
        decide(reviewing, items(reviewing, "audit"))
        with pytest.raises(UsageError, match="were in training"):
            promise(reviewing, 0.8, tmp_path / "promise.json")
        assert "were in training" in str(progress(reviewing).problem)
