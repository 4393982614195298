"""What people do without meaning to: twice, in two tabs, backwards, on nothing, and beside the desk."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mep3m.alignment.review.decisions import read_review
from mep3m.desk.accounts.registry import opened as people_of
from mep3m.taxonomy import Category, Taxonomy
from tests.alignment.shops import proposals
from tests.desk.endpoints.test_align import SECRET, decide, form, shown, verdicts
from tests.desk.index.drawn import stored, titled
from tests.desk.opened import csrf_of, desk_on, sign_in

REVIEW = "review.sssom.tsv"


@pytest.fixture
def folder(small_run: Path, tmp_path: Path) -> Path:
    made = Path(shutil.copytree(small_run, tmp_path / "folder"))
    proposals(made / REVIEW)
    return made


@pytest.fixture
def desk(folder: Path) -> Iterator[TestClient]:
    with desk_on(folder) as opened:
        yield opened


def test_a_decision_that_is_sent_twice_leads_on_twice(desk: TestClient, folder: Path) -> None:
    said = {**form(shown(desk)), "decision": "narrower", "name_zh": "新的"}
    first, second = (desk.post("/align/decide", data=said) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    assert shown(desk, "/align/history").count("→") == 1


def test_many_clicks_at_once_decide_once(desk: TestClient) -> None:
    said = {**form(shown(desk)), "decision": "accept"}
    answers: list[int] = []
    clicks = [
        threading.Thread(target=lambda: answers.append(desk.post("/align/decide", data=said).status_code))
        for _ in range(8)
    ]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert set(answers) == {303}
    assert shown(desk, "/align/history").count("→") == 1


def test_another_decision_in_another_tab_is_told(desk: TestClient) -> None:
    left = right = form(shown(desk))
    desk.post("/align/decide", data={**left, "decision": "accept"})
    told = desk.post("/align/decide", data={**right, "decision": "reject"})
    assert told.status_code == 409
    assert "was changed meanwhile: it is now accept by me" in told.text
    again = desk.post("/align/decide", data={**form(told.text), "decision": "reject"})
    assert again.status_code == 303


def test_accepting_what_another_tab_made_narrower_is_told(desk: TestClient) -> None:
    said = form(shown(desk))
    desk.post("/align/decide", data={**said, "decision": "narrower", "name_zh": "新的"})
    for other in (
        {"decision": "accept"},
        {"decision": "narrower"},
        {"decision": "narrower", "name_zh": "别的"},
    ):
        assert desk.post("/align/decide", data={**said, **other}).status_code == 409
    again = {"decision": "narrower", "name_zh": "新的"}
    assert desk.post("/align/decide", data={**said, **again}).status_code == 303


def test_the_same_decision_of_two_people_is_told_to_the_second(folder: Path) -> None:
    with people_of(folder) as people:
        for name in ("anna", "ben"):
            people.add(name, "reviewer", SECRET, "2026-01-01")
    with desk_on(folder) as desk:
        sign_in(desk, "anna", SECRET)
        said = {**form(shown(desk)), "decision": "accept"}
        sign_in(desk, "ben", SECRET)
        page = form(shown(desk))
        mine = {**page, "decision": "accept"}
        sign_in(desk, "anna", SECRET)
        desk.post("/align/decide", data={**said, "csrf": csrf_of(desk, "/align/all")})
        sign_in(desk, "ben", SECRET)
        told = desk.post("/align/decide", data={**mine, "csrf": csrf_of(desk, "/align/all")})
        assert told.status_code == 409


def test_back_after_a_decision_shows_it_and_lets_it_be_changed(desk: TestClient) -> None:
    page = shown(desk, "/align?at=0")
    decide(desk, page, "accept")
    back = shown(desk, "/align?at=0")
    assert "Said so far" in back
    assert decide(desk, back, "reject")
    assert "rejected" in shown(desk, "/align?at=0")


@pytest.mark.parametrize("left", ["", "no table at all\n", "subject_id\tobject_id\n\x00\t\xff\n"])
def test_a_review_that_is_broken_beside_the_desk_is_told_and_comes_back(folder: Path, left: str) -> None:
    with desk_on(folder) as desk:
        page = shown(desk)
        whole = (folder / REVIEW).read_text(encoding="utf-8")
        (folder / REVIEW).write_text(left, encoding="latin-1")
        told = desk.post("/align/decide", data={**form(page), "decision": "accept"})
        assert told.status_code in (303, 422, 503)
        assert shown(desk, "/align/all")
        assert shown(desk, "/align/history")
        (folder / REVIEW).write_text(whole, encoding="utf-8")
        if told.status_code != 303:
            assert desk.post("/align/decide", data={**form(page), "decision": "accept"}).status_code == 303
    assert "accept" in verdicts(folder)


def test_what_is_edited_beside_the_desk_is_taken_in(folder: Path) -> None:
    with desk_on(folder) as desk:
        shown(desk)
        sheet = read_review(folder / REVIEW)[0]
        sheet.rows[-1]["mep3m_decision"] = "reject"
        sheet.write(folder / REVIEW)
        decide(desk, shown(desk, "/align?at=0"), "accept")
    assert {"accept", "reject"} <= set(verdicts(folder))


def test_a_review_that_goes_while_the_desk_is_open_is_written_again(folder: Path) -> None:
    with desk_on(folder) as desk:
        page = shown(desk)
        (folder / REVIEW).unlink()
        told = desk.post("/align/decide", data={**form(page), "decision": "accept"})
        assert told.status_code in (303, 422, 503)
        assert desk.get("/align/all").status_code == 200
        assert desk.get("/").status_code == 200


PAGES = [
    "/", "/explore", "/explore/figures", "/explore/refused", "/explore/found", "/explore/product/1", "/align",
    "/align/all", "/align/apply", "/align/history", "/review", "/review/people", "/review/conflicts",
    "/audit", "/audit/progress", "/try", "/watch",
]  # fmt: skip


def test_no_products_are_no_reason_to_fail(tmp_path: Path) -> None:
    stored(tmp_path / "store", [], Taxonomy(()))
    with desk_on(tmp_path / "store") as desk:
        for address in PAGES:
            told = desk.get(address)
            assert told.status_code in (200, 404, 422), (address, told.status_code)
        assert "No product is like this" in desk.get("/explore").text


STRANGE = ["وسائد قطنية \u202e ناعمة", "🍎👨‍👩‍👧‍👦🏳️‍🌈", "x" * 3000, "\u202e\u2066长" * 400, "a\u0301" * 900]


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_names_and_titles_are_shown_and_found(tmp_path: Path, strange: str) -> None:
    tree = Taxonomy((Category("c", strange, strange),))
    stored(tmp_path / "store", titled(strange, "茶"), tree)
    with desk_on(tmp_path / "store") as desk:
        assert desk.get("/explore").text.count("<article") == 2
        for address in PAGES:
            assert desk.get(address).status_code in (200, 404, 422), address
