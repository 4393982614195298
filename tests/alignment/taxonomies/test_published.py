"""Published taxonomies in the forms of their publishers; the files here are made by hand."""

import json
from pathlib import Path

import pytest

from mep3m.alignment.taxonomies.nodes import PublishedTaxonomy
from mep3m.alignment.taxonomies.published import read_categories
from mep3m.errors import FormatError, NotFoundError

GOOGLE = """# Google_Product_Taxonomy_Version: 2021-09-21
1 - Animals
3 - Animals > Birds
4 - Animals > Birds > Cages, Stands & Ladders
"""
PLAIN = """# Google_Product_Taxonomy_Version: 2021-09-21
Animals
Animals > Birds
"""
SHOPIFY = """# Shopify Product Taxonomy - Categories: 2025-08-unstable
# Format: {GID} : {Ancestor name} > ... > {Category name}

gid://shopify/TaxonomyCategory/ap      : Animals
gid://shopify/TaxonomyCategory/ap-1    : Animals > Birds : small
"""
SHOPIFY_JSON = {
    "version": "2025-08",
    "verticals": [
        {
            "name": "Animals",
            "categories": [
                {"id": "gid://shopify/TaxonomyCategory/ap", "name": "Animals", "full_name": "Animals"},
                {
                    "id": "gid://shopify/TaxonomyCategory/ap-1",
                    "name": "Birds",
                    "full_name": "Animals > Birds",
                },
            ],
        }
    ],
}
GPC_JSON = {
    "LanguageCode": "en",
    "DateUtc": "2024-05-01",
    "Schema": [
        {
            "Level": 1, "Code": 50000000, "Title": "Food",
            "Childs": [
                {"Level": 2, "Code": 50100000, "Title": "Fruits", "Childs": [
                    {"Level": 3, "Code": 50102100, "Title": "Berries", "Childs": [
                        {"Level": 4, "Code": 10006000, "Title": "Strawberries", "Childs": [
                            {"Level": 5, "Code": 20000001, "Title": "Type of berry", "Childs": []}]}]}]},
            ],
        }
    ],
}  # fmt: skip
GPC_XML = """<?xml version="1.0"?><schema dateUtc="2024-05-01">
<segment code="50000000" text="Food"><family code="50100000" text="Fruits">
<class code="50102100" text="Berries"><brick code="10006000" text="Strawberries">
<attType code="20000001" text="Type of berry"/></brick></class></family></segment></schema>"""
UNSPSC = """UNSPSC Codeset,,,,,,,
Version: 26.0801,,,,,,,
Segment,Segment Title,Family,Family Title,Class,Class Title,Commodity,Commodity Title
10000000,Live animals,10100000,Pets,10101500,Cats and dogs,10101501,Cats
10000000,Live animals,10100000,Pets,10101500,Cats and dogs,10101502,Dogs
"""
PARENTS = "cat_id\tparent_id\tname\n1\t0\t女装\n11\t1\t汉服\n111\t11\t袄裙\n"


def write(folder: Path, name: str, content: object) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def paths(known: PublishedTaxonomy) -> dict[str, tuple[str, ...]]:
    return {entry.id: entry.path for entry in known.side}


BIRDS = ("Animals", "Birds")
STRAWBERRIES = ("Food", "Fruits", "Berries", "Strawberries")


@pytest.mark.parametrize(
    ("name", "content", "kind", "version", "count", "last"),
    [
        ("a.txt", GOOGLE, "google", "2021-09-21", 3, ("4", (*BIRDS, "Cages, Stands & Ladders"))),
        ("a.txt", PLAIN, "google", "2021-09-21", 2, ("Animals > Birds", BIRDS)),
        ("a.txt", "\ufeff" + GOOGLE, "google", "2021-09-21", 3, ("3", BIRDS)),
        ("a.txt", GOOGLE.replace("\n", "\r\n"), "google", "2021-09-21", 3, ("3", BIRDS)),
        ("a.txt", SHOPIFY, "shopify", "2025-08-unstable", 2, ("ap-1", ("Animals", "Birds : small"))),
        ("a.json", SHOPIFY_JSON, "shopify", "2025-08", 2, ("ap-1", BIRDS)),
        ("a.json", GPC_JSON, "gpc", "2024-05-01", 4, ("10006000", STRAWBERRIES)),
        ("a.xml", GPC_XML, "gpc", "2024-05-01", 4, ("10006000", STRAWBERRIES)),
        (
            "a.csv",
            UNSPSC,
            "unspsc",
            "26.0801",
            5,
            ("10101502", ("Live animals", "Pets", "Cats and dogs", "Dogs")),
        ),
        ("a.tsv", PARENTS, "parents", None, 3, ("111", ("女装", "汉服", "袄裙"))),
        ("a.tsv", "id\tpath\n7\tHome > Rugs\n", "table", None, 1, ("7", ("Home", "Rugs"))),
    ],
)
def test_every_form_is_read(
    tmp_path: Path,
    name: str,
    content: object,
    kind: str,
    version: str | None,
    count: int,
    last: tuple[str, tuple[str, ...]],
) -> None:
    known = read_categories(write(tmp_path, name, content), "right")
    assert (known.kind, known.version, len(known.side), known.side.name) == (kind, version, count, "right")
    assert paths(known)[last[0]] == last[1]
    assert not known.rejects


def test_google_in_gb18030(tmp_path: Path) -> None:
    text = "# Google_Product_Taxonomy_Version: 2012-01-13\n632 - 五金/装修\n2878 - 五金/装修 > 五金配件\n"
    (tmp_path / "a.txt").write_bytes(text.encode("gb18030"))
    assert paths(read_categories(tmp_path / "a.txt"))["2878"] == ("五金/装修", "五金配件")


def test_etim_classes_stand_below_the_groups_of_the_file_beside(tmp_path: Path) -> None:
    classes = write(
        tmp_path, "ETIMARTCLASS.csv", "ARTCLASSID;ARTGROUPID;ARTCLASSDESC\nEC000001;EG000017;Cable\n"
    )
    assert paths(read_categories(classes)) == {"EC000001": ("Cable",)}
    write(tmp_path, "ETIMARTGROUP.csv", "ARTGROUPID;GROUPDESC\nEG000017;Cables and wires\n")
    known = read_categories(classes)
    assert known.kind == "etim"
    assert paths(known)["EC000001"] == ("Cables and wires", "Cable")


def test_english_names_beside_the_shops_own(tmp_path: Path) -> None:
    table = "id\tparent_id\tname_cn\tname_en\n1\t\t家居\tHome\n2\t1\t收纳\tStorage\n"
    known = read_categories(write(tmp_path, "a.tsv", table))
    assert known.side["2"].path_en == ("Home", "Storage")


@pytest.mark.parametrize("root", ["", "0", "-1", "NULL", "1"])
def test_what_a_first_level_has_for_a_parent(tmp_path: Path, root: str) -> None:
    known = read_categories(write(tmp_path, "a.csv", f"id,pid,name\n1,{root},Home\n2,1,Rugs\n"))
    assert paths(known)["2"] == ("Home", "Rugs")


@pytest.mark.parametrize(
    ("rows", "line", "reason"),
    [
        ("1,0,Home\n2,9,Rugs\n", 3, "the categories above '2' do not lead to a first level (parent '9')"),
        ("1,0,Home\n1,0,Rugs\n", 3, "the id '1' stands in line 2 too"),
        ("1,0,Home\n2,1,\n", 3, "the id or the name is empty"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_with_their_lines(
    tmp_path: Path, rows: str, line: int, reason: str
) -> None:
    known = read_categories(write(tmp_path, "a.csv", "id,pid,name\n" + rows))
    (reject,) = known.rejects
    assert (reject.line, reject.reason) == (line, reason)
    assert list(paths(known)) == ["1"]


def test_a_circle_of_parents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        FormatError, match=r"holds no category that can be used.*do not lead to a first level"
    ):
        read_categories(write(tmp_path, "a.csv", "id,pid,name\n1,2,Home\n2,1,Rugs\n"))


def test_a_line_of_shopify_that_is_none_is_refused(tmp_path: Path) -> None:
    known = read_categories(write(tmp_path, "a.txt", SHOPIFY + "broken line\n"))
    assert [(reject.line, reject.value) for reject in known.rejects] == [(6, "broken line")]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", "{broken", "is not JSON"),
        ("a.json", {"a": 1}, "Shopify's JSON has 'verticals'"),
        ("a.xml", "<rss/>", "GPC's XML has elements named segment"),
        (
            "a.xml",
            "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><schema>&a;</schema>",
            "no taxonomy known",
        ),
        ("a.txt", "# Google_Product_Taxonomy_Version: 2021\n", "holds no category"),
    ],
)
def test_what_is_none_says_so(tmp_path: Path, name: str, content: object, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        read_categories(write(tmp_path, name, content))


def test_a_table_without_the_columns_still_says_which(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no column 'id'"):
        read_categories(write(tmp_path, "a.tsv", "a\tb\n1\t2\n"))
    with pytest.raises(NotFoundError):
        read_categories(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "gpc.json",
            '{"DateUtc": "27/11/2025", "Schema": [{"Level": 1, "Code": 50, "Title": "Food", "Active": true, '
            '"Childs": [{"Level": 2, "Code": 51, "Title": "Tea", "Active": true, "Childs": null}, '
            '{"Level": 2, "Code": 52, "Title": "Old", "Active": false, '
            '"Childs": [{"Level": 3, "Code": 53, "Title": "Below", "Active": true}]}]}]}',
        ),
        (
            "gpc.xml",
            '<schema><segment code="50" text="Food" active="true"><family code="51" text="Tea"/>'
            '<family code="52" text="Old" active="false"><class code="53" text="Below" active="true"/>'
            "</family></segment></schema>",
        ),
        (
            "gpc-namespace.xml",
            '<s:schema xmlns:s="u"><s:segment code="50" text="Food"><s:family code="51" text="Tea"/>'
            '<s:family code="52" text="Old" active="False"><s:class code="53" text="Below"/></s:family>'
            "</s:segment></s:schema>",
        ),
    ],
)
def test_what_gpc_no_longer_uses_is_no_category(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert [entry.label for entry in read_categories(tmp_path / name).side] == ["Food", "Food > Tea"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_etim_as_it_is_delivered(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "ETIMARTGROUP.csv").write_bytes("ARTGROUPID;GROUPDESC\nEG1;Cables\n".encode(encoding))
    rows = "ARTCLASSID;ARTGROUPID;ARTCLASSDESC;ARTCLASSVERSION\nEC1;EG1;Power cable < 1 kV;9\n"
    (tmp_path / "ETIMARTCLASS.csv").write_bytes(rows.encode(encoding))
    found = read_categories(tmp_path / "ETIMARTCLASS.csv")
    assert (found.kind, [entry.label for entry in found.side]) == (
        "etim",
        ["Cables", "Cables > Power cable < 1 kV"],
    )
