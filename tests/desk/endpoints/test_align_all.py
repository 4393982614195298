"""Many links at once: what a filter finds, the file out and in, and what applies all of it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mep3m.alignment.review.decisions import read_review
from mep3m.store import Store
from tests.desk.endpoints.test_align import decide, folder, form, shown, verdicts  # noqa: F401
from tests.desk.opened import csrf_of, desk_on


@pytest.fixture
def desk(folder: Path) -> Iterator[TestClient]:  # noqa: F811
    with desk_on(folder) as opened:
        yield opened


def shown_as(page: str) -> dict[str, str]:
    """Return what the form for all links says back."""
    parts = page.split('action="/align/all')[-1].split("</form>")[0]
    fields = ("csrf", "count", "revision")
    return {name: parts.split(f'name="{name}" value="')[1].split('"')[0] for name in fields}


def test_all_that_match_are_one_batch(desk: TestClient) -> None:
    page = shown(desk, "/align/all?name=手机")
    assert "3 links match" in page
    answer = desk.post("/align/all?name=手机", data={**shown_as(page), "decision": "reject"})
    assert answer.status_code == 303
    assert "3 links were decided as one batch" in shown(desk, answer.headers["location"])
    assert "3 rejected" in shown(desk, "/align/all?shown=all")
    desk.post("/align/undo", data={"csrf": csrf_of(desk, "/align/all")})
    assert "0 rejected" in shown(desk, "/align/all?shown=all")


def test_other_links_than_those_shown_are_left_alone(desk: TestClient) -> None:
    page = shown(desk, "/align/all")
    said = {**shown_as(page), "decision": "accept"}
    decide(desk, shown(desk), "reject")
    answer = desk.post("/align/all", data=said)
    assert answer.status_code == 409
    assert "not those that were shown: 5 before, 4 now; look again" in answer.text
    seen = shown(desk, "/align/all?shown=all")
    decide(desk, shown(desk), "reject")
    changed = desk.post("/align/all?shown=all", data={**shown_as(seen), "decision": "accept"})
    assert changed.status_code == 409
    assert "was changed meanwhile" in changed.text
    assert "0 accepted, 2 rejected" in shown(desk, "/align/all")


def test_the_file_goes_out_and_a_copy_comes_in(desk: TestClient, folder: Path) -> None:  # noqa: F811
    decide(desk, shown(desk), "accept")
    sent = desk.get("/align/export")
    assert sent.content == (folder / "review.sssom.tsv").read_bytes()
    assert "accept" in verdicts(folder)
    decided = desk.get("/align/export?decided=1")
    assert "skos:exactMatch" in decided.text
    sheet = read_review(folder / "review.sssom.tsv")[0]
    for row in sheet.rows:
        row["mep3m_decision"] = row["mep3m_decision"] or "reject"
    sheet.write(folder / "copy.tsv")
    data = {"csrf": csrf_of(desk, "/align/all")}
    with (folder / "copy.tsv").open("rb") as file:
        answer = desk.post("/align/import", data=data, files={"file": ("for_wang.tsv", file)})
    assert "4 decisions were taken from the file" in shown(desk, answer.headers["location"])
    assert "1 accepted, 4 rejected" in shown(desk, "/align/all")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"nothing", "x.tsv: no column"),
        (b"PK\x03\x04", "x.tsv is a workbook"),
        (b"", "x.tsv has no header line"),
        (
            b"subject_id\tpredicate_id\tobject_id\tmep3m_decision\na\tskos:exactMatch\tb\taccept\n",
            "no such row",
        ),
    ],
)
def test_a_file_that_is_no_copy_changes_nothing(desk: TestClient, content: bytes, said: str) -> None:
    data = {"csrf": csrf_of(desk, "/align/all")}
    answer = desk.post("/align/import", data=data, files={"file": ("x.tsv", content)})
    assert answer.status_code == 422
    assert said in answer.text
    assert "/tmp" not in answer.text
    assert "Nothing was decided yet" in shown(desk, "/align/history")


@pytest.mark.parametrize("number", ["²", "9" * 5_000, "-1", "1.5", "<b>7</b>", ""])
@pytest.mark.parametrize("name", ["decided", "taken"])
def test_what_an_address_says_was_done_is_a_number_or_nothing(
    desk: TestClient, name: str, number: str
) -> None:
    answer = desk.get("/align/all", params={name: number})
    assert answer.status_code == 200
    assert "good box" not in answer.text


def test_a_set_of_nothing_is_told(desk: TestClient) -> None:
    answer = desk.get("/align/export?decided=1")
    assert answer.status_code == 422
    assert "nothing is decided yet" in answer.text


def test_decisions_are_looked_at_and_applied_from_the_page(build: Path) -> None:
    with desk_on(build, project=build / "shops" / "mep3m.toml") as desk:
        decide(desk, shown(desk), "accept")
        token = {"csrf": csrf_of(desk, "/align/apply")}
        assert "See what would happen" in shown(desk, "/align/apply")
        assert desk.post("/align/check", data=token).status_code == 303
        page = waited(desk)
        assert "labels change on" in page
        assert "Joined categories" in page
        revision = page.split('name="revision" value="')[1].split('"')[0]
        assert desk.post("/align/apply", data={**token, "revision": revision}).status_code == 303
        assert "The dataset with these labels lies at" in waited(desk)
        assert Store.open(build / "desk" / "applied").rows
        assert desk.post("/align/apply", data={**token, "revision": "99"}).status_code == 422


def waited(desk: TestClient) -> str:
    until = time.monotonic() + 120
    while "data-waits" in (page := shown(desk, "/align/apply")):
        assert time.monotonic() < until
        time.sleep(0.05)
    return page
