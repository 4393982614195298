"""The two ways through the door of a desk: what each looks at, for whoever comes (decision 296)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from mep3m.desk.accounts.registry import opened as accounts
from mep3m.service.keys import Scope, add_key
from tests.desk.opened import csrf_of, desk_on, sign_in

SECRET = "correct horse"
QUESTION = {"products": [{"title": "红富士苹果"}]}
ELSEWHERE = {"origin": "https://elsewhere.example"}
#: the page of the desk and the endpoint of the service that answer the same
PAGE, PROGRAM = "/try", "/assign"


@pytest.fixture
def folder(small_run: Path, tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "model").symlink_to(small_run)
    return tmp_path / "shop"


@pytest.fixture(params=["whoever sits here", "who signed in"])
def desk(folder: Path, request: pytest.FixtureRequest) -> Iterator[TestClient]:
    if request.param == "who signed in":
        with accounts(folder) as people:
            people.add("rob", "reader", SECRET, "2026-01-01")
    with desk_on(folder) as client:
        if request.param == "who signed in":
            sign_in(client, "rob", SECRET)
        yield client


def asked(desk: TestClient, path: str, **headers: str) -> int:
    sent: dict[str, Any] = {"data": {"title": "苹果"}} if path == PAGE else {"json": QUESTION}
    return desk.post(path, headers=headers, **sent).status_code


def test_a_page_wants_its_token_and_a_program_none(desk: TestClient) -> None:
    token = csrf_of(desk, PAGE)
    assert [asked(desk, path) for path in (PAGE, PROGRAM)] == [403, 200]
    assert [asked(desk, path, **{"x-csrf-token": token}) for path in (PAGE, PROGRAM)] == [200, 200]
    assert [asked(desk, path, **{"x-csrf-token": token[:-1]}) for path in (PAGE, PROGRAM)] == [403, 200]


@pytest.mark.parametrize(
    "headers",
    [ELSEWHERE, {"origin": "null"}, {"origin": "http://127.0.0.1:81"}, {"sec-fetch-site": "same-site"},
     {"sec-fetch-site": "cross-site"}, {"origin": "http://127.0.0.1.elsewhere.example"}],
)  # fmt: skip
def test_neither_is_answered_to_a_page_of_elsewhere(desk: TestClient, headers: dict[str, str]) -> None:
    token = csrf_of(desk, PAGE)
    for path in (PAGE, PROGRAM):
        assert asked(desk, path, **{"x-csrf-token": token, **headers}) == 403


def test_what_is_only_read_needs_neither_token_nor_origin(desk: TestClient) -> None:
    for path in (PAGE, "/card", "/watch"):
        assert desk.get(path, headers=ELSEWHERE).status_code == 200  # a link of elsewhere leads here


@pytest.mark.parametrize(
    "host", ["desk.example", "127.0.0.1.desk.example", "localhost.desk.example", "0.0.0.0"]
)
def test_where_nobody_signs_in_only_this_machine_s_names_are_answered(folder: Path, host: str) -> None:
    with desk_on(folder) as desk:
        token = csrf_of(desk, PAGE)
        for path in (PAGE, PROGRAM):
            assert asked(desk, path, **{"host": host, "x-csrf-token": token}) == 403
            assert desk.get("/watch", headers={"host": host}).status_code == 403


@pytest.mark.parametrize(
    ("scope", "pages"),
    [("assign", {"/watch": 200, "/review": 403, "/watch/undo": 403}),
     ("review", {"/watch": 200, "/review": 200, "/watch/undo": 403}),
     ("admin", {"/watch": 200, "/review": 200, "/watch/undo": 422})],
)  # fmt: skip
def test_the_scope_of_a_key_is_its_role_at_the_pages(
    folder: Path, tmp_path: Path, scope: Scope, pages: dict[str, int]
) -> None:
    keys = tmp_path / "keys.json"
    secret = {"x-api-key": add_key(keys, "shop", [scope])}
    with desk_on(folder, keys=keys) as desk:
        assert {path: desk.get(path, headers=secret).status_code for path in pages} == pages
        assert asked(desk, PAGE, **secret, **ELSEWHERE) == 200  # no browser sends a key by itself


def test_the_quota_of_a_key_counts_at_the_service_and_not_at_the_pages(folder: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    secret = {"x-api-key": add_key(keys, "shop", ["assign"], per_minute=2)}
    with desk_on(folder, keys=keys) as desk:
        assert {asked(desk, PAGE, **secret) for _ in range(6)} == {200}
        assert 429 in [asked(desk, PROGRAM, **secret) for _ in range(4)]
        assert asked(desk, PAGE, **secret) == 200


def test_keys_that_cannot_be_read_are_said_whatever_their_file_is_called(
    folder: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys\udcff.json"
    secret = {"x-api-key": add_key(keys, "shop", ["assign"])}
    with desk_on(folder, keys=keys) as desk:
        assert desk.get("/watch", headers=secret).status_code == 200
        keys.write_text("{")
        for accept in ("text/html", "application/json"):
            told = desk.get("/watch", headers={**secret, "accept": accept})
            assert told.status_code == 503
            assert "no key can be checked" in told.text
