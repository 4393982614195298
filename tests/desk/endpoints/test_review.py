"""The pages of review and audit over HTTP: what is decided, by whom, and what is refused."""

import json
import re
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from mep3m.desk.accounts.registry import opened as people_of
from mep3m.desk.accounts.registry import today
from mep3m.desk.intake.take import Draw
from mep3m.desk.reviewing.reviewing import opened_reviewing
from tests.desk.filled import UNSURE, Filled
from tests.desk.opened import csrf_of, desk_on, sign_in

HOSTILE = [
    "苹果 手机 <script>document.title='x'</script>",
    '苹果 手机 "><img src=x onerror=alert(1)>',
    "苹果 手机 {{ 7 * 7 }} {n} %s",
]


@pytest.fixture
def folder(filled: Filled) -> Path:
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, UNSURE, Draw(number=4, two=0))
    return filled.folder


def read(html: str) -> tuple[list[int], list[int]]:
    items = [int(one) for one in re.findall(r'name="item" value="(\d+)"', html)]
    return items, [int(one) for one in re.findall(r'data-category="(\d+)"', html)]


def decide(client: TestClient, csrf: str, **values: object) -> httpx.Response:
    body = {"batch": "batch-00001", "queue": "review", "verdict": "none", "after": 0, **values}
    return client.post("/review/decide", json=body, headers={"X-CSRF-Token": csrf})


def test_a_decision_answers_with_the_next_group(folder: Path) -> None:
    with desk_on(folder) as client:
        html = client.get("/review").text
        items, choices = read(html)
        csrf = csrf_of(client, "/review")
        answer = decide(client, csrf, items=items, verdict="category", category=choices[0])
        assert answer.status_code == 200
        assert f"{len(items)} products: " in answer.text
        assert not set(read(answer.text)[0]) & set(items)
        undone = client.post(
            "/review/undo", json={"batch": "undo-00001", "queue": "review"}, headers={"X-CSRF-Token": csrf}
        )
        assert read(undone.text)[0] == items


def test_a_decision_that_is_sent_twice_is_recorded_once(folder: Path) -> None:
    with desk_on(folder) as client:
        items, _ = read(client.get("/review").text)
        csrf = csrf_of(client, "/review")
        assert [decide(client, csrf, items=items).status_code for _ in range(3)] == [200] * 3
    with opened_reviewing(folder) as reviewing:
        assert len(reviewing.log.history()) == len(items)


@pytest.mark.parametrize(
    ("wrong", "status", "why"),
    [
        ({"items": []}, 422, "items"),
        ({"items": [1], "verdict": "category"}, 422, "a category goes with the verdict"),
        ({"items": [1], "category": 3}, 422, "a category goes with the verdict"),
        ({"items": [1], "verdict": "maybe"}, 422, "verdict"),
        ({"items": [999_999]}, 422, "there is no item 999999 here"),
        ({"items": [1], "batch": ""}, 422, "batch"),
        ({"items": ["x"]}, 422, "items"),
        ({"items": [1], "queue": "others"}, 422, "queue"),
    ],
)
def test_what_cannot_be_decided_is_said(folder: Path, wrong: dict, status: int, why: str) -> None:
    with desk_on(folder) as client:
        client.headers["accept"] = "application/json"
        csrf = csrf_of(client, "/review")
        answer = decide(client, csrf, **wrong)
        assert answer.status_code == status
        assert why in json.dumps(answer.json(), ensure_ascii=False)
    with opened_reviewing(folder) as reviewing:
        assert reviewing.log.history() == []


def test_a_page_of_another_origin_cannot_decide(folder: Path) -> None:
    with desk_on(folder) as client:
        items, _ = read(client.get("/review").text)
        csrf = csrf_of(client, "/review")
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            body = {"batch": "batch-00001", "queue": "review", "items": items, "verdict": "none"}
            sent = client.post("/review/decide", json=body, headers={"X-CSRF-Token": csrf, **headers})
            assert sent.status_code == 403
        assert decide(client, "wrong", items=items).status_code == 403
    with opened_reviewing(folder) as reviewing:
        assert reviewing.log.history() == []


def test_hostile_titles_are_shown_as_they_are(filled: Filled) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, HOSTILE)
    with desk_on(filled.folder) as client:
        html = client.get("/review").text
        assert "<script>document" not in html
        assert "<img src=x" not in html
        assert "{{ 7 * 7 }}" in html.replace("&#39;", "'")


def test_the_audit_shows_nothing_of_the_answer(folder: Path) -> None:
    with desk_on(folder) as client:
        html = client.get("/audit").text
        items, choices = read(html)
        assert len(items) == 1
        assert choices == []
        assert "probability" not in html
        csrf = csrf_of(client, "/audit")
        answer = decide(client, csrf, items=items, queue="audit", verdict="unsure")
        assert answer.status_code == 200
        assert "1 of 4 drawn products are decided" in client.get("/audit/progress").text


def test_roles_see_what_is_theirs(folder: Path) -> None:
    with people_of(folder) as people:
        for name, role in (("rita", "reader"), ("anna", "reviewer"), ("carol", "admin")):
            people.add(name, role, "long enough", today())
    expected = {
        "rita": {"/review": 403, "/audit": 403, "/review/people": 403, "/review/export": 403},
        "anna": {"/review": 200, "/audit": 200, "/review/conflicts": 403, "/review/people": 403},
        "carol": {"/review": 200, "/review/conflicts": 200, "/review/people": 200},
    }
    for name, pages in expected.items():
        with desk_on(folder) as client:
            sign_in(client, name, "long enough")
            assert {page: client.get(page).status_code for page in pages} == pages
            group = client.get("/review/group?queue=conflict")
            assert group.status_code == (200 if name == "carol" else 403)


def test_two_people_a_conflict_and_an_admin(filled: Filled) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, ["苹果 手机 壳"], Draw(share=0, two=1))
    with people_of(filled.folder) as people:
        for name, role in (("anna", "reviewer"), ("ben", "reviewer"), ("carol", "admin")):
            people.add(name, role, "long enough", today())
    for name, place in (("anna", 0), ("ben", 1)):
        with desk_on(filled.folder) as client:
            sign_in(client, name, "long enough")
            html = client.get("/review").text
            assert "anna</strong>" not in html  # the second reviewer sees nothing of the first
            items, choices = read(html)
            csrf = csrf_of(client, "/review")
            decide(
                client, csrf, items=items, verdict="category", category=choices[place], batch=f"batch-{name}"
            )
    with desk_on(filled.folder) as client:
        sign_in(client, "carol", "long enough")
        html = client.get("/review/conflicts").text
        assert "<strong>anna</strong>" in html
        assert "<strong>ben</strong>" in html
        items, choices = read(html)
        csrf = csrf_of(client, "/review")
        decide(client, csrf, items=items, queue="conflict", verdict="category", category=choices[0])
        exported = client.get("/review/export?kind=tsv")
        assert exported.text.splitlines()[1].split("\t")[6] == "carol"
        people_page = client.get("/review/people?who=carol").text
        assert "anna, ben" in people_page


def test_an_empty_desk_says_how_products_come_to_it(filled: Filled) -> None:
    with desk_on(filled.folder) as client:
        for page in ("/review", "/audit"):
            assert "mep3m desk take" in client.get(page).text
        assert client.get("/review/export").status_code == 422
        assert client.get("/review/export?kind=exe").status_code == 422
        assert client.get("/review/picture/1").status_code == 404


def test_categories_are_found_as_they_are_typed(folder: Path) -> None:
    with desk_on(folder) as client:
        assert client.get("/review/categories", params={"q": "手机壳"}).json()[0]["shown"] == "数码 > 手机壳"
        assert [
            one["shown"] for one in client.get("/review/categories", params={"q": "数码 手机"}).json()
        ] == [
            "数码 > 手机",
            "数码 > 手机壳",
        ]
        assert client.get("/review/categories", params={"q": "%_'\" DROP"}).json() == []


def test_chinese_readers_get_chinese(folder: Path) -> None:
    with desk_on(folder) as client:
        client.headers["accept-language"] = "zh-CN"
        assert "都不是" in client.get("/review").text
        assert "抽检" in client.get("/audit").text
