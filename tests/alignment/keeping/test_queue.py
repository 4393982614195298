"""Which link comes next, which a filter finds, and what the history says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mep3m.alignment.keeping.database_log import DatabaseReviewLog, database_of
from mep3m.alignment.keeping.queue import LinkFilter, Queue, shown_pair
from mep3m.alignment.keeping.tables import SCHEMA
from mep3m.alignment.review.contract import Signature
from mep3m.alignment.review.order import review_order
from mep3m.database import Database
from mep3m.errors import UsageError
from tests.alignment.shops import NOW, decide, proposals


@pytest.fixture
def log(tmp_path: Path) -> Iterator[DatabaseReviewLog]:
    opened = DatabaseReviewLog(proposals(tmp_path / "review.sssom.tsv"))
    yield opened
    opened.close()


@pytest.fixture
def queue(log: DatabaseReviewLog) -> Queue:
    return Queue(log.database.read)


def walked(queue: Queue, wanted: LinkFilter = LinkFilter()) -> list[int]:  # noqa: B008
    """Return the places in the order in which somebody who skips each sees them."""
    places: list[int] = []
    while (place := queue.next(wanted, places[-1] if places else None)) is not None:
        places.append(place)
    return places


def test_links_come_in_the_order_of_the_command_line(log: DatabaseReviewLog, queue: Queue) -> None:
    decide(log, {1: {"mep3m_decision": "accept"}, 2: {"mep3m_decision": "unsure"}})
    expected = [one.decision.line - 8 for one in review_order(log.read(NOW))]
    assert walked(queue) == expected
    assert len(expected) == 4


def test_a_search_through_all_names_reads_an_index_alone(queue: Queue) -> None:
    condition, values = LinkFilter(name="nobody has this").where()
    for asked in (
        f"SELECT count(*) FROM links WHERE {condition}",
        f"SELECT place FROM links WHERE {condition}",
    ):
        [step, *_] = queue.connection.execute(f"EXPLAIN QUERY PLAN {asked}", values).fetchall()
        assert "COVERING INDEX links_by_worth" in step["detail"]


def test_a_review_of_the_version_before_is_brought_up_to_date(tmp_path: Path) -> None:
    path = proposals(tmp_path / "review.sssom.tsv")
    before = Database(database_of(path), SCHEMA[:1])
    assert before.read.execute("SELECT count(*) FROM links").fetchone()[0] == 0
    before.close()
    log = DatabaseReviewLog(path)
    assert sorted(walked(Queue(log.database.read))) == [0, 1, 2, 3, 4]
    log.close()


def test_a_link_can_be_looked_at_from_one_that_is_decided(log: DatabaseReviewLog, queue: Queue) -> None:
    order = walked(queue)
    decide(log, {order[0]: {"mep3m_decision": "accept"}})
    assert queue.next(LinkFilter(), order[0]) == order[1]


def test_blind_links_come_in_a_drawn_order_that_stays(queue: Queue) -> None:
    blind = Queue(queue.connection, blind=True)
    assert sorted(walked(blind)) == sorted(walked(queue))
    assert walked(blind) == walked(blind)


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        (LinkFilter(), [0, 1, 2, 3, 4]),
        (LinkFilter("all"), [0, 1, 2, 3, 4]),
        (LinkFilter("accept"), []),
        (LinkFilter(platforms="a | b"), [0, 1, 2, 3, 4]),
        (LinkFilter(platforms="b | a"), []),
        (LinkFilter(relation="narrower"), []),
        (LinkFilter(least=0.9, most=0.99), [0, 1]),
        (LinkFilter(most=0.4), [3, 4]),
        (LinkFilter(name="空调"), [1]),
        (LinkFilter(name="手机"), [2, 3, 4]),
        (LinkFilter(name="%"), []),
        (LinkFilter(name="' OR 1 --"), []),
    ],
)
def test_a_filter_finds(queue: Queue, wanted: LinkFilter, places: list[int]) -> None:
    assert sorted(walked(queue, wanted)) == places
    assert queue.count(wanted) == len(places)
    assert [one.place for one in queue.examples(wanted)] == walked(queue, wanted)
    assert len(queue.keys(wanted)) == len(places)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"shown": "wait"}, "'wait' is none of waiting.*did you mean 'waiting'"),
        ({"relation": "same"}, "'same' is none of exact"),
        ({"least": -1}, "a probability is from 0 to 1, not -1"),
        ({"most": 7}, "not 7"),
        ({"most": float("nan")}, "not nan"),
    ],
)
def test_a_filter_that_nobody_can_mean_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        LinkFilter(**values)  # type: ignore[arg-type]


def test_a_link_is_shown_with_its_row_and_the_revision(log: DatabaseReviewLog, queue: Queue) -> None:
    decide(log, {0: {"mep3m_decision": "unsure"}}, by="wang")
    asked = queue.link(0)
    assert asked is not None
    assert (asked.revision, asked.waits.decision.reviewer, asked.key) == (1, "wang", log.read(NOW).keys[0])
    assert queue.link(99) is None
    assert (queue.at_line(8), queue.at_line(1), queue.place_of(asked.key)) == (0, None, 0)
    assert queue.progress() == {"accept": 0, "reject": 0, "unsure": 1, "open": 4}
    assert [shown_pair(pair) for pair in queue.platform_pairs()] == ["a – b"]


def test_the_history_of_all_and_of_one(log: DatabaseReviewLog, queue: Queue) -> None:
    decide(log, {n: {"mep3m_decision": "accept"} for n in range(5)}, by="li")
    decide(log, {0: {"mep3m_decision": "reject"}}, by="wang")
    log.undo(Signature("wang", NOW, "undo"), own=True)
    found = queue.batches()
    assert [(place, count, batch.signature.by) for place, count, batch in found] == [
        (2, 1, "wang"), (1, 1, "wang"), (0, 5, "li"),
    ]  # fmt: skip
    assert (found[0][2].undoes, len(found[2][2].changes)) == (1, 3)
    assert [place for place, _, _ in queue.batches(by="li")] == [0]
    assert [place for place, _, _ in queue.batches(before=2, count=1)] == [1]
