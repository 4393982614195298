"""The entrance: what lies in a folder, where signing in leads, and the report beside it all."""

import shutil
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mep3m.desk.accounts.registry import opened as accounts
from mep3m.desk.endpoints.entrance import _inside
from tests.desk.opened import desk_on, sign_in

SECRET = "correct horse"
HERE = "http://desk.example:8000"


@given(st.text(st.sampled_from("/\\:@.?#%\t\r\n abc"), max_size=12) | st.text(max_size=12))
@example("//elsewhere.example")
@example("/\\elsewhere.example")
@example("/\t/elsewhere.example")
@example("/\n\\elsewhere.example")
@example("/%2f/elsewhere.example")
@example("javascript:alert(1)")
def test_wherever_a_link_wants_to_lead_it_stays_in_the_desk(to: str) -> None:
    """As a browser reads an address: tabs and line ends are no part of it, and `\\` is `/`."""
    inside = _inside(to)
    read = "".join(one for one in inside if one not in "\t\r\n").replace("\\", "/").strip()
    assert urlsplit(urljoin(HERE, read)).netloc == urlsplit(HERE).netloc
    assert read.startswith("/")


@given(st.text(st.sampled_from("abc123/-?=&%"), max_size=12))
def test_an_address_of_the_desk_is_kept(rest: str) -> None:
    if not rest.startswith("/"):
        assert _inside("/" + rest) == "/" + rest


@pytest.mark.parametrize("to", ["/\t/elsewhere.example", "/\n/elsewhere.example", "/\r\nset-cookie: a=b"])
def test_signing_in_follows_no_hidden_address(small_run: Path, tmp_path: Path, to: str) -> None:
    folder = Path(shutil.copytree(small_run, tmp_path / "run"))
    with accounts(folder) as people:
        people.add("rob", "reader", SECRET, "2026-01-01")
    with desk_on(folder) as desk:
        told = desk.post("/login", data={"name": "rob", "password": SECRET, "to": to})
        assert (told.status_code, told.headers["location"]) == (303, "/")
        assert "a=b" not in told.headers["set-cookie"]


def test_the_first_page_says_what_lies_here(build: Path, small_run: Path) -> None:
    with desk_on(build) as desk:
        page = desk.get("/").text
        assert "A trained classifier" in page
        assert "products" in page
        assert desk.get("/health").json() == {"desk": "build"}
        shutil.rmtree(build / "model")
        assert "No classifier lies here." in desk.get("/").text
    with desk_on(small_run) as desk:
        assert "No dataset lies here." in desk.get("/").text


def test_everybody_may_ask_whether_it_answers_and_nobody_else_what_is_in_it(build: Path) -> None:
    with accounts(build) as people:
        people.add("rob", "reader", SECRET, "2026-01-01")
    with desk_on(build) as desk:
        assert desk.get("/health").status_code == 200
        for path in ("/", "/report/", "/report/report.html", "/report/statistics.json", "/report/x"):
            assert desk.get(path).status_code == 303
            assert desk.get(path, headers={"accept": "*/*"}).status_code == 401
        sign_in(desk, "rob", SECRET)
        assert desk.get("/report/").headers["location"] == "/report/report.html"


def test_the_report_runs_its_scripts_away_from_the_desk(build: Path) -> None:
    with desk_on(build) as desk:
        told = desk.get("/report/report.html")
        assert told.content == (build / "report" / "report.html").read_bytes()
        (policy,) = told.headers.get_list("content-security-policy")
        sandbox = policy.split(";")[0].split()
        assert sandbox[0] == "sandbox"
        assert "allow-same-origin" not in sandbox  # with it, the report could act as who reads it
        assert "default-src 'none'" in policy
        assert desk.get("/report/statistics.json").json()


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "%2e%2e%2fwhere.tsv",
        "..%2fmodel%2frun.json",
        "report.html%00",
        "REPORT.HTML",
        "report.html/",
    ],
)
def test_no_other_file_is_sent_as_a_report(build: Path, name: str) -> None:
    with desk_on(build) as desk:
        told = desk.get(f"/report/{name}")
        assert told.status_code in (303, 307, 404)


def test_a_report_that_is_gone_is_said(build: Path) -> None:
    with desk_on(build) as desk:
        (build / "report" / "statistics.json").unlink()
        assert desk.get("/report/statistics.json").status_code == 404
        shutil.rmtree(build / "report")
        told = desk.get("/report/report.html")
        assert told.status_code == 404
        assert "no such report" in told.text
