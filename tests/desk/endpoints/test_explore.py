"""The pages of /explore over HTTP: what they show, and that what data or people say stays text."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from fastapi.testclient import TestClient

from mep3m.desk.accounts.registry import opened as accounts
from mep3m.product import Label, Product
from mep3m.store.json_files import read_json
from mep3m.store.rejects import Reject
from mep3m.taxonomy import Category, Taxonomy
from tests.desk.index.drawn import stored, titled
from tests.desk.opened import desk_on

SCRIPT = "<script>window.owned=1</script><img src=x onerror='window.owned=1'>"
HOSTILE = Product(
    f"s:{SCRIPT}", "s", SCRIPT, (SCRIPT,), SCRIPT, SCRIPT, None, f"{SCRIPT}.jpg",
    labels=(Label("c", "mapped", SCRIPT, 0.5),), group=SCRIPT, dropped=None, file=f"{SCRIPT}.csv", line=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A desk on a build, one for all tests that only look."""
    folder = Path(shutil.copytree(built, tmp_path_factory.mktemp("explore") / "build"))
    with desk_on(folder) as opened:
        assert opened.get("/explore/categories?q=茶").json()  # waits until the index is whole
        yield opened


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A store whose every text is a script."""
    tree = Taxonomy((Category("c", SCRIPT, SCRIPT),))
    stored(
        tmp_path / "store",
        [HOSTILE],
        tree,
        [Reject(SCRIPT, SCRIPT, SCRIPT, HOSTILE.id, SCRIPT, 1, SCRIPT, SCRIPT)],
    )
    return tmp_path / "store"


def test_the_list_shows_cards_tree_and_filters(desk: TestClient) -> None:
    page = desk.get("/explore").text
    assert page.count('<article class="card"') == 24
    for said in ("食品饮料", "pinshang", "haohuo", "blank_image", "mapped", "Next"):
        assert said in page


def test_a_category_opens_the_level_below(desk: TestClient) -> None:
    page = desk.get("/explore?category=food-drinks").text
    assert "咖啡" in page
    assert 'aria-current="true"' in page


def test_selling_talk_is_marked(desk: TestClient) -> None:
    assert '<mark title="Selling talk">' in desk.get("/explore?ocr=yes").text


def test_only_the_products_for_a_page_that_asks_while_typing(desk: TestClient) -> None:
    page = desk.get("/explore/found?q=茶").text
    assert "<html" not in page
    assert '<article class="card"' in page


def test_categories_as_json(desk: TestClient) -> None:
    found = desk.get("/explore/categories?q=咖啡").json()
    assert found[0]["name"] == "咖啡"
    assert found[0]["path"] == "食品饮料"
    assert desk.get("/explore/categories").json() == []


@pytest.mark.parametrize(
    "said",
    [
        "%",
        "'",
        '"',
        "AND",
        "OR NOT",
        "*",
        "NEAR(a b)",
        "a:b",
        "^x",
        "(",
        "\x00",
        "x" * 10_000,
        "茶 " * 5_000,
        "-",
    ],
)
def test_whatever_is_searched_for_is_text(desk: TestClient, said: str) -> None:
    for address in ("/explore", "/explore/found", "/explore/categories"):
        assert desk.get(f"{address}?q={quote(said)}").status_code == 200


def found_id(desk: TestClient) -> str:
    """Return the id of the first product, as its card links to it."""
    return unquote(desk.get("/explore").text.split('href="/explore/product/')[1].split('"')[0])


@pytest.mark.parametrize("safe", ["/:", ""])
def test_a_product_by_row_or_id(desk: TestClient, safe: str) -> None:
    assert desk.get("/explore/product/1").status_code == 200
    name = found_id(desk)
    found = desk.get(f"/explore/product/{quote(name, safe=safe)}")
    assert found.status_code == 200
    for said in ("pinshang", "annotations.json", "Images/"):
        assert said in found.text


@pytest.mark.parametrize("name", ["nobody:1", "0", "-1", "..%2f..%2fmanifest.json", "9" * 400])
def test_no_other_product(desk: TestClient, name: str) -> None:
    assert desk.get(f"/explore/product/{name}").status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        "after=-1",
        "after=x",
        "before=99999999999999999999",
        "image=perhaps",
        "level=99999999999999999999",
        "level=x",
    ],
)
def test_wrong_addresses_are_refused(desk: TestClient, asked: str) -> None:
    assert desk.get(f"/explore?{asked}").status_code == 422


def test_figures_and_what_was_refused(desk: TestClient) -> None:
    figures = desk.get("/explore/figures").text
    assert "blurred_image" in figures or "short_title" in figures
    assert "/report/report.html" in figures
    assert "leaves its folder" in desk.get("/explore/refused").text


def test_pages_in_chinese(desk: TestClient) -> None:
    assert "筛选" in desk.get("/explore", headers={"accept-language": "zh-CN"}).text


def test_the_report_has_an_origin_of_its_own(desk: TestClient) -> None:
    assert desk.get("/report/").headers["location"] == "/report/report.html"
    report = desk.get("/report/report.html")
    assert "Dataset report" in report.text or "report" in report.text
    policy = report.headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert desk.get("/report/statistics.json").headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "name", ["..%2fwhere.tsv", "%2e%2e/where.tsv", "nothing.html", "..%2f..%2fetc%2fpasswd", "desk"]
)
def test_nothing_else_lies_in_the_report(desk: TestClient, name: str) -> None:
    assert desk.get(f"/report/{name}").status_code == 404


@pytest.mark.parametrize(
    "address", ["/explore", "/explore?q=script", "/explore/figures", "/explore/refused", "/explore/product/1"]
)
def test_scripts_in_data_are_shown_not_run(hostile: Path, address: str) -> None:
    with desk_on(hostile) as desk:
        page = desk.get(address)
    assert page.status_code == 200
    assert "<script>window" not in page.text
    assert "<img src=x" not in page.text


def test_scripts_in_data_do_not_run_in_a_browser(hostile: Path, browser: object) -> None:
    from tests.desk.opened import opened

    with opened(hostile) as desk:
        page = browser.new_page()  # type: ignore[attr-defined]
        for address in ("/explore", "/explore/refused", "/explore/product/1", "/explore/figures"):
            page.goto(desk.url + address)
            assert page.evaluate("window.owned") is None
        page.goto(f"{desk.url}/explore")
        page.keyboard.press("c")
        page.keyboard.type("script")
        page.wait_for_selector("#suggested li")
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("owned")
        page.wait_for_timeout(600)
        assert page.locator("article.card").count() == 1
        assert page.evaluate("window.owned") is None
        assert page.locator("article.card script, #suggested script, article.card img[src=x]").count() == 0


def test_keys_go_through_the_products(built: Path, tmp_path: Path, browser: object) -> None:
    from tests.desk.opened import opened

    folder = Path(shutil.copytree(built, tmp_path / "build"))
    with opened(folder) as desk:
        page = browser.new_page()  # type: ignore[attr-defined]
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{desk.url}/explore")
        page.wait_for_selector("article.card")
        page.keyboard.press("j")
        page.keyboard.press("j")
        focused = "[...document.querySelectorAll('.card a.title')].indexOf(document.activeElement)"
        assert page.evaluate(focused) == 1
        page.keyboard.press("k")
        assert page.evaluate(focused) == 0
        page.keyboard.press("Enter")
        page.wait_for_url("**/explore/product/**")
        page.go_back()
        page.keyboard.press("n")
        page.wait_for_url("**after=24**")
        page.keyboard.press("p")
        page.wait_for_url("**before=25**")
        page.keyboard.press("c")
        page.keyboard.type("咖啡")
        page.wait_for_selector("#suggested li")
        page.keyboard.press("Enter")
        page.wait_for_url("**category=**")
        page.keyboard.press("/")
        page.keyboard.type("咖啡")
        page.wait_for_url("**q=**")
        assert page.locator("article.card").count() > 0
        assert errors == []


def test_the_report_s_charts_are_drawn_in_its_sandbox(built: Path, tmp_path: Path, browser: object) -> None:
    from tests.desk.opened import opened

    folder = Path(shutil.copytree(built, tmp_path / "build"))
    report = folder / "report" / "report.html"
    with report.open("a", encoding="utf-8") as page_of_data:
        page_of_data.write(
            "<script>try { document.title = document.cookie } catch { document.title = 'kept out' }</script>"
        )
    with opened(folder) as desk:
        page = browser.new_page()  # type: ignore[attr-defined]
        page.goto(f"{desk.url}/explore")
        page.goto(f"{desk.url}/report/report.html")
        page.wait_for_selector(".js-plotly-plot svg")
        assert page.title() == "kept out"


def test_stores_of_little_and_runs_without_one(tmp_path: Path, small_run: Path) -> None:
    stored(tmp_path / "empty", [])
    stored(tmp_path / "bare", titled("茶", None))
    run = Path(shutil.copytree(small_run, tmp_path / "run"))
    addresses = ("/explore", "/explore/figures", "/explore/refused")
    for name in ("empty", "bare"):
        with desk_on(tmp_path / name) as desk:
            assert [desk.get(address).status_code for address in addresses] == [200] * 3
            assert desk.get("/report/report.html").status_code == 404
    with desk_on(run) as desk:
        for address in (*addresses, "/explore/product/1"):
            assert "No dataset lies here" in desk.get(address).text
        assert desk.get("/explore/categories?q=x").json() == []


def test_pages_need_a_person_where_people_sign_in(hostile: Path) -> None:
    with accounts(hostile) as people:
        people.add("anna", "reader", "correct horse", "2026-01-01")
    with desk_on(hostile) as desk:
        for address in (
            "/explore",
            "/explore/found",
            "/explore/categories",
            "/explore/product/1",
            "/report/report.html",
        ):
            assert desk.get(address).status_code == 303


def test_figures_begin_with_the_most_frequent(desk: TestClient, built: Path) -> None:
    page = desk.get("/explore/figures").text
    words = page[page.index("Words of titles") :]
    shown = [int(one.replace(",", "")) for one in re.findall(r'<td class="number">([\d,]+)</td>', words)]
    counted = read_json(built / "report" / "statistics.json")["words"]
    assert shown == sorted(counted.values(), reverse=True)[:30]


LONG = "长" * 20_000


def test_one_duplicate_group_is_shown_alone(tmp_path: Path) -> None:
    groups = ["g", "g", "g", "h", "h", "i"]
    titles = titled(*(f"茶 {n}" for n in range(6)))
    products = [replace(one, group=group) for one, group in zip(titles, groups, strict=True)]
    stored(tmp_path / "store", products, Taxonomy(()))
    with desk_on(tmp_path / "store") as desk:
        page = desk.get("/explore/product/shop:1").text
        assert "/explore?group=shop%3A1&amp;quality=all" in page
        found = desk.get("/explore?group=shop:1&quality=all").text
        assert found.count('<article class="card"') == 3
        assert "3 products" in found
        assert "Only the duplicates of" in found
        assert desk.get("/explore?group=no-such").text.count("<article") == 0
        assert desk.get("/explore?group=shop:1&q=1").text.count("<article") == 1


def test_a_long_title_is_whole_on_demand_alone(tmp_path: Path) -> None:
    stored(tmp_path / "store", titled(LONG), Taxonomy(()))
    with desk_on(tmp_path / "store") as desk:
        assert LONG[:200] not in desk.get("/explore").text
        page = desk.get("/explore/product/shop:1").text
        assert page.count(LONG) == 1
        assert "All of it (20,000 letters)" in page
