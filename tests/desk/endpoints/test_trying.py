"""Try: titles, pictures, and what is no picture, by the form and as a script asks."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from mep3m.service.settings import ServiceLimits
from mep3m.settings.sources import ImageLimits
from tests.desk.folders import picture
from tests.desk.opened import csrf_of, desk_on

EXE = b"MZ\x90\x00" + bytes(200)
HOSTILE = "<script>alert(1)</script>\"'{{7*7}}{x}"


@pytest.fixture(scope="module")
def desk(seeing_folder: Path) -> Iterator[TestClient]:
    limits = ServiceLimits(image=ImageLimits(max_pixels=1_000_000, max_bytes=2**20))
    with desk_on(seeing_folder, limits=limits) as client:
        yield client


def tried(desk: TestClient, image: tuple[str, bytes] | None = None, **form: Any) -> Any:
    files = (
        {"image": image} if image is not None else {"image": ("", b"")}
    )  # as a browser sends an empty field
    return desk.post("/try", data={"csrf": csrf_of(desk, "/try"), **form}, files=files)


def test_the_page_asks_for_what_the_model_reads(desk: TestClient, small_run: Path) -> None:
    page = desk.get("/try").text
    assert 'name="title"' in page
    assert 'name="image"' in page
    with desk_on(small_run) as other:
        assert 'name="image"' not in other.get("/try").text
        assert "does not look at pictures" in other.get("/try").text


def test_a_title_has_path_probabilities_why_and_what_is_like_it(desk: TestClient) -> None:
    shown = tried(desk, title="耳机 12ab", min_confidence="0")
    assert shown.status_code == 200
    assert "数码 › 耳机" in shown.text
    assert len(re.findall("<meter ", shown.text)) == 4
    assert "What carried it" in shown.text
    assert "The word that decides" in shown.text or "No single word decides" in shown.text
    assert "Most like it in training" in shown.text
    assert "耳机 12ab" in shown.text  # stays in the form


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_a_picture_is_answered_and_shown_again(desk: TestClient, kind: str) -> None:
    shown = tried(desk, ("a.png", picture("blue", kind)), min_confidence="0")
    assert shown.status_code == 200
    assert 'src="data:image/jpeg;base64,' in shown.text
    assert "Of a picture alone no pieces are told" in shown.text


@pytest.mark.parametrize(
    "content",
    [picture(size=(1, 1)), picture(kind="JPEG", mode="CMYK"), picture(mode="L"), picture(mode="1"),
     picture(mode="RGBA")],
    ids=["one pixel", "CMYK", "grey", "black and white", "transparent"],
)  # fmt: skip
def test_odd_pictures_are_pictures(desk: TestClient, content: bytes) -> None:
    assert tried(desk, ("a.jpg", content), min_confidence="0").status_code == 200


@pytest.mark.parametrize(
    ("content", "said"),
    [(EXE, "not an image of an allowed type"), (b"<html>404</html>", "a web page, not an image"),
     (b"", "empty"), (picture()[:60], "broken"), (picture(size=(3000, 3000)), "9,000,000 pixels"),
     (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG, not an image"),
     (picture(kind="TIFF"), "allowed type")],
    ids=["exe", "html", "empty", "cut off", "bomb", "svg", "tiff"],
)  # fmt: skip
def test_what_is_no_picture_is_said_and_the_form_stays(desk: TestClient, content: bytes, said: str) -> None:
    shown = tried(desk, ("setup.exe", content), title="耳机")
    assert shown.status_code == 422
    assert said in shown.text
    assert ">耳机</textarea>" in shown.text
    assert "<meter" not in shown.text


def test_a_picture_of_too_many_bytes_is_said(desk: TestClient) -> None:
    shown = tried(desk, ("a.png", bytes(2**20 + 1)))
    assert shown.status_code == 413
    assert "more than 1,048,576 bytes" in shown.text


def test_nothing_is_said_to_be_nothing(desk: TestClient) -> None:
    for title in ("", "   "):
        shown = tried(desk, title=title)
        assert shown.status_code == 422
        assert "Give a title or a picture" in shown.text


@pytest.mark.parametrize("name", [HOSTILE + ".png", "../../etc/passwd", "a" * 500, "\x00"])
def test_the_name_of_a_file_does_nothing(desk: TestClient, name: str) -> None:
    shown = tried(desk, (name, picture()), min_confidence="0")
    assert shown.status_code == 200
    assert "alert(1)" not in shown.text


@pytest.mark.parametrize(
    "title", [HOSTILE, "</textarea><script>alert(1)</script>", "%s{0}{title}", "\u202eabc", "a" * 10_000]
)
def test_a_title_is_text(desk: TestClient, title: str) -> None:
    shown = tried(desk, title=title, min_confidence="0")
    assert shown.status_code == 200
    assert "<script>alert" not in shown.text


def test_a_title_that_is_too_long_is_refused(desk: TestClient) -> None:
    assert tried(desk, title="a" * 10_001).status_code == 422


@pytest.mark.parametrize("least", ["-1", "2", "nan", "x"])
def test_a_wrong_threshold_is_refused(desk: TestClient, least: str) -> None:
    assert tried(desk, title="耳机", min_confidence=least).status_code == 422


def test_a_script_gets_the_answer_alone(desk: TestClient) -> None:
    headers = {"x-part": "answer", "x-csrf-token": csrf_of(desk, "/try")}
    part = desk.post("/try", data={"title": "耳机"}, headers=headers)
    assert part.headers["x-part"] == "answer"
    assert "<html" not in part.text
    assert "耳机" in part.text
    assert desk.post("/try", data={"title": "耳机"}, headers={"x-part": "answer"}).status_code == 403


def test_a_product_of_the_store_has_its_picture(build: Path) -> None:
    card = json.loads((build / "model" / "run.json").read_text())
    assert card["settings"]["modality"] == "text"
    with desk_on(build) as desk:
        shown = tried(desk, title="全价猫粮 成猫 1.5kg 三文鱼味", min_confidence="0").text
        assert re.search(r'src="/picture/[0-9a-f]{64}"', shown)
        assert "/explore/product/" in shown
        assert "/explore?category=" in shown


def test_under_a_promise_there_is_a_prediction_set_and_no_threshold(filed_folder: Path) -> None:
    with desk_on(filed_folder) as desk:
        assert 'name="min_confidence"' not in desk.get("/try").text
        assert "Filed" in tried(desk, title="耳机 3").text
        unsure = tried(desk, title="好物 苹果 手机壳").text
        assert "Prediction set" in unsure or "Filed" in unsure


def test_the_page_speaks_chinese(desk: TestClient) -> None:
    shown = desk.post(
        "/try", data={"csrf": csrf_of(desk, "/try"), "title": "耳机"}, headers={"accept-language": "zh"}
    )
    assert "最可能的类目" in shown.text
