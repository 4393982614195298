"""The log of a watch: what was said stays said, and what belongs to another promise is passed over."""

from pathlib import Path

import pytest

from mep3m.assignment.watching.log import Key, WatchLog


@pytest.fixture
def log(tmp_path: Path) -> WatchLog:
    return WatchLog.of(tmp_path / "p.json", "one")


def filing(name: str, platform: str | None = None) -> dict[str, object]:
    return {"id": name, "platform": platform, "path": ["a", "x"]}


def test_it_lies_beside_the_promise_and_is_empty_at_first(log: WatchLog, tmp_path: Path) -> None:
    assert log.file == tmp_path / "p.json.watch.jsonl"
    assert (log.drawn(), log.audited(), log.answers(), log.fallen()) == ({}, {}, [], [])


def test_what_was_drawn_and_said_comes_back_in_order(log: WatchLog) -> None:
    log.append("drawn", answers="/a.jsonl", filings=[filing("1"), filing("1", "jd")])
    log.append("drawn", answers="/b.jsonl", filings=[filing("2")])
    log.append("audited", filings=[{"id": "2", "platform": None, "right": False}])
    log.append("audited", filings=[{"id": "1", "platform": "jd", "right": True}])
    assert log.drawn() == dict.fromkeys((Key("1", None), Key("1", "jd"), Key("2", None)), ("a", "x"))
    assert list(log.audited().items()) == [(Key("2", None), False), (Key("1", "jd"), True)]
    assert log.answers() == [Path("/a.jsonl"), Path("/b.jsonl")]


def test_another_promise_begins_anew_in_the_same_file(log: WatchLog) -> None:
    log.append("drawn", answers="/a.jsonl", filings=[filing("1")])
    log.append("fallen", branch=["a"])
    other = WatchLog(log.file, "two")
    assert (other.drawn(), other.fallen()) == ({}, [])
    other.append("fallen", branch=[])
    assert (log.fallen(), other.fallen()) == ([("a",)], [()])


def test_a_branch_falls_once(log: WatchLog) -> None:
    for branch in (["a"], ["a", "x"], ["a"]):
        log.append("fallen", branch=branch)
    assert log.fallen() == [("a",), ("a", "x")]


def test_a_line_cut_short_by_a_kill_is_passed_over(log: WatchLog) -> None:
    log.append("fallen", branch=["a"])
    with log.file.open("ab") as file:
        file.write(b'{"event":"fallen","promise":"one","bra')
    assert log.fallen() == [("a",)]
    log.append("fallen", branch=["b"])
    assert log.fallen() == [("a",), ("b",)]
