"""The pieces that published taxonomies are read with: lines, trees, tables, nodes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.taxonomies.lines import first_line, read_lines
from mep3m.alignment.taxonomies.nodes import TaxonomyNode, to_side
from mep3m.alignment.taxonomies.tables import read_table, table_kind, unspsc_nodes, version_of
from mep3m.alignment.taxonomies.trees import gpc_nodes, gpc_xml_nodes, json_kind, shopify_nodes, xml_kind
from mep3m.errors import FormatError

NAME = st.text(st.characters(whitelist_categories=("L", "N"), max_codepoint=0x9FFF), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("# Google_Product_Taxonomy_Version: 2021-09-21", ("google", "2021-09-21")),
        ("#Google_Product_Taxonomy_Version: 2015-02-19  ", ("google", "2015-02-19")),
        ("# google_product_taxonomy_version: x", ("google", "x")),
        ("# Shopify Product Taxonomy - Categories: 2025-08-unstable", ("shopify", "2025-08-unstable")),
        ("# Shopify Product Taxonomy - Mapping shopify/2022-02 to shopify/2025-08", None),
        ("id\tpath", None),
        ("", None),
    ],
)
def test_the_first_line_says_what_a_text_is(line: str, said: tuple[str, str] | None) -> None:
    assert first_line(line + "\n1 - a\n") == said


@pytest.mark.parametrize(
    ("line", "number", "path"),
    [
        ("1 - Animals", "1", ("Animals",)),
        ("537 -  Baby & Toddler > Baby Safety", "537", ("Baby & Toddler", "Baby Safety")),
        ("5 - Toys > 3 - 5 years", "5", ("Toys", "3 - 5 years")),
        ("Animals > Birds", "Animals > Birds", ("Animals", "Birds")),
        ("7 - A >B", "7", ("A >B",)),
    ],
)
def test_a_line_of_google(line: str, number: str, path: tuple[str, ...]) -> None:
    (node,) = read_lines(f"# Google_Product_Taxonomy_Version: 1\n{line}\n", "google")
    assert (node.id, node.path, node.name, node.line) == (number, path, path[-1], 2)


@given(st.lists(st.lists(NAME, min_size=1, max_size=5), min_size=1, max_size=20, unique_by=tuple))
def test_what_google_writes_comes_back(paths: list[list[str]]) -> None:
    lines = [f"{i} - {' > '.join(path)}" for i, path in enumerate(paths, start=1)]
    nodes = list(read_lines("# Google_Product_Taxonomy_Version: 1\n" + "\n".join(lines), "google"))
    assert [list(node.path) for node in nodes] == paths
    assert [node.id for node in nodes] == [str(i) for i in range(1, len(paths) + 1)]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"verticals": [], "version": "2025-08"}, ("shopify", "2025-08")),
        ({"verticals": []}, ("shopify", None)),
        ({"Schema": [], "DateUtc": "2024-05-01"}, ("gpc", "2024-05-01")),
        ({"Schema": {}}, None),
        ({"categories": []}, None),
        ([], None),
        ("text", None),
    ],
)
def test_what_a_json_document_is(value: object, said: tuple[str, str | None] | None) -> None:
    assert json_kind(value) == said


def test_shopifys_categories_of_all_verticals() -> None:
    def vertical(prefix: str, count: int) -> dict[str, object]:
        categories = [
            {"id": f"gid://shopify/TaxonomyCategory/{prefix}-{i}", "full_name": f"{prefix} > {i}"}
            for i in range(count)
        ]
        return {"prefix": prefix, "categories": categories}

    nodes = list(shopify_nodes({"verticals": [vertical("ap", 2), {"prefix": "x"}, vertical("bi", 1)]}))
    assert [node.id for node in nodes] == ["ap-0", "ap-1", "bi-0"]
    assert [node.path for node in nodes] == [("ap", "0"), ("ap", "1"), ("bi", "0")]
    assert [node.line for node in nodes] == [1, 2, 3]


def test_gpc_stops_at_the_brick() -> None:
    value: dict[str, object] = {"Code": 6, "Title": "value", "Childs": []}
    for code in range(5, 0, -1):
        value = {"Code": code, "Title": f"level {code}", "Childs": [value]}
    assert [(node.id, node.parent) for node in gpc_nodes({"Schema": [value]})] == [
        ("1", None),
        ("2", "1"),
        ("3", "2"),
        ("4", "3"),
    ]


def test_gpc_in_xml_with_a_namespace() -> None:
    content = (
        b'<g:schema xmlns:g="http://gpc.example" version="12"><g:segment code="1" text="Food">'
        b'<g:family code="2" text="Fruit"/></g:segment><g:segment code="3" text="Pets"/></g:schema>'
    )
    assert xml_kind(content) == ("gpc", "12")
    assert [(node.id, node.name, node.parent) for node in gpc_xml_nodes(content)] == [
        ("1", "Food", None),
        ("2", "Fruit", "1"),
        ("3", "Pets", None),
    ]


@pytest.mark.parametrize("content", [b"<a/>", b"<broken>", b"", b"text"])
def test_what_is_not_gpc_in_xml(content: bytes) -> None:
    assert xml_kind(content) is None


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("id,parent_id,name", "parents"),
        ("cid\tparent_cid\tname", "parents"),
        ("Code;Parent_Code;Title", "parents"),
        ("类目id,父类目id,类目名称", "parents"),
        ("Segment,Segment Title,Family,Family Title", "unspsc"),
        ("Segment,Segment Name,Family,Family Name,Class,Class Name", "unspsc"),
        ("ARTCLASSID;ARTGROUPID;ARTCLASSDESC;ARTCLASSVERSION", "etim"),
        ("id,name", None),
        ("id,title,category", None),
    ],
)
def test_the_header_says_what_a_table_is(header: str, kind: str | None) -> None:
    assert table_kind(read_table(Path("a.csv"), f"{header}\n1,2,3\n")) == kind


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("UNSPSC Version 26.0801\nid,pid,name\n1,0,a\n", "26.0801"),
        ("Codeset,,\nVersion:,24,\nid,pid,name\n1,0,a\n2,0,b\n", None),
        ("id,pid,name,version\n1,0,a,9\n2,0,b,9\n", "9"),
        ("id,pid,name,version\n1,0,a,9\n2,0,b,8\n", None),
        ("id,pid,name\n1,0,a\n", None),
    ],
)
def test_the_version_of_a_table(text: str, version: str | None) -> None:
    assert version_of(read_table(Path("a.csv"), text)) in (version, "24")


def test_a_table_knows_its_lines_behind_a_preamble_and_a_cell_with_a_line_break() -> None:
    table = read_table(Path("a.csv"), 'made in 2024\n\nid,pid,name\n1,0,"Home\nand garden"\n\n2,1,Rugs\n')
    assert table.header == ["id", "pid", "name"]
    assert [(line, cells[0]) for line, cells in table.rows] == [(4, "1"), (7, "2")]


def test_unspsc_gives_every_level_once() -> None:
    text = (
        "Segment,Segment Title,Family,Family Title,Class,Class Title,Commodity,Commodity Title\n"
        "10,A,1010,B,101015,C,10101501,D\n10,A,1010,B,101015,C,10101502,E\n10,A,1020,F,,,,\n"
    )
    nodes = list(unspsc_nodes(read_table(Path("a.csv"), text)))
    assert [(node.id, node.parent, node.line) for node in nodes] == [
        ("10", None, 2),
        ("1010", "10", 2),
        ("101015", "1010", 2),
        ("10101501", "101015", 2),
        ("10101502", "101015", 3),
        ("1020", "10", 4),
    ]


@given(st.lists(st.integers(0, 8), min_size=1, max_size=12))
def test_every_node_has_the_path_of_its_parents_or_is_refused(parents: list[int]) -> None:
    """Number n has parent `parents[n - 1]`; 0 is none, and circles and missing parents occur."""
    nodes = [
        TaxonomyNode(str(i), f"n{i}", str(p) if p else None, line=i) for i, p in enumerate(parents, start=1)
    ]
    good = {str(i) for i in range(1, len(parents) + 1) if _reaches_a_root(i, parents)}
    if not good:
        with pytest.raises(FormatError, match="holds no category"):
            to_side(Path("a"), "s", nodes)
        return
    side, rejects = to_side(Path("a"), "s", nodes)
    assert {entry.id for entry in side} == good
    assert len(side) + len(rejects) == len(parents)
    for entry in side:
        parent = parents[int(entry.id) - 1]
        assert entry.path == ((*side[str(parent)].path, f"n{entry.id}") if parent else (f"n{entry.id}",))


def _reaches_a_root(number: int, parents: list[int]) -> bool:
    for _ in range(len(parents) + 1):
        if number > len(parents):
            return False
        number = parents[number - 1]
        if number == 0:
            return True
    return False
