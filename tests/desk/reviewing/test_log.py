"""Decisions are recorded once, never changed, and come to a state that all of them decide."""

import threading
from pathlib import Path

import pytest

from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.desk.reviewing.reviewing import Reviewing, opened_reviewing
from mep3m.errors import NotFoundError, UsageError
from tests.desk.filled import category, items, state

UNSURE, NONE = ItemVerdict("unsure"), ItemVerdict("none")


def said(reviewing: Reviewing, *path: str) -> ItemVerdict:
    return ItemVerdict("category", category(reviewing, *path))


def test_a_decision_is_there_when_the_file_is_opened_again(reviewing: Reviewing) -> None:
    first, second, *_ = items(reviewing)
    phone = said(reviewing, "数码", "手机")
    reviewing.log.decide({first: phone, second: phone}, Signed("anna", "b1"))
    with opened_reviewing(reviewing.folder.path) as again:
        told = again.log.history()
    assert [(one["item"], one["person"], one["verdict"]) for one in told] == [
        (second, "anna", "category"),
        (first, "anna", "category"),
    ]
    assert state(reviewing, first) == "decided"


def test_a_batch_that_is_sent_again_is_recorded_once(reviewing: Reviewing) -> None:
    first = items(reviewing)[0]
    for _ in range(3):
        done = reviewing.log.decide({first: NONE}, Signed("anna", "b1"))
    assert done.repeated
    assert len(reviewing.log.history()) == 1


def test_one_batch_from_many_threads_is_recorded_once(reviewing: Reviewing) -> None:
    wanted = dict.fromkeys(items(reviewing), NONE)
    threads = [
        threading.Thread(target=reviewing.log.decide, args=(wanted, Signed("anna", f"b{n % 2}")))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reviewing.log.history(limit=1000)) == 2 * len(wanted)


def test_undo_is_another_row_and_brings_back_what_was_said_before(reviewing: Reviewing) -> None:
    first = items(reviewing)[0]
    reviewing.log.decide({first: NONE}, Signed("anna", "b1"))
    reviewing.log.decide({first: said(reviewing, "食品")}, Signed("anna", "b2"))
    reviewing.log.undo("anna", "u1")
    row = reviewing.database.read.execute(
        "SELECT state, verdict FROM items WHERE id = ?", (first,)
    ).fetchone()
    assert tuple(row) == ("decided", "none")
    reviewing.log.undo("anna", "u2")
    assert state(reviewing, first) == "open"
    assert len(reviewing.log.history()) == 4
    with pytest.raises(UsageError, match="nothing of yours"):
        reviewing.log.undo("anna", "u3")


def test_an_undo_that_is_sent_again_takes_nothing_more_back(reviewing: Reviewing) -> None:
    one, two, *_ = items(reviewing)
    reviewing.log.decide({one: NONE}, Signed("anna", "b1"))
    reviewing.log.decide({two: NONE}, Signed("anna", "b2"))
    assert reviewing.log.undo("anna", "u1").items == (two,)
    assert reviewing.log.undo("anna", "u1").repeated
    assert state(reviewing, one) == "decided"


def test_nobody_undoes_what_another_said(reviewing: Reviewing) -> None:
    first = items(reviewing)[0]
    reviewing.log.decide({first: NONE}, Signed("anna", "b1"))
    with pytest.raises(UsageError, match="nothing of yours"):
        reviewing.log.undo("ben", "u1")


def test_two_people_on_one_item_at_once_lose_nothing(reviewing: Reviewing) -> None:
    first = items(reviewing)[0]
    reviewing.log.decide({first: NONE}, Signed("anna", "b1"))
    done = reviewing.log.decide({first: said(reviewing, "食品")}, Signed("ben", "b2"))
    assert done.others == ("anna",)
    assert state(reviewing, first) == "conflict"
    reviewing.log.decide({first: NONE}, Signed("carol", "b3", resolves=True))
    row = reviewing.database.read.execute("SELECT * FROM items WHERE id = ?", (first,)).fetchone()
    assert (row["state"], row["verdict"], row["said_by"]) == ("decided", "none", "carol")


def test_an_unsure_person_leaves_it_to_another(reviewing: Reviewing) -> None:
    first = items(reviewing)[0]
    reviewing.log.decide({first: UNSURE}, Signed("anna", "b1"))
    assert state(reviewing, first) == "unsure"
    reviewing.log.decide({first: UNSURE}, Signed("ben", "b2"))
    assert state(reviewing, first) == "conflict"
    reviewing.log.decide({first: NONE}, Signed("ben", "b3"))
    assert state(reviewing, first) == "decided"


def test_where_two_are_asked_one_is_not_enough(asked_of_two: Reviewing) -> None:
    first = items(asked_of_two)[0]
    for person in ("anna", "anna", "ben"):
        assert state(asked_of_two, first) == "open"
        asked_of_two.log.decide({first: NONE}, Signed(person, f"{person}{len(asked_of_two.log.history())}"))
    assert state(asked_of_two, first) == "decided"


@pytest.mark.parametrize("wrong", [{999_999: NONE}, {1: ItemVerdict("category", 999_999)}])
def test_what_is_not_there_is_refused_whole(reviewing: Reviewing, wrong: dict[int, ItemVerdict]) -> None:
    with pytest.raises(NotFoundError, match="there is no"):
        reviewing.log.decide({items(reviewing)[1]: NONE, **wrong}, Signed("anna", "b1"))
    assert reviewing.log.history() == []


def test_nothing_ticked_is_nothing_decided(reviewing: Reviewing) -> None:
    with pytest.raises(UsageError, match="tick"):
        reviewing.log.decide({}, Signed("anna", "b1"))


def test_only_what_is_new_is_recorded_of_a_sheet(reviewing: Reviewing) -> None:
    first, second, *_ = items(reviewing)
    assert reviewing.log.record_new({first: NONE, second: NONE}, Signed("anna", "b1")) == 2
    assert reviewing.log.record_new({first: NONE, second: UNSURE}, Signed("anna", "b2")) == 1
    assert reviewing.log.record_new({first: NONE, second: UNSURE}, Signed("anna", "b3")) == 0


def test_the_file_of_a_later_version_is_left_alone(reviewing: Reviewing, tmp_path: Path) -> None:
    import sqlite3

    from mep3m.errors import FormatError

    path = reviewing.database.path
    reviewing.database.close()
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 99")
    with pytest.raises(FormatError, match="later version"), opened_reviewing(reviewing.folder.path):
        pass
