"""The page of an alignment in words and in a browser; names from data carry no markup."""

from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.report.alignment_report import write_impact

REPORT: dict[str, Any] = {
    "rows": 30,
    "rows_moved": 20,
    "rows_unmapped": 3,
    "rows_by_origin": {"mapped": 12, "reviewed": 15},
    "levels": [{"level": 1, "categories": 2, "rows": 27}, {"level": 2, "categories": 5, "rows": 20}],
    "joined": [
        {
            "id": "c1",
            "name": "平板电视",
            "rows": 11,
            "members": [
                {"source": "a", "path": "家电 > 电视", "rows": 5},
                {"source": "b", "path": "x" * 200, "rows": 6},
            ],
        }
    ],
    "unmapped": [{"source": "a", "path": "图书 > <b>小说</b>", "rows": 3, "reason": "no link"}],
    "unnamed": [],
    "notes": ["<script>alert(1)</script>"],
    "decisions": {"accept": 4, "reject": 1},
    "taxonomy": "abc",
}  # fmt: skip


def test_every_part_of_the_report_is_on_the_page(tmp_path: Path) -> None:
    write_impact(tmp_path / "impact.html", REPORT)
    text = (tmp_path / "impact.html").read_text(encoding="utf-8")
    for said in (
        "labels change on 20",
        "tree 2 / 5",
        "平板电视",
        "a: 家电 &gt; 电视 = b: xxx",
        "no link",
        "4 accept, 1 reject",
    ):
        assert said in text
    assert "Joined categories: 1" in text
    assert "<script>" not in text
    assert "<b>小说" not in text


class Tags(HTMLParser):
    """How often each tag of a page is opened, and all its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1

    def handle_data(self, data: str) -> None:
        self.text += data


@given(words=st.lists(st.text("<>&\"'/=茶 script", min_size=1, max_size=12), min_size=6, max_size=6))
def test_whatever_shops_call_things_the_page_has_the_same_tags(
    words: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("page")
    member = {"source": words[0], "path": words[1], "rows": 5}
    changed = {
        **REPORT,
        "joined": [{"id": "c1", "name": words[2], "rows": 11, "members": [member, member]}],
        "unmapped": [{"source": words[0], "path": words[3], "rows": 3, "reason": words[4]}],
        "notes": [words[5]],
    }
    write_impact(folder / "plain.html", REPORT)
    write_impact(folder / "odd.html", changed)
    plain, odd = (Tags((folder / f"{name}.html").read_text(encoding="utf-8")) for name in ("plain", "odd"))
    assert odd.counts == plain.counts
    shown = "".join(odd.text.split())
    assert all("".join(word.split()) in shown for word in words)


def test_a_report_without_anything_says_so(tmp_path: Path) -> None:
    write_impact(tmp_path / "impact.html", {**REPORT, "joined": [], "unmapped": [], "notes": []})
    assert (tmp_path / "impact.html").read_text(encoding="utf-8").count("<p>none</p>") == 3


def test_the_page_fits_a_phone(tmp_path: Path, browser: Any) -> None:
    write_impact(tmp_path / "impact.html", REPORT)
    page = browser.new_page(viewport={"width": 390, "height": 800}, is_mobile=True)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto((tmp_path / "impact.html").as_uri())
    assert page.locator("h2").count() == page.locator("nav a").count() == 3
    assert page.evaluate("window.innerWidth") == 390  # without the viewport tag a phone takes 980
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert problems == []
    page.close()
