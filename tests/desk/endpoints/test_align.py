"""The page for links: one after the other, several people, and what is no review."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mep3m.alignment.records import Proposal
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.sssom import write_sssom
from mep3m.alignment.sheet import Sheet
from mep3m.desk.accounts.registry import opened as people_of
from tests.alignment.shops import proposals
from tests.desk.opened import csrf_of, desk_on, sign_in

SECRET = "long enough"
HOSTILE = [
    "<script>window.hacked = 1</script>", "\"><img src=x onerror='window.hacked=1'>", "{{ 7 * 7 }}",
    "\u202eملابس الأطفال\u202c", "长" * 500, "=HYPERLINK(\"x\")", "a' OR 1=1 --",
]  # fmt: skip


@pytest.fixture
def folder(small_run: Path, tmp_path: Path) -> Path:
    """A run with a review beside it: the smallest folder that has links."""
    made = Path(shutil.copytree(small_run, tmp_path / "folder"))
    proposals(made / "review.sssom.tsv")
    return made


@pytest.fixture
def desk(folder: Path) -> Iterator[TestClient]:
    with desk_on(folder) as opened:
        yield opened


def shown(desk: TestClient, address: str = "/align") -> str:
    answer = desk.get(address, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def form(page: str) -> dict[str, str]:
    """Return the hidden fields of the form for decisions."""
    hidden = page.split('id="decide"')[1].split('<div class="row">')[0]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', hidden))


def decide(desk: TestClient, page: str, decision: str, query: str = "", **more: str) -> str:
    """Decide the link of a page, and return the next page."""
    answer = desk.post(f"/align/decide{query}", data={**form(page), "decision": decision, **more})
    assert answer.status_code == 303, answer.text
    return shown(desk, answer.headers["location"])


def verdicts(folder: Path) -> list[str]:
    return [row.verdict for row in read_review(folder / "review.sssom.tsv")[1]]


def test_a_link_is_shown_with_all_that_a_decision_needs(desk: TestClient) -> None:
    page = shown(desk, "/align?at=0")
    for text in (
        "平板电视",
        "is the same as",
        "probability 0.90",
        "the method accepts it",
        "names alike",
        "5 left",
    ):
        assert text in page
    assert "Line 8 of the review" in page


def test_decisions_lead_through_all_links_and_end_in_the_file(folder: Path) -> None:
    with desk_on(folder) as desk:
        page = shown(desk)
        for word in ("accept", "reject", "unsure", "narrower", "broader"):
            page = decide(desk, page, word)
        assert "You have seen them all; 1 still wait" in page  # the unsure one
        assert verdicts(folder) == ["open"] * 5
    _, decisions = read_review(folder / "review.sssom.tsv")
    assert sorted(row.verdict for row in decisions) == ["accept", "accept", "accept", "reject", "unsure"]
    assert {row.reviewer for row in decisions} == {"me"}
    assert sorted(row.relation for row in decisions) == ["broader", "exact", "exact", "exact", "narrower"]


def test_a_name_is_kept(folder: Path) -> None:
    with desk_on(folder) as desk:
        decide(desk, shown(desk), "accept", name_zh="电视机", name_en="TV sets")
    named = [row for row in read_review(folder / "review.sssom.tsv")[1] if row.name_zh]
    assert [(row.name_zh, row.name_en) for row in named] == [("电视机", "TV sets")]


def test_undo_and_redo_show_the_link_again(desk: TestClient) -> None:
    decide(desk, shown(desk), "reject")
    token = {"csrf": csrf_of(desk, "/align/history")}
    undone = desk.post("/align/undo", data=token)
    assert "Said so far" not in shown(desk, undone.headers["location"])
    redone = desk.post("/align/redo", data=token)
    assert "rejected" in shown(desk, redone.headers["location"])
    assert desk.post("/align/redo", data=token).status_code == 422
    page = shown(desk, redone.headers["location"])
    assert "Said so far" not in decide(desk, page, "open")


def test_blind_pages_hide_what_the_method_says(desk: TestClient) -> None:
    for address in ("/align?blind=1", "/align/all?blind=1"):
        page = shown(desk, address)
        for text in (
            "probability 0",
            "the method accepts",
            "the method leaves",
            "names alike",
            "0.90",
            "0.99",
        ):
            assert text not in page
    said = {**form(shown(desk, "/align?blind=1")), "decision": "accept"}
    assert "blind=1" in desk.post("/align/decide?blind=1", data=said).headers["location"]


def test_the_second_who_decides_a_link_is_told(folder: Path) -> None:
    with people_of(folder) as people:
        for name in ("anna", "wang"):
            people.add(name, "reviewer", SECRET, "2026-11-30")
    with desk_on(folder) as desk, desk_on(folder) as other:
        sign_in(desk, "anna", SECRET)
        sign_in(other, "wang", SECRET)
        both = shown(desk), shown(other)
        decide(desk, both[0], "accept")
        answer = other.post("/align/decide", data={**form(both[1]), "decision": "reject"})
        assert answer.status_code == 409
        assert "it is now accept by anna; look at it and decide again" in answer.text
        decide(other, answer.text, "reject")  # who has seen it may decide otherwise
        undone = desk.post("/align/undo", data={"csrf": csrf_of(desk, "/align/history")})
        assert undone.status_code == 422
        assert "it is now reject by wang" in undone.text


def test_roles(folder: Path) -> None:
    with people_of(folder) as people:
        for name, role in (("eve", "reader"), ("anna", "reviewer"), ("boss", "admin")):
            people.add(name, role, SECRET, "2026-11-30")
    with desk_on(folder) as desk:
        assert desk.get("/align").headers["location"].startswith("/login")
        sign_in(desk, "eve", SECRET)
        assert desk.get("/align").status_code == 403
        desk.cookies.clear()
        sign_in(desk, "boss", SECRET)
        decide(desk, shown(desk), "accept")
        assert "boss" in shown(desk, "/align/history")
        desk.cookies.clear()
        sign_in(desk, "anna", SECRET)
        assert "Nothing was decided yet" in shown(desk, "/align/history")
        token = csrf_of(desk, "/align/apply")
        assert desk.post("/align/apply", data={"csrf": token, "revision": "0"}).status_code == 403


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/align?at=99", 422, "not in the review any more"),
        ("/align?line=1", 422, "no link begins at line 1"),
        ("/align?at=x", 422, ""),
        ("/align?least=2", 422, "a probability is from 0 to 1"),
        ("/align?shown=what", 422, "is none of waiting"),
        ("/align?at=99999999999999999999", 422, ""),
        ("/align/history?before=-1", 422, ""),
    ],
)
def test_addresses_that_lead_nowhere(desk: TestClient, address: str, status: int, said: str) -> None:
    answer = desk.get(address)
    assert answer.status_code == status
    assert said in answer.text


@pytest.mark.parametrize(
    "data", [{}, {"decision": "maybe"}, {"at": "99"}, {"revision": "x"}, {"name_zh": "a" * 501}]
)
def test_forms_that_nobody_sends(desk: TestClient, data: dict[str, str]) -> None:
    whole = {**form(shown(desk)), **({"decision": "accept"} if data else {}), **data}
    assert desk.post("/align/decide", data=whole).status_code == 422
    assert "Nothing was decided" in shown(desk, "/align/history")


def test_hostile_names_are_text(small_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_run, tmp_path / "folder"))
    rows = [
        Proposal(name, name, "exact", 0.9, True, {}, name, name, name, name[:20], "b") for name in HOSTILE
    ]
    write_sssom(folder / "review.sssom.tsv", rows)
    with desk_on(folder) as desk:
        page = shown(desk)
        for _ in HOSTILE:
            assert "<script>window" not in page
            assert "<img src=x" not in page
            assert "49" not in re.findall(r"<h2>.*?</h2>", page)[0]
            page = decide(desk, page, "accept", name_zh=HOSTILE[0])
        for address in ("/align/all?shown=all", "/align/history", "/align?name=%3Cscript%3E"):
            assert "<script>window" not in shown(desk, address)


def test_no_review_an_empty_one_and_a_damaged_one(small_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_run, tmp_path / "folder"))
    path = folder / "review.sssom.tsv"
    with desk_on(folder) as desk:
        assert "No links between categories lie here" in shown(desk)
    sheet = read_review(proposals(path))[0]
    Sheet(sheet.comments, sheet.columns, []).write(path)
    with desk_on(folder) as desk:
        assert "The review holds no links" in shown(desk)
        assert "0 links match" in shown(desk, "/align/all")
    shutil.rmtree(folder / "desk")
    proposals(path).write_text("nothing", encoding="utf-8")
    with desk_on(folder) as desk:
        assert desk.get("/").status_code == 200  # only its own page says so
        answer = desk.get("/align")
        assert answer.status_code == 422
        assert "no column &#39;subject_id&#39;" in answer.text


def test_a_review_where_all_is_decided_or_unsure(folder: Path) -> None:
    path = folder / "review.sssom.tsv"
    sheet = read_review(path)[0]
    for row in sheet.rows:
        row["mep3m_decision"] = "unsure"
    sheet.write(path)
    with desk_on(folder) as desk:
        page = shown(desk)
        assert "unsure" in page
        for _ in range(5):
            page = decide(desk, page, "reject")
        assert "Nothing is left to decide here" in page


def test_the_history_tells_relation_and_new_name(desk: TestClient) -> None:
    page = shown(desk)
    for word, name in (("narrower", ""), ("broader", "大家电"), ("exact", "")):
        page = decide(desk, page, word, name_zh=name)
    decide(desk, page, "reject")
    told = re.sub(r"<[^>]+>|\s+", " ", shown(desk, "/align/history"))
    told = " ".join(told.split())
    assert "open → accepted: left within right" in told
    assert "open → accepted: left contains right, named 大家电" in told
    assert "open → accepted: the same" in told
    assert "open → rejected" in told
    chinese = desk.get("/align/history", headers={"accept-language": "zh"}).text
    assert "左侧包含右侧" in chinese
    assert "命名为" in chinese


def test_a_reviewer_is_not_told_where_the_desk_lies(folder: Path) -> None:
    with people_of(folder) as people:
        people.add("anna", "reviewer", SECRET, "2026-01-01")
        people.add("eve", "admin", SECRET, "2026-01-01")
    with desk_on(folder) as desk:
        for name, told in (("anna", False), ("eve", True)):
            sign_in(desk, name, SECRET)
            said = desk.post("/align/undo", data={"csrf": csrf_of(desk, "/align/all")})
            assert said.status_code == 422
            assert "folder/review.sssom.tsv: no decision is recorded that could be undone" in said.text
            assert (str(folder.parent) in said.text) is told
        sign_in(desk, "anna", SECRET)
        for address in ("/review", "/audit", "/watch", "/try", "/explore", "/align/apply", "/align/all"):
            assert str(folder.parent) not in desk.get(address).text
            script = desk.get(address, headers={"accept": "application/json"}).text
            assert str(folder.parent) not in script
