"""The service within a desk: the same answers, behind the desk's door."""

import time
from pathlib import Path

import pytest

from mep3m.service.keys import add_key
from tests.desk.accounts.test_door import SECRET, folder, shared
from tests.desk.opened import desk_on, sign_in

QUESTION = {"products": [{"title": "红富士苹果"}], "min_confidence": 0}


__all__ = ["folder", "shared"]  # the fixtures


@pytest.mark.parametrize("path", ["/ready", "/docs", "/openapi.json", "/metrics", "/health", "/card"])
def test_what_the_service_has_the_desk_has(folder: Path, path: str) -> None:
    with desk_on(folder) as desk:
        assert desk.get(path).status_code == 200


def test_a_program_at_this_machine_is_answered(folder: Path) -> None:
    with desk_on(folder) as desk:
        told = desk.post("/assign", json=QUESTION)
        assert told.json()[0]["names"] == ["食品", "苹果"]
        assert told.headers["x-mep3m-version"] == desk.get("/ready").json()["version"]


@pytest.mark.parametrize(
    "headers", [{"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_page_of_another_origin_is_not(folder: Path, headers: dict[str, str]) -> None:
    with desk_on(folder) as desk:
        assert desk.post("/assign", json=QUESTION, headers=headers).status_code == 403


def test_a_name_that_was_made_to_point_here_is_not(folder: Path) -> None:
    with desk_on(folder) as desk:
        assert desk.post("/assign", json=QUESTION, headers={"host": "desk.example"}).status_code == 403


def test_with_people_only_who_signed_in_is_answered_by_their_role(shared: Path) -> None:
    with desk_on(shared) as desk:
        json = {"accept": "application/json"}
        assert desk.post("/assign", json=QUESTION, headers=json).status_code == 401
        assert desk.get("/metrics", headers=json).status_code == 401
        assert desk.get("/ready").status_code == 200  # open to everybody, as in the service
        sign_in(desk, "rob", SECRET)
        assert desk.post("/assign", json=QUESTION).status_code == 200
        assert desk.get("/metrics").status_code == 403
        assert desk.get("/docs").status_code == 200
        sign_in(desk, "eve", SECRET)
        assert desk.get("/metrics").status_code == 200


def test_a_key_has_its_scope_and_its_minute(folder: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    secret = add_key(keys, "shop", ["assign"], per_minute=3)
    reviewer = add_key(keys, "two", ["review"])
    with desk_on(folder, keys=keys) as desk:
        ask = [desk.post("/assign", json=QUESTION, headers={"x-api-key": secret}) for _ in range(5)]
        assert {one.status_code for one in ask} == {200, 429}
        assert int(ask[-1].headers["retry-after"]) >= 1
        for wrong, status in ((reviewer, 403), ("mep3m_no", 401)):
            assert desk.post("/assign", json=QUESTION, headers={"x-api-key": wrong}).status_code == status
        assert desk.post("/assign", json=QUESTION).status_code == 401


def test_it_files_under_the_promise_that_lies_in_the_folder(filed_folder: Path) -> None:
    with desk_on(filed_folder) as desk:
        assert desk.post("/assign", json=QUESTION).status_code == 422  # the promise has its own threshold
        (told,) = desk.post("/assign", json={"products": [{"title": "耳机 3"}]}).json()
        assert told["decision"] == "filed"
        assert told["promise"] in desk.get("/watch").text


def test_a_promise_that_lies_elsewhere_is_named(filed_folder: Path, tmp_path: Path) -> None:
    moved = (filed_folder / "promise.json").rename(tmp_path / "p.json")
    with desk_on(filed_folder) as desk:
        assert "No promise lies here" in desk.get("/watch").text
    with desk_on(filed_folder, promise=moved) as desk:
        assert str(moved) in desk.get("/watch").text
        assert desk.post("/assign", json={"products": [{"title": "耳机 3"}]}).json()[0]["promise"]


@pytest.mark.parametrize("what", ["run", "promise"])
def test_a_folder_whose_run_cannot_be_served_opens_and_says_why(filed_folder: Path, what: str) -> None:
    if what == "promise":
        (filed_folder / "promise.json").write_text("{}")
    else:
        folder = (filed_folder / "model").resolve()
        (filed_folder / "model").unlink()
        (filed_folder / "model").mkdir()
        (filed_folder / "model" / "run.json").write_bytes((folder / "run.json").read_bytes())
    with desk_on(filed_folder) as desk:
        for page in ("/try", "/watch"):
            shown = desk.get(page)
            assert shown.status_code == 200
            assert "No classifier is served here" in shown.text
        assert ("promise.json" if what == "promise" else "classifier.json") in desk.get("/try").text
        assert desk.post("/assign", json=QUESTION).status_code == 404


def test_a_folder_without_a_run_has_no_service(built: Path, tmp_path: Path) -> None:
    import shutil

    store = Path(shutil.copytree(built / "3-dedupe", tmp_path / "store"))
    with desk_on(store) as desk:
        assert desk.get("/ready").status_code == 404
        assert "No classifier is served here" in desk.get("/try").text
        assert desk.get("/docs").status_code == 200


def test_a_promise_that_is_made_later_is_filed_under_and_missed_when_it_goes(filed_folder: Path) -> None:
    kept = (filed_folder / "promise.json").rename(filed_folder / "kept.json")
    with desk_on(filed_folder) as desk:
        assert desk.post("/assign", json=QUESTION).json()[0]["promise"] is None
        kept.rename(filed_folder / "promise.json")
        until = time.monotonic() + 20
        while desk.post("/assign", json=QUESTION).status_code == 200:
            assert time.monotonic() < until
            time.sleep(0.1)
        asked = {"products": [{"title": "耳机 3"}]}
        (told,) = desk.post("/assign", json=asked).json()
        assert told["promise"] in desk.get("/watch").text
        (filed_folder / "promise.json").unlink()
        time.sleep(1.5)  # longer than it takes to look again
        (again,) = desk.post("/assign", json=asked).json()
        assert again["promise"] == told["promise"]  # and nothing is filed without one
