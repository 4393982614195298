"""The audit over HTTP: blind, in the order of its drawing, and a promise that only an admin makes."""

import json
import re
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from mep3m.desk.accounts.registry import opened as people_of
from mep3m.desk.accounts.registry import today
from mep3m.desk.intake.take import Draw
from mep3m.desk.outcome.auditing import STEPS
from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.desk.reviewing.reviewing import opened_reviewing
from tests.desk.endpoints.test_review import decide, read
from tests.desk.filled import Filled, category, items
from tests.desk.opened import csrf_of, desk_on, sign_in

PHONES = [f"手机 5G 全网通 好{n}" for n in range(30)]


@pytest.fixture
def folder(filled: Filled) -> Path:
    """A sample of sure products of one kind; nobody has audited any."""
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, PHONES, Draw(share=1, two=0))
    return filled.folder


@pytest.fixture
def audited(folder: Path) -> Path:
    """The same, all audited, and right."""
    with opened_reviewing(folder) as reviewing:
        phone = ItemVerdict("category", category(reviewing, "数码", "手机"))
        reviewing.log.decide(dict.fromkeys(items(reviewing, "audit"), phone), Signed("anna", "b1"))
    return folder


def make(client: TestClient, precision: object, csrf: str | None = None) -> httpx.Response:
    csrf = csrf_of(client, "/audit") if csrf is None else csrf
    return client.post("/audit/promise", data={"precision": precision, "csrf": csrf})


def test_products_are_asked_one_by_one_in_the_order_of_their_drawing(folder: Path) -> None:
    with opened_reviewing(folder) as reviewing:
        drawn = items(reviewing, "audit")
    asked = []
    with desk_on(folder) as client:
        html, csrf = client.get("/audit").text, csrf_of(client, "/audit")
        for number in range(5):
            [one] = read(html)[0]
            asked.append(one)
            html = decide(client, csrf, items=[one], queue="audit", batch=f"batch-{number:04}").text
    assert asked == drawn[:5]


def test_keys_are_what_the_person_chose_last_and_never_the_answer(folder: Path) -> None:
    with opened_reviewing(folder) as reviewing:
        fruit = category(reviewing, "食品", "香蕉")
    with desk_on(folder) as client:
        html, csrf = client.get("/audit").text, csrf_of(client, "/audit")
        assert read(html)[1] == []
        told = decide(client, csrf, items=read(html)[0], queue="audit", verdict="category", category=fruit)
        assert read(told.text)[1] == [fruit]
        assert read(client.get("/review/group?queue=audit").text)[1] == [fruit]


def test_a_promise_is_watched_from_the_moment_that_it_is_made(audited: Path) -> None:
    with desk_on(audited) as client:
        offered = re.findall(r"<option[^>]*>([\d.]+)</option>", client.get("/audit/progress").text)
        assert [float(one) for one in offered] == [one for one in STEPS if one <= float(offered[-1])]
        told = make(client, offered[0])
        assert told.status_code == 200
        path = audited / "promise.json"
        assert str(path) in told.text
        assert json.loads(path.read_text(encoding="utf-8"))["precision"] == float(offered[0])
        assert str(path) in client.get("/watch").text
        # one that products are filed under is not written over
        beside = audited / "desk" / f"promise-{offered[0]}.json"
        assert str(beside) in make(client, offered[0]).text
        assert beside.exists()


@pytest.mark.parametrize("wrong", ["nan", "inf", "-inf", "0", "1", "-0.5", "2", "1e400", "x", ""])
def test_a_precision_that_is_none_is_refused_and_nothing_is_written(audited: Path, wrong: str) -> None:
    with desk_on(audited) as client:
        client.headers["accept"] = "application/json"
        told = make(client, wrong)
        assert told.status_code == 422
        assert "precision" in json.dumps(told.json())
    assert not list(audited.rglob("promise*"))


def test_too_few_rows_promise_nothing(folder: Path) -> None:
    with desk_on(folder) as client:
        assert "no audited row counts yet" in make(client, 0.8).text
        assert "<option" not in client.get("/audit/progress").text
        one, _ = read(client.get("/audit").text)
        decide(client, csrf_of(client, "/audit"), items=one, queue="audit", verdict="category", category=1)
        told = make(client, 0.8)
        assert told.status_code == 422
        assert "1 audited row does not prove a precision of 0.8" in told.text


def test_only_an_admin_promises_and_only_from_the_form(audited: Path) -> None:
    with people_of(audited) as people:
        for name, role in (("anna", "reviewer"), ("carol", "admin")):
            people.add(name, role, "long enough", today())
    with desk_on(audited) as client:
        assert make(client, 0.8, "").status_code in (303, 401)
        sign_in(client, "anna", "long enough")
        assert make(client, 0.8).status_code == 403
        assert "<form method" not in client.get("/audit/progress").text
    with desk_on(audited) as client:
        sign_in(client, "carol", "long enough")
        assert make(client, 0.8, "wrong").status_code == 403
        assert not list(audited.rglob("promise*"))
        assert make(client, 0.8).status_code == 200


def test_two_people_who_name_a_batch_the_same_are_both_recorded(folder: Path) -> None:
    with people_of(folder) as people:
        for name in ("anna", "ben"):
            people.add(name, "reviewer", "long enough", today())
    with opened_reviewing(folder) as reviewing:
        first = items(reviewing, "audit")[0]
    for name in ("anna", "ben"):
        with desk_on(folder) as client:
            sign_in(client, name, "long enough")
            csrf = csrf_of(client, "/audit")
            assert decide(client, csrf, items=[first], queue="audit").status_code == 200
    with opened_reviewing(folder) as reviewing:
        assert [one["person"] for one in reviewing.log.history()] == ["ben", "anna"]
