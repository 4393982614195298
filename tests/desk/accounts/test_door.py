"""The door: who is let in, from where, and which forms count."""

import re
from pathlib import Path

import pytest

from mep3m.desk.accounts.registry import opened as accounts
from mep3m.service.keys import add_key
from tests.desk.opened import csrf_of, desk_on, sign_in

SECRET = "correct horse"


@pytest.fixture
def folder(small_run: Path, tmp_path: Path) -> Path:
    """A folder with the run and a desk of its own."""
    (tmp_path / "desk-of-a-test").mkdir()
    (tmp_path / "desk-of-a-test" / "model").symlink_to(small_run)
    return tmp_path / "desk-of-a-test"


@pytest.fixture
def shared(folder: Path) -> Path:
    """The same, with people."""
    with accounts(folder) as people:
        people.add("anna", "reviewer", SECRET, "2026-01-01")
        people.add("rob", "reader", SECRET, "2026-01-01")
        people.add("eve", "admin", SECRET, "2026-01-01")
    return folder


def test_who_sits_at_the_machine_is_let_in(folder: Path) -> None:
    with desk_on(folder, person="wang") as desk:
        page = desk.get("/")
        assert page.status_code == 200
        assert "wang" in page.text
        assert "Sign out" not in page.text


@pytest.mark.parametrize("host", ["desk.example", "127.0.0.1.example", "10.0.0.1"])
def test_a_name_that_was_made_to_point_here_is_not_answered(folder: Path, host: str) -> None:
    with desk_on(folder) as desk:
        answer = desk.get("/", headers={"host": host})
        assert answer.status_code == 403
        assert "only 127.0.0.1, ::1, localhost are answered" in answer.text


def test_people_sign_in_and_come_back_to_where_they_were(shared: Path) -> None:
    with desk_on(shared) as desk:
        first = desk.get("/?q=tea")
        assert (first.status_code, first.headers["location"]) == (303, "/login?to=/%3Fq%3Dtea")
        answer = desk.post("/login", data={"name": "anna", "password": SECRET, "to": "/?q=tea"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/?q=tea")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert desk.get("/").status_code == 200


@pytest.mark.parametrize(
    "to", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "x"]
)
def test_signing_in_leads_nowhere_else(shared: Path, to: str) -> None:
    with desk_on(shared) as desk:
        answer = desk.post("/login", data={"name": "anna", "password": SECRET, "to": to})
        assert answer.headers["location"] == "/"


def test_a_wrong_password_is_said_and_too_many_wait(shared: Path) -> None:
    with desk_on(shared) as desk:
        for _ in range(5):
            answer = desk.post("/login", data={"name": "anna", "password": "a wrong one"})
            assert answer.status_code == 401
            assert "do not go together" in answer.text
        answer = desk.post("/login", data={"name": "anna", "password": SECRET})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")


def test_who_signed_out_is_out(shared: Path) -> None:
    with desk_on(shared) as desk:
        sign_in(desk, "anna", SECRET)
        cookie = dict(desk.cookies)
        desk.post("/logout", data={"csrf": csrf_of(desk, "/")})
        desk.cookies.update(cookie)  # a browser, or a thief, that kept it
        assert desk.get("/").headers["location"].startswith("/login")
        assert desk.get("/", headers={"accept": "application/json"}).status_code == 401


def test_who_was_removed_is_out_at_once(shared: Path) -> None:
    with desk_on(shared) as desk:
        sign_in(desk, "anna", SECRET)
        with accounts(shared) as people:
            people.remove("anna")
        assert desk.get("/").status_code == 303


@pytest.mark.parametrize("said", [None, "", "made-up", "é"])
def test_a_form_without_the_token_of_its_page_does_nothing(shared: Path, said: str | None) -> None:
    with desk_on(shared) as desk:
        sign_in(desk, "anna", SECRET)
        answer = desk.post("/logout", data={} if said is None else {"csrf": said})
        assert answer.status_code == 403
        assert desk.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": "https://elsewhere.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_a_form_of_another_origin_does_nothing(shared: Path, headers: dict[str, str]) -> None:
    with desk_on(shared) as desk:
        sign_in(desk, "anna", SECRET)
        token = csrf_of(desk, "/")
        answer = desk.post("/logout", data={"csrf": token}, headers=headers)
        assert answer.status_code == 403
        assert "another origin" in answer.text
        assert (
            desk.post("/login", data={"name": "anna", "password": SECRET}, headers=headers).status_code == 403
        )
        assert desk.get("/").status_code == 200


def test_the_token_of_somebody_else_does_nothing(shared: Path) -> None:
    with desk_on(shared) as desk:
        sign_in(desk, "eve", SECRET)
        of_eve = csrf_of(desk, "/")
        desk.cookies.clear()
        sign_in(desk, "anna", SECRET)
        assert desk.post("/logout", data={"csrf": of_eve}).status_code == 403


def test_a_program_comes_in_by_its_key(folder: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    secret = add_key(keys, "loader", ["review"])
    with desk_on(folder, keys=keys) as desk:
        assert desk.get("/", headers={"x-api-key": secret}).status_code == 200
        assert desk.get("/", headers={"x-api-key": "wrong"}).status_code == 401
        assert desk.get("/").headers["location"].startswith("/login")


def test_the_bar_shows_what_a_person_may_see(shared: Path) -> None:
    with desk_on(shared) as desk:
        sign_in(desk, "rob", SECRET)
        bar = re.findall(r'<a href="(/\w+)"', desk.get("/").text)
        assert "/explore" in bar
        assert "/review" not in bar
