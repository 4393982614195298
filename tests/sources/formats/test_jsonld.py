"""schema.org data in saved pages: every way that shops nest it, and what is said where there is none."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mep3m.errors import FormatError, InputError
from mep3m.settings.sources import SourceEntry
from mep3m.sources.columns import FURTHER
from mep3m.sources.formats import jsonld
from mep3m.sources.formats.jsonld import NO_PRODUCT, JsonLdSource, open_jsonld, page_nodes
from mep3m.store import Reject

TEA = {"@type": "Product", "sku": "1", "name": "红茶", "category": "食品 > 茶", "image": "http://a/1.jpg"}


def page(*values: Any, head: str = "") -> str:
    scripts = "".join(
        f'<script type="application/ld+json">{json.dumps(value, ensure_ascii=False)}</script>'
        for value in values
    )
    return f"<html><head>{head}{scripts}</head><body><p>x</p></body></html>"


def read(path: Path) -> tuple[pa.Table, list[Reject]]:
    source = open_jsonld(SourceEntry(name="shop", path=str(path)), path)
    batches = [batch for part in source.parts() for batch in source.read(part)]
    table = pa.concat_tables([batch.products for batch in batches])
    return table, [reject for batch in batches for reject in batch.rejects]


def of(folder: Path, *values: Any) -> list[dict[str, Any]]:
    """Return the products of one page with these objects, nothing refused."""
    (folder / "p.html").write_text(page(*values), encoding="utf-8")
    table, rejects = read(folder / "p.html")
    assert rejects == []
    return table.select(["source_id", "title", "source_path", "image_ref"]).to_pylist()


EXPECTED = {"source_id": "1", "title": "红茶", "source_path": ["食品", "茶"], "image_ref": "http://a/1.jpg"}


@pytest.mark.parametrize(
    "value",
    [
        TEA,
        [TEA],
        {"@graph": [{"@type": "WebPage"}, TEA]},
        {"@type": "WebPage", "mainEntity": TEA},
        {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "position": 1, "item": TEA}]},
        {**TEA, "@type": ["Thing", "Product"]},
        {**TEA, "@type": "http://schema.org/Product"},
        {**TEA, "@type": "ProductGroup"},
        {**TEA, "name": {"@value": "红茶", "@language": "zh"}},
        {**TEA, "name": ["红茶", "black tea"]},
        {**TEA, "category": ["食品 > 茶"]},
        {**TEA, "category": "食品/茶"},
        {**TEA, "category": {"@type": "Thing", "name": "食品 > 茶"}},
        {**TEA, "image": ["http://a/1.jpg", "http://a/2.jpg"]},
        {**TEA, "image": {"@type": "ImageObject", "url": "http://a/1.jpg"}},
        {**TEA, "image": [{"@type": "ImageObject", "contentUrl": "http://a/1.jpg"}]},
    ],
)
def test_a_product_is_found_however_it_is_nested_and_written(tmp_path: Path, value: Any) -> None:
    assert of(tmp_path, value) == [EXPECTED]


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ({"sku": "A", "gtin13": "B"}, "A"),
        ({"gtin13": "B", "mpn": "C"}, "B"),
        ({"mpn": 7}, "7"),
        ({"@id": "#p"}, "#p"),
        ({"url": "http://a/p"}, "http://a/p"),
        ({"sku": "", "productID": "D"}, "D"),
        ({}, "p.html:1"),
    ],
)
def test_the_best_number_there_is_names_the_product(
    tmp_path: Path, fields: dict[str, Any], number: str
) -> None:
    assert of(tmp_path, {"@type": "Product", "name": "x", **fields})[0]["source_id"] == number


def crumbs(*names: str, **more: Any) -> dict[str, Any]:
    steps = [{"@type": "ListItem", "position": n, "name": name} for n, name in enumerate(names, start=1)]
    return {"@type": "BreadcrumbList", "itemListElement": steps, **more}


def test_breadcrumbs_stand_in_for_a_missing_category(tmp_path: Path) -> None:
    bare = {key: value for key, value in TEA.items() if key != "category"}
    assert of(tmp_path, bare, crumbs("食品", "茶", "红茶")) == [EXPECTED]
    backwards = crumbs("食品", "茶", "红茶")
    backwards["itemListElement"].reverse()
    assert of(tmp_path, bare, backwards) == [EXPECTED]
    as_items = crumbs()
    as_items["itemListElement"] = [
        {"position": str(n), "item": {"@id": f"http://a/{n}", "name": name}}
        for n, name in enumerate(("食", "茶", "红茶"))
    ]
    assert of(tmp_path, bare, as_items)[0]["source_path"] == ["食", "茶"]
    assert of(tmp_path, TEA, crumbs("别的", "x"))[0]["source_path"] == ["食品", "茶"]


@pytest.mark.parametrize("position", [None, "²", "first", 1.5, [], {}])
def test_a_position_that_is_no_number_is_no_reason_to_stop(tmp_path: Path, position: object) -> None:
    list_of = crumbs("食品", "茶")
    list_of["itemListElement"][0]["position"] = position
    assert of(tmp_path, TEA, list_of) == [EXPECTED]


def test_a_product_inside_an_offer_is_none_of_the_page_s(tmp_path: Path) -> None:
    offer = {"@type": "Offer", "itemOffered": {"@type": "Product", "sku": "other", "name": "别的"}}
    assert of(tmp_path, {**TEA, "offers": offer, "isRelatedTo": [{"@type": "Product", "sku": "9"}]}) == [
        EXPECTED
    ]


def test_several_products_count_from_1(tmp_path: Path) -> None:
    (tmp_path / "p.html").write_text(page(TEA, {**TEA, "sku": "2"}), encoding="utf-8")
    table, _ = read(tmp_path / "p.html")
    assert list(zip(table["line"].to_pylist(), table["source_id"].to_pylist(), strict=True)) == [
        (1, "1"),
        (2, "2"),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the page is empty"),
        (b"   \n", "the page is empty"),
        (b'<script type="application/ld+json">{"a": </script>', "the page's JSON-LD is not JSON: "),
    ],
)
def test_a_page_without_products_is_refused_with_its_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "p.html").write_bytes(content)
    table, (reject,) = read(tmp_path / "p.html")
    assert (table.num_rows, reject.file, reject.line) == (0, "p.html", 1)
    assert reject.reason.startswith(reason)


@pytest.mark.parametrize("content", [b"<html><body>503</body></html>", page({"@type": "Offer"}).encode()])
def test_a_page_without_products_is_an_error_and_among_others_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.html").write_bytes(content)
    with pytest.raises(FormatError, match=r"p\.html holds nothing to take in: the page has no schema.org"):
        read(tmp_path / "p.html")
    (tmp_path / "q.html").write_text(page(TEA), encoding="utf-8")
    table, (reject,) = read(tmp_path)
    assert (table.num_rows, reject.file, reject.reason) == (1, "p.html", NO_PRODUCT)


@pytest.mark.parametrize(
    ("category", "path", "further"),
    [
        ("Home > Bed/Bath", ["Home", "Bed/Bath"], []),
        ("Home &gt; Bed &amp; Bath", ["Home", "Bed & Bath"], []),
        ("Home > &amp;amp;", ["Home", "&amp;"], []),
        (["Home > Bath", "Sale", "Home > Bath"], ["Home", "Bath"], ["Sale"]),
        ([{"name": "A > B"}, "C > D"], ["A", "B"], ["C > D"]),
        ("https://shop.example/c/home", [], []),
        (["https://shop.example/c/home", "Home"], ["Home"], []),
        ("//shop.example/c/home", [], []),
    ],
)
def test_the_categories_of_a_product(
    tmp_path: Path, category: object, path: list[str], further: list[str]
) -> None:
    (tmp_path / "p.html").write_text(page({**TEA, "category": category}), encoding="utf-8")
    table, rejects = read(tmp_path / "p.html")
    assert table["source_path"].to_pylist() == [path]
    assert [(reject.stage, reject.product, reject.value) for reject in rejects] == [
        (FURTHER, table["id"][0].as_py(), one) for one in further
    ]


def test_the_last_breadcrumb_is_left_out_only_where_it_is_the_product(tmp_path: Path) -> None:
    bare = {key: value for key, value in TEA.items() if key != "category"}
    assert of(tmp_path, bare, crumbs("食品", "茶"))[0]["source_path"] == ["食品", "茶"]
    assert of(tmp_path, bare, crumbs("食品", " 红茶"))[0]["source_path"] == ["食品"]


def test_a_page_in_utf_16_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.html").write_bytes(page(TEA).encode("utf-16"))
    assert read(tmp_path / "p.html")[0]["title"].to_pylist() == ["红茶"]


def test_a_broken_script_beside_a_good_one_is_refused_and_the_product_kept(tmp_path: Path) -> None:
    broken = '<script type="application/ld+json">{</script>'
    (tmp_path / "p.html").write_text(page(TEA, head=broken), encoding="utf-8")
    table, (reject,) = read(tmp_path / "p.html")
    assert table["source_id"].to_pylist() == ["1"]
    assert (reject.line, reject.reason.startswith("the page's JSON-LD is not JSON")) == (2, True)


def test_a_page_over_the_limit_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.html").write_text(page(TEA))
    monkeypatch.setattr(jsonld, "PAGE_LIMIT", 20)
    assert page_nodes(tmp_path / "p.html") == ([], ["the page is longer than 20 bytes"])


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-8-sig"])
def test_a_page_is_read_in_the_encoding_it_declares(tmp_path: Path, encoding: str) -> None:
    head = f'<meta charset="{encoding.removesuffix("-sig")}">'
    (tmp_path / "p.html").write_bytes(page(TEA, head=head).encode(encoding))
    table, rejects = read(tmp_path / "p.html")
    assert (table["title"].to_pylist(), rejects) == (["红茶"], [])


def test_pages_of_a_folder_come_in_the_order_of_their_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["b/2.html", "a/1.HTM", "c.html", "a/0.html"]
    for name in names:
        (tmp_path / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pages" / name).write_text(page({**TEA, "sku": name}))
    (tmp_path / "pages" / "notes.txt").write_text("not a page")
    table, _ = read(tmp_path / "pages")
    assert table["file"].to_pylist() == table["source_id"].to_pylist() == sorted(names)
    monkeypatch.setattr(jsonld, "PART_PAGES", 3)
    source = JsonLdSource(tmp_path / "pages", "shop")
    assert [(part.start, part.stop, part.line) for part in source.parts()] == [(0, 3, 1), (3, 4, 4)]
    assert read(tmp_path / "pages")[0].equals(table)


def test_a_folder_without_pages_says_which_endings_count(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no saved pages \(.html, .htm\)"):
        JsonLdSource(tmp_path, "shop").parts()
