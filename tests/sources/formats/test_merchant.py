"""Merchant feeds in three forms: the same products from each, whatever the feed's program liked to write."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from lxml import etree

from mep3m.errors import FormatError, NotFoundError
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.formats import merchant
from mep3m.sources.formats.merchant import open_merchant
from mep3m.store import Reject

G = "http://base.google.com/ns/1.0"
Item = dict[str, str]
ITEMS: list[Item] = [
    {"id": "1", "title": "红茶 & 绿茶", "image_link": "http://a/1.jpg", "product_type": "食品 > 茶"},
    {"id": "2", "title": "<b>米</b>", "image_link": "http://a/2.jpg", "product_type": "食品 > 粮油 > 米"},
    {"id": "3", "title": "灯", "google_product_category": "Home > Lamps"},
]


def rss(items: Sequence[Item], between: str = "\n") -> bytes:
    def one(item: Item) -> str:
        root = etree.Element("item", nsmap={"g": G})
        for name, value in item.items():
            etree.SubElement(root, f"{{{G}}}{name}" if name != "title" else name).text = value
        return etree.tostring(root, encoding="unicode")

    body = between.join(map(one, items))
    return f'<?xml version="1.0" encoding="UTF-8"?><rss><channel>{body}</channel></rss>'.encode()


def atom(items: Sequence[Item]) -> bytes:
    root = etree.Element(
        "{http://www.w3.org/2005/Atom}feed", nsmap={None: "http://www.w3.org/2005/Atom", "g": G}
    )
    for item in items:
        entry = etree.SubElement(root, "{http://www.w3.org/2005/Atom}entry")
        for name, value in item.items():
            space = "http://www.w3.org/2005/Atom" if name == "title" else G
            etree.SubElement(entry, f"{{{space}}}{name}").text = value
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True))


def tabbed(items: Sequence[Item], spaced: bool = False) -> bytes:
    names = ["id", "title", "image_link", "product_type", "google_product_category"]
    shown = [name.replace("_", " ") for name in names] if spaced else names
    lines = [[item.get(name, "") for name in names] for item in items]
    return "\n".join("\t".join(line) for line in [shown, *lines]).encode() + b"\n"


def read(path: Path, content: bytes, **entry: Any) -> tuple[pa.Table, list[Reject]]:
    path.write_bytes(content)
    source = open_merchant(SourceEntry.parse({"name": "shop", "path": str(path), **entry}, "test"), path)
    batches = [batch for part in source.parts() for batch in source.read(part)]
    table = pa.concat_tables([batch.products for batch in batches])
    return table, [reject for batch in batches for reject in batch.rejects]


SHOWN = ["source_id", "title", "image_ref", "source_path"]


def test_rss_and_atom_and_the_packed_form_say_the_same(tmp_path: Path) -> None:
    first, rejects = read(tmp_path / "a.xml", rss(ITEMS))
    assert rejects == []
    assert first["title"].to_pylist() == ["红茶 & 绿茶", "<b>米</b>", "灯"]
    assert first["source_path"].to_pylist() == [["食品", "茶"], ["食品", "粮油", "米"], ["Home", "Lamps"]]
    for name, content in (("b.xml", atom(ITEMS)), ("c.xml.gz", gzip.compress(rss(ITEMS)))):
        other, rejects = read(tmp_path / name, content)
        assert (other.select(SHOWN).to_pylist(), rejects) == (first.select(SHOWN).to_pylist(), [])


@pytest.mark.parametrize("spaced", [False, True])
def test_the_tab_separated_form_says_the_same(tmp_path: Path, spaced: bool) -> None:
    """Google writes the names of its columns with spaces or with underscores."""
    expected, _ = read(tmp_path / "a.xml", rss(ITEMS[:2]))
    found, rejects = read(tmp_path / "a.tsv", tabbed(ITEMS[:2], spaced))
    assert (found.select(SHOWN).to_pylist(), rejects) == (expected.select(SHOWN).to_pylist(), [])
    assert found["line"].to_pylist() == [2, 3]


def test_without_the_shop_s_own_tree_google_s_counts(tmp_path: Path) -> None:
    content = b"id\ttitle\timage link\tgoogle product category\n1\tlamp\thttp://a/1.jpg\tHome > Lamps\n"
    table, _ = read(tmp_path / "a.txt", content)
    assert table["source_path"].to_pylist() == [["Home", "Lamps"]]


def test_items_on_one_line_have_places_of_their_own(tmp_path: Path) -> None:
    """A minified feed: a row is found again by its place, and the later of two equal ids is refused by it."""
    table, _ = read(tmp_path / "a.xml", rss(ITEMS, between=""))
    assert table["line"].to_pylist() == [1, 2, 3]
    table, _ = read(tmp_path / "b.xml", rss(ITEMS, between="\n\n"))
    assert table["line"].to_pylist() == [1, 3, 5]


def test_a_feed_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    content = rss(ITEMS)
    cut = content[: content.rindex(b"<item") + 30]
    table, (reject,) = read(tmp_path / "a.xml", cut)
    assert table["source_id"].to_pylist() == ["1", "2"]
    assert reject.reason.startswith("the XML is broken from here on: ")
    assert reject.line is not None
    assert reject.line > table["line"].to_pylist()[-1]


def test_the_first_of_a_name_counts_and_a_link_is_its_address(tmp_path: Path) -> None:
    content = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><id>2</id><title>茶</title>'
        '<link href="http://a/page"/><!-- a comment --></entry></feed>'
    )
    columns = {"id": "id", "title": "title", "image": "link"}
    table, _ = read(tmp_path / "a.xml", content.encode(), columns=columns)
    assert table.select(["source_id", "title", "image_ref"]).to_pylist() == [
        {"source_id": "1", "title": "茶", "image_ref": "http://a/page"}
    ]


def test_columns_of_one_s_own_count(tmp_path: Path) -> None:
    item = {"id": "1", "title": "茶", "mpn": "X9", "custom_label_0": "食品"}
    columns = Columns(id="mpn", title="title", labels=("custom_label_0",)).model_dump(exclude_none=True)
    for name, content in (("a.xml", rss([item])),):
        table, _ = read(tmp_path / name, content, columns=columns)
        assert table.select(["source_id", "source_path"]).to_pylist() == [
            {"source_id": "X9", "source_path": ["食品"]}
        ]
    with pytest.raises(NotFoundError, match="has no column 'mpn'"):
        read(tmp_path / "a.tsv", tabbed(ITEMS), columns=columns)


def test_an_outside_file_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    entity = f'<!DOCTYPE r [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    content = f"{entity}<rss><item><id>1</id><title>&x;</title></item></rss>"
    table, _ = read(tmp_path / "a.xml", content.encode())
    assert "hidden" not in str(table.to_pylist())


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"id\ttitle\n", "is not XML; for the tab")],
)
def test_what_is_no_feed_says_so(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(tmp_path / "a.xml", content)


def test_memory_does_not_grow_with_the_feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is let go of: the tree holds the items of one block of the file, not those before it."""
    items = [{"id": str(n), "title": "茶" * 50, "product_type": "食品"} for n in range(3000)]
    path = tmp_path / "a.xml"
    path.write_bytes(rss(items))
    source = open_merchant(SourceEntry(name="s", path=str(path)), path)
    held = 0
    real = merchant._forget

    def forget(element: etree._Element) -> None:
        nonlocal held
        held = max(held, len(element.getparent()))
        real(element)

    monkeypatch.setattr(merchant, "_forget", forget)
    assert sum(batch.products.num_rows for part in source.parts() for batch in source.read(part)) == 3000
    assert held < 500


def rows_of(tmp_path: Path, content: bytes, name: str = "f.xml") -> list[tuple[str, str, list[str]]]:
    """Return (id, title, path) of the products of a feed; nothing may be refused."""
    path = tmp_path / name
    path.write_bytes(content)
    source = open_merchant(SourceEntry(name="s", path=str(path)), path)
    batches = [batch for part in source.parts() for batch in source.read(part)]
    assert [reject for batch in batches for reject in batch.rejects] == []
    return [
        (row["source_id"], row["title"], row["source_path"])
        for batch in batches
        for row in batch.products.to_pylist()
    ]


OAK = "<item><id>1</id><title>{}</title><product_type>{}</product_type></item>"
FEED = "<rss><channel>{}</channel></rss>"


@pytest.mark.parametrize(
    "item",
    [
        "<item><g:id>1</g:id><title>Oak</title><g:product_type>Home &gt; Shelves</g:product_type></item>",
        "<sy:updatePeriod>hourly</sy:updatePeriod>" + OAK.format("Oak", "Home &gt; Shelves"),
        "<item><g:id>1</g:id><title/><g:title>Oak</g:title><product_type> </product_type>"
        "<g:product_type>Home &gt; Shelves</g:product_type></item>",
        "<!-- a --><item><!-- b --><id>1</id><title>Oak</title>"
        "<product_type><![CDATA[Home &gt; Shelves]]></product_type></item>",
        "<x:item><x:id>1</x:id><x:title>Oak</x:title>"
        "<x:product_type>Home > Shelves</x:product_type></x:item>",
    ],
)
def test_elements_are_read_by_their_local_name_and_empty_ones_hide_none(tmp_path: Path, item: str) -> None:
    assert rows_of(tmp_path, FEED.format(item).encode()) == [("1", "Oak", ["Home", "Shelves"])]


@pytest.mark.parametrize(
    "item",
    [
        OAK.format("Oak", "Home").replace("<item>", '<item x:y="1">'),
        OAK.format("Oak", "Home").replace("<title>", "<title sy:kind='a b:c=\"d\"' kind='e'>"),
        OAK.format("Oak", "Home").replace("<item><id>", '<item\n s:t = "1"\n u:v="2"><id i:j="3"/><id>'),
        OAK.format("Oak", "Home").replace("<id>", '<link q:rel="x" href="https://a.cn/1"/><id>'),
    ],
)
def test_a_prefix_of_an_attribute_need_not_be_declared(tmp_path: Path, item: str) -> None:
    assert rows_of(tmp_path, FEED.format(item).encode()) == [("1", "Oak", ["Home"])]


@pytest.mark.parametrize("link", ['href="u"', 'x:href="u"', 'x:href="v" href="u"', 'href="u" x:href="v"'])
def test_a_link_is_the_attribute_of_that_local_name(tmp_path: Path, link: str) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(f"<feed><entry><id>1</id><link {link}/></entry></feed>")
    feed = merchant.MerchantXml(path, "shop", Columns(id="id", image="link"))
    (batch,) = (batch for part in feed.parts() for batch in feed.read(part))
    assert batch.products["image_ref"].to_pylist() == ["u"]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Oak&nbsp;shelf", "Oak\xa0shelf"),
        ("Caf&eacute; &amp; bar", "Café & bar"),
        ("5 &lt; 6 &copy;", "5 < 6 ©"),
        ("&unknownname;x", "&unknownname;x"),
        ("a&b", None),
    ],
)
def test_entities_of_html_are_characters(tmp_path: Path, written: str, title: str | None) -> None:
    content = FEED.format(OAK.format(written, "Home")).encode()
    if title is None:
        with pytest.raises(AssertionError):
            rows_of(tmp_path, content)
    else:
        assert [row[1] for row in rows_of(tmp_path, content)] == [title]


def test_entities_across_the_chunks_of_a_long_feed(tmp_path: Path) -> None:
    items = "".join(
        OAK.format("&eacute;" * 40 + str(n), "Home").replace(">1<", f">{n}<") for n in range(1500)
    )
    assert [row[1] for row in rows_of(tmp_path, FEED.format(items).encode())] == [
        "é" * 40 + str(n) for n in range(1500)
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb2312"])
@pytest.mark.parametrize("before", ["", "\n", "\r\n  \n"])
def test_feeds_in_other_encodings_and_after_blank_lines(tmp_path: Path, encoding: str, before: str) -> None:
    declared = encoding.replace("-sig", "").replace("-le", "").replace("-be", "")
    head = f'<?xml version="1.0" encoding="{declared}"?>'
    content = (before + head + FEED.format(OAK.format("红茶", "食品 &gt; 茶"))).encode(encoding)
    assert rows_of(tmp_path, content) == [("1", "红茶", ["食品", "茶"])]
    assert rows_of(tmp_path, gzip.compress(content), "f.xml.gz") == [("1", "红茶", ["食品", "茶"])]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<!DOCTYPE html><html><body><h1>503</h1></body></html>", "but <html>, <body>, <h1>"),
        ("<products><product><id>1</id></product></products>", "but <products>, <product>, <id>"),
        ("<feed><offer/><offer/></feed>", "but <offer>, <feed>"),
        ("<rss><channel><Item/></channel></rss>", "no <item>"),
        ("<rss><channel/></rss>", "no <item>"),
        ("<html><br><p>Service", "its XML breaks in line 1"),
    ],
)
def test_a_feed_without_items_is_an_error(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(FormatError, match="is no feed with products") as caught:
        rows_of(tmp_path, content.encode())
    assert words in str(caught.value)


def test_several_product_types_are_several_categories(tmp_path: Path) -> None:
    item = OAK.format("Oak", "Home &gt; Shelves</product_type><product_type>Sale").encode()
    path = tmp_path / "f.xml"
    path.write_bytes(FEED.encode().replace(b"{}", item))
    source = open_merchant(SourceEntry(name="s", path=str(path)), path)
    (batch,) = source.read(source.parts()[0])
    assert batch.products["source_path"].to_pylist() == [["Home", "Shelves"]]
    assert [(reject.stage, reject.value) for reject in batch.rejects] == [("further categories", "Sale")]
