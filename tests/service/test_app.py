"""The server over real HTTP, and its page in a real browser."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from mep3m.errors import ModelError
from mep3m.service.endpoints.questions import MOST_PRODUCTS
from mep3m.service.settings import ServiceSettings
from mep3m.service.versions import Version
from mep3m.settings.run import MIN_CONFIDENCE
from tests.service.clients import started


@pytest.fixture(scope="module")
def url(run_folder: Path) -> Iterator[str]:
    with started(run_folder) as url:
        yield url


def test_health_and_card(url: str) -> None:
    assert httpx.get(f"{url}/health").json()["classes"] == 4
    assert httpx.get(f"{url}/card").json()["levels"][0]["level"] == 1


def test_products_are_filed_in_order(url: str) -> None:
    question = {
        "products": [{"id": "a", "title": "红富士苹果"}, {"title": "华为手机"}],
        "top": 2,
        "min_confidence": 0,
    }
    first, second = httpx.post(f"{url}/assign", json=question).json()
    assert (first["id"], first["path"]) == ("a", ["食品", "苹果"])
    assert (second["id"], second["path"]) == ("1", ["数码", "手机"])
    assert len(first["top"]) == 2


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"products": []}, "products"),
        ({"products": [{"titel": "苹果"}]}, "titel"),
        ({"products": [{"title": "a"}] * (MOST_PRODUCTS + 1)}, "products"),
        ({"products": [{"title": "a"}], "min_confidence": 2}, "min_confidence"),
    ],
)
def test_a_wrong_question_is_refused_with_the_field(url: str, question: dict[str, Any], field: str) -> None:
    reply = httpx.post(f"{url}/assign", json=question)
    assert reply.status_code == 422
    assert field in reply.text


def test_an_image_goes_with_its_title(url: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(buffer, "PNG")
    reply = httpx.post(
        f"{url}/assign-image?title=海南香蕉&min_confidence=0", files={"image": buffer.getvalue()}
    )
    assert reply.json()["path"] == ["食品", "香蕉"]


def test_a_folder_that_is_no_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a classifier folder"):
        Version.load(ServiceSettings(run=tmp_path))


def test_the_page_files_a_product(url: str, browser: Any) -> None:
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(url)
    assert page.input_value("#confidence") == str(MIN_CONFIDENCE)
    page.fill("#title", "红富士苹果")
    page.fill("#confidence", "0")
    page.click("button")
    page.wait_for_selector(".path")
    assert page.text_content(".path") == "食品 › 苹果"
    assert page.locator("#answer li").count() == 4
    page.fill("#title", "")
    page.click("button")
    page.wait_for_selector("text=Give a title or an image.")
    page.fill("#title", "zzz")
    page.fill("#confidence", "0.95")
    page.click("button")
    page.wait_for_selector("text=goes to review")
    assert problems == []
    page.close()


def test_the_page_says_why_the_server_refused(url: str, browser: Any, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 700})
    page.goto(url)
    page.fill("#title", "长" * 10_001)
    page.click("button")
    page.wait_for_selector("text=The server refused: title: String should have at most 10000 characters")
    (tmp_path / "no.png").write_text("<html>404</html>")
    page.fill("#title", "红富士苹果")
    page.set_input_files("#image", tmp_path / "no.png")
    page.click("button")
    page.wait_for_selector("text=The server refused: image: this is a web page, not an image")
    page.route("**/assign", lambda route: route.abort())
    page.set_input_files("#image", [])
    page.click("button")
    page.wait_for_selector("text=The server cannot be reached.")
    page.close()


def test_the_page_fits_a_phone_whatever_is_asked(url: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 640})
    page.goto(url)
    page.fill("#title", "红富士苹果" * 60)
    page.click("button")
    page.wait_for_selector("#answer li")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()


def test_the_page_of_the_description_needs_nothing_from_elsewhere(url: str, browser: Any) -> None:
    page = browser.new_page()
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{url}/docs")
    page.wait_for_selector("text=/assign-images")
    assert page.locator(".opblock").count() == 8
    assert all(one.startswith((url, "data:")) for one in asked)
    assert problems == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_in_both_schemes(url: str, browser: Any, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(url)
    ink, paper = page.evaluate(
        "() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    light = [sum(int(part) for part in re.findall(r"\d+", colour)[:3]) for colour in (ink, paper)]
    assert abs(light[0] - light[1]) > 400
    assert (light[1] > light[0]) == (scheme == "light")
    page.close()
