from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image

from mep3m.errors import NotFoundError
from mep3m.report.ocr_examples import ocr_examples, write_ocr_page


def row(name: str, *scores: float, error: str | None = None) -> dict[str, Any]:
    lines = [{"text": f"<b>{score}</b>", "promotional": score, "polygon": []} for score in scores]
    share = sum(score < 0.5 for score in scores) / len(scores) if scores else None
    made = {"image": name, "text": "text" if scores else None, "informative": share, "lines": lines}
    return made if error is None else {**made, "error": error}


ROWS = [row("a", 0.1), row("b", 0.9, 0.8), row("c", 0.1, 0.9), row("d"), row("e", error="broken")]


def test_counts_and_kinds() -> None:
    found = ocr_examples(ROWS)
    assert (found.images, found.with_text, found.failed, found.mixed) == (5, 3, 1, 1)
    assert (found.lines, found.promotional_lines) == (5, 3)
    assert found.share_with_text == pytest.approx(0.6)
    assert [r["image"] for r in found.informative] == ["a"]
    assert [r["image"] for r in found.promotional] == ["b"]


def test_examples_are_drawn_by_the_seed_from_a_stream() -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield from (row(str(n), 0.1) for n in range(200))

    first, again, other = (ocr_examples(rows(), 5, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first.informative) == 5
    assert {int(r["image"]) for r in first.informative} != set(range(5))


def test_the_page_is_whole_and_escapes_the_text(tmp_path: Path) -> None:
    Image.new("RGB", (30, 30), "red").save(tmp_path / "a", "PNG")
    (tmp_path / "b").write_bytes(b"no image")
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(b"".join(orjson.dumps(r) + b"\n" for r in ROWS))
    write_ocr_page(lines, tmp_path.joinpath, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "3 (60.0%)" in text
    assert "&lt;b&gt;0.9&lt;/b&gt;" in text
    assert "image is gone" in text
    assert "data:image/jpeg;base64," in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_no_lines_no_page(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="mep3m ocr"):
        write_ocr_page(tmp_path / "none", Path, tmp_path / "page.html")


def test_the_page_is_drawn_on_a_phone_and_fetches_nothing(tmp_path: Path, browser: Any) -> None:
    Image.new("RGB", (400, 30), "red").save(tmp_path / "a", "PNG")
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(b"".join(orjson.dumps(r) + b"\n" for r in ROWS))
    write_ocr_page(lines, tmp_path.joinpath, tmp_path / "page.html")
    page = browser.new_page(viewport={"width": 360, "height": 700})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator("h2").all_text_contents() == [
        "Text in images",
        "Informative text",
        "Promotional text",
    ]
    assert page.locator("img").first.evaluate("one => one.naturalWidth") == 220
    assert page.get_by_text("<b>0.9</b>").count() >= 1  # text of an image is text, never markup
    assert page.locator("b", has_text="0.9").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()
