"""Watch: the promise, audits, files of answers; and undo, which is what the command does."""

from pathlib import Path

import pytest

from mep3m.assignment.watching.fallen import fallen_file
from mep3m.desk.accounts.registry import opened as accounts
from mep3m.recipes.filing.watch import Watch
from tests.cli.runner import ran
from tests.desk.folders import lose
from tests.desk.opened import csrf_of, desk_on, sign_in

SECRET = "correct horse"


def mark_of(page: str) -> str:
    return page.split('name="mark" value="')[1].split('"')[0]


def test_a_folder_without_a_promise_says_how_to_make_one(small_run: Path) -> None:
    with desk_on(small_run) as desk:
        page = desk.get("/watch")
        assert page.status_code == 200
        assert "mep3m guarantee" in page.text
        assert "mep3m assign" in page.text
        assert desk.get("/watch/undo").status_code == 422


def test_before_an_audit_it_says_what_to_do(filed_folder: Path) -> None:
    with desk_on(filed_folder) as desk:
        page = desk.get("/watch").text
        assert "at least 95 % is right" in page
        assert "mep3m watch draw" in page
        assert "filed.jsonl" in page
        assert desk.get("/watch/undo").status_code == 422


def test_the_page_says_what_the_command_says(filed_folder: Path) -> None:
    watch = lose(filed_folder)
    state = watch.state()
    with desk_on(filed_folder) as desk:
        page = desk.get("/watch").text
        assert "Suspended" in page
        for one in state["branches"]:
            for name in one["branch"]:
                assert name in page
            assert f"{100 * one['at_least']:.1f} %" in page
            assert f"{100 * one['at_most']:.1f} %" in page
        assert "1,000" in page  # products in the file


def test_looking_writes_nothing(filed_folder: Path) -> None:
    lose(filed_folder)
    fallen_file(filed_folder / "promise.json").unlink()
    with desk_on(filed_folder) as desk:
        before = sorted(filed_folder.rglob("*"))
        desk.get("/watch")
        desk.get("/watch/undo")
        assert [path for path in sorted(filed_folder.rglob("*")) if path not in before] == []


def test_undo_is_shown_first_and_writes_what_the_command_writes(filed_folder: Path) -> None:
    lose(filed_folder)
    told = ran(
        "watch", "undo", filed_folder / "promise.json", "--out", filed_folder / "by-command.csv", "--json"
    )
    count = told.json["filings"]
    with desk_on(filed_folder) as desk:
        assert desk.get("/watch/undo.csv").status_code == 404
        preview = desk.get("/watch/undo").text
        assert f"{count:,} filings lie below" in preview
        form = {"csrf": csrf_of(desk, "/watch"), "mark": mark_of(preview)}
        done = desk.post("/watch/undo", data=form)
        assert (done.status_code, done.headers["location"]) == (303, f"/watch?undone={count}")
        expected = (filed_folder / "by-command.csv").read_bytes()
        assert (filed_folder / "promise.json.undo.csv").read_bytes() == expected
        sent = desk.get("/watch/undo.csv")
        assert sent.content == expected
        assert sent.headers["content-type"].startswith("text/csv")
        assert "promise.json.undo.csv" in desk.get(done.headers["location"]).text


def test_what_has_changed_since_it_was_shown_is_not_undone(filed_folder: Path) -> None:
    lose(filed_folder)
    with desk_on(filed_folder) as desk:
        mark = mark_of(desk.get("/watch/undo").text)
        watch = lose_more(filed_folder)
        assert len(watch.log.fallen()) > 1
        done = desk.post("/watch/undo", data={"csrf": csrf_of(desk, "/watch"), "mark": mark})
        assert done.status_code == 409
        assert "look at it again" in done.text
        assert not (filed_folder / "promise.json.undo.csv").exists()


def lose_more(folder: Path) -> Watch:
    """Let another branch fall, as a colleague's record would."""
    watch = Watch.open(folder / "promise.json")
    watch.log.append("fallen", branch=["食品", "苹果"], after=1, errors=1)
    return watch


@pytest.mark.parametrize(("name", "status"), [("rob", 403), ("eve", 200), (None, 303)])
def test_undo_is_for_admins(filed_folder: Path, name: str | None, status: int) -> None:
    lose(filed_folder)
    with accounts(filed_folder) as people:
        people.add("rob", "reviewer", SECRET, "2026-01-01")
        people.add("eve", "admin", SECRET, "2026-01-01")
    with desk_on(filed_folder) as desk:
        if name is not None:
            sign_in(desk, name, SECRET)
            assert ("Look at what to undo" in desk.get("/watch").text) == (name == "eve")
        assert desk.get("/watch/undo").status_code == status
        if name == "rob":
            form = {"csrf": csrf_of(desk, "/watch"), "mark": "x"}
            assert desk.post("/watch/undo", data=form).status_code == 403


def test_a_form_of_elsewhere_undoes_nothing(filed_folder: Path) -> None:
    lose(filed_folder)
    with desk_on(filed_folder) as desk:
        mark = mark_of(desk.get("/watch/undo").text)
        assert desk.post("/watch/undo", data={"mark": mark}).status_code == 403
        form = {"csrf": csrf_of(desk, "/watch"), "mark": mark}
        assert desk.post("/watch/undo", data=form, headers={"origin": "https://x.example"}).status_code == 403
        assert not (filed_folder / "promise.json.undo.csv").exists()


@pytest.mark.parametrize("text", ["{}", '{"id": 1}', "no json"])
def test_files_that_hold_something_else_are_said_and_the_rest_is_shown(filed_folder: Path, text: str) -> None:
    (filed_folder / "filed-2.jsonl").write_text(text)
    with desk_on(filed_folder) as desk:
        page = desk.get("/watch")
        assert page.status_code == 200
        assert "filed-2.jsonl holds no answers" in page.text
        assert ">filed.jsonl<" in page.text


def test_a_file_that_was_drawn_from_and_is_gone_is_said(filed_folder: Path) -> None:
    lose(filed_folder)
    (filed_folder / "filed.jsonl").unlink()
    with desk_on(filed_folder) as desk:
        assert "filed.jsonl does not exist" in desk.get("/watch").text
        assert desk.get("/watch/undo").status_code == 422


def test_a_damaged_promise_is_said(filed_folder: Path) -> None:
    (filed_folder / "promise.json").write_text("{}")
    with desk_on(filed_folder) as desk:
        page = desk.get("/watch")
        assert page.status_code == 200
        assert "is no promise" in page.text


def test_the_stop_file_is_said(filed_folder: Path) -> None:
    with desk_on(filed_folder) as desk:
        assert "Filing is stopped" not in desk.get("/watch").text
        (filed_folder / "promise.json.stop").touch()
        assert "Filing is stopped" in desk.get("/watch").text


def test_titles_and_names_of_files_are_text(filed_folder: Path) -> None:
    script = "<script>alert(1)</script>"
    lines = (filed_folder / "filed.jsonl").read_text().replace('"title":"', f'"title":"{script}')
    (filed_folder / "filed.jsonl").write_text(lines)
    (filed_folder / "filed<img src=x>.jsonl").write_text(lines)
    lose(filed_folder)
    with desk_on(filed_folder) as desk:
        for page in ("/watch", "/watch/undo"):
            text = desk.get(page).text
            assert script not in text
            assert "<img" not in text


def test_what_this_server_answers_is_counted(filed_folder: Path) -> None:
    with desk_on(filed_folder) as desk:
        desk.post("/assign", json={"products": [{"title": f"耳机 {n}"} for n in range(37)]})
        row = desk.get("/watch").text.split("since it was started")[1]
        assert row.split("</td>")[1].endswith(">37")
