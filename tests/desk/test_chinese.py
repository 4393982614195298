"""No page speaks English to a reader of Chinese: every word of Latin letters on one is data, or a name."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mep3m.assignment.run import Run
from mep3m.desk.intake.take import Draw
from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.desk.reviewing.reviewing import opened_reviewing
from mep3m.store import Store
from tests.desk.endpoints.test_align import decide, shown
from tests.desk.filled import UNSURE, Filled, items
from tests.desk.opened import csrf_of, desk_on
from tests.desk.test_every_page import Page

#: names of programs, files and measures, which Chinese readers know by these letters
NAMES = {
    "mep3m", "OCR", "SSSOM", "Label", "Studio", "kappa", "English", "Enter", "Esc", "UTC", "anna", "ben",
    "me", "build", "project", "json", "Tab",
}  # fmt: skip
LATIN = re.compile(r"(?<![A-Za-z.&])[A-Za-z]{2,}(?![A-Za-z])")
#: a file, an address, a path, a quoted command
NAMED = re.compile(r"\S*[./_]\w+\S*|'[^']*'|--\w+")
ADDRESSES = [
    "/", "/explore", "/explore?quality=all", "/explore/product/1", "/explore/figures", "/explore/refused",
    "/align", "/align?blind=1", "/align/all", "/align/all?shown=all&decided=1&taken=1", "/align/apply",
    "/align/history", "/review", "/review/people", "/review/conflicts", "/audit", "/audit/progress", "/try",
    "/watch", "/no-such-page", "/align?at=x", "/align?at=999999", "/explore?level=x", "/explore/product/none",
    "/align?relation=none", "/review/export?kind=none", "/watch/undo", "/review/group?queue=none",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build whose products and links people have begun to decide."""
    made = Path(shutil.copytree(built, tmp_path_factory.mktemp("chinese") / "build"))
    with opened_reviewing(made) as reviewing:
        Filled(made, Run.open(made / "model")).take(reviewing, UNSURE, Draw(number=3, two=1))
        first = items(reviewing)[0]
        reviewing.log.decide({first: ItemVerdict("none")}, Signed("anna", "batch-1"))
        reviewing.log.decide({first: ItemVerdict("category", 1)}, Signed("ben", "batch-2", "sheet ben.csv"))
        reviewing.log.undo("ben", "batch-3")
        reviewing.log.decide({first: ItemVerdict("category", 1)}, Signed("ben", "batch-4"))
    return made


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[TestClient]:
    with desk_on(folder) as opened:
        page = decide(opened, shown(opened), "narrower")
        decide(opened, page, "accept", name_zh="新的")
        opened.post("/align/undo", data={"csrf": csrf_of(opened, "/align/all")})
        opened.post("/align/check", data={"csrf": csrf_of(opened, "/align/all")})
        while "data-waits" in opened.get("/align/apply").text:
            pass
        opened.headers["accept-language"] = "zh-CN"
        yield opened


@pytest.fixture(scope="module")
def data(folder: Path) -> set[str]:
    """Every word of Latin letters in what the shops and people wrote."""
    store = Store.open(folder / "5-align")
    texts = [str(product) for product in store.products()]
    texts += [str(node) for node in store.taxonomy]
    texts += [str(row) for step in folder.glob("?-*") for row in Store.open(step).rejects()]
    # what addresses and files are made of has these letters in every language
    texts.append("at level queue none csv tsv xlsx exact narrower broader overlaps")
    return {word for text in texts for word in LATIN.findall(text)} - {"mapped", "given", "left", "right"}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_in_chinese_has_no_word_of_english(desk: TestClient, data: set[str], address: str) -> None:
    told = desk.get(address, follow_redirects=True)
    assert told.headers["content-type"].startswith("text/html")
    assert english(told.text) - data == set()


def english(html: str) -> set[str]:
    return {word for text in Page(html).texts for word in LATIN.findall(NAMED.sub(" ", text))} - NAMES


@pytest.mark.parametrize(
    "form", [{"title": "茶"}, {"title": "!!!"}, {"title": ""}, {"title": "茶", "min_confidence": "2"}]
)
def test_answers_and_refusals_of_a_try_are_chinese(
    desk: TestClient, data: set[str], form: dict[str, str]
) -> None:
    told = desk.post("/try", data={"csrf": csrf_of(desk, "/try"), **form})
    assert english(told.text) - data == set()


def test_what_a_script_of_a_page_is_refused_with_is_chinese(desk: TestClient) -> None:
    headers = {"X-CSRF-Token": csrf_of(desk, "/review"), "accept": "application/json"}
    undo = {"batch": "undo-00001", "queue": "review"}
    assert desk.post("/review/undo", json=undo, headers=headers).json()["detail"] == "您没有可以撤销的决定了"
    decide = {**undo, "items": [10**9], "verdict": "none"}
    assert (
        desk.post("/review/decide", json=decide, headers=headers).json()["detail"]
        == "这里没有商品 1000000000；请重新载入页面"
    )
