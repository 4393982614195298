"""From a shop's export to a column to upload."""

from pathlib import Path

import pytest

from mep3m.alignment.records import Proposal
from mep3m.alignment.review.sssom import write_sssom
from mep3m.alignment.taxonomies.published import read_categories
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.recipes.map_shop import Shop, TargetPlace, decided_places, read_shop, write_column
from mep3m.settings.align import MergeSettings

GOOGLE = """# Google_Product_Taxonomy_Version: 2021-09-21
1 - Home
2 - Home > Rugs
3 - Home > Rugs > Wool Rugs
4 - Toys
"""
ACCEPT = MergeSettings(unreviewed="accept", accept_above=0.5)


def taxonomy(folder: Path) -> Path:
    (folder / "google.txt").write_text(GOOGLE)
    return folder / "google.txt"


def categories(folder: Path) -> Path:
    (folder / "tree.tsv").write_text(
        "id\tpath\na\tFloor\nb\tFloor > Rugs\nc\tFloor > Rugs > Wool\nd\tGames\n"
    )
    return folder / "tree.tsv"


def products(folder: Path) -> Path:
    rows = [
        ("P1", "red rug of wool", "Floor", "Rugs"),
        ("P2", "blue rug large", "Floor", "Rugs"),
        ("P3", "chess set in a box", "Games", ""),
    ]
    lines = ["sku,title,category_1,category_2", *(",".join(row) for row in rows)]
    (folder / "shop.csv").write_text("\n".join(lines) + "\n")
    return folder / "shop.csv"


def review(folder: Path, *links: tuple[str, str, str, float, bool]) -> Path:
    rows = [Proposal(left, right, relation, p, accept) for left, right, relation, p, accept in links]  # type: ignore[arg-type]
    write_sssom(folder / "r.sssom.tsv", rows)
    return folder / "r.sssom.tsv"


def places(folder: Path, *links: tuple[str, str, str, float, bool]) -> dict[str, TargetPlace]:
    shop = read_shop(categories(folder))
    found, _ = decided_places(
        shop, read_categories(taxonomy(folder), "right"), review(folder, *links), ACCEPT
    )
    return {place.category.id: place for place in found}


def targets(found: dict[str, TargetPlace]) -> dict[str, str | None]:
    return {key: place.target.id if place.target else None for key, place in found.items()}


def test_a_table_of_categories_is_a_shop(tmp_path: Path) -> None:
    shop = read_shop(categories(tmp_path))
    assert shop.entry is None
    assert [entry.id for entry in shop.side] == ["a", "b", "c", "d"]


def test_products_are_a_shop_and_their_columns_are_found(tmp_path: Path) -> None:
    shop = read_shop(products(tmp_path))
    assert shop.entry is not None
    assert shop.entry.columns.labels == ("category_1", "category_2")
    assert {entry.label: (entry.count, entry.titles) for entry in shop.side} == {
        "Floor > Rugs": (2, ("red rug of wool", "blue rug large")),
        "Games": (1, ("chess set in a box",)),
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "shopify.json",
            '{"verticals": [{"categories": [{"id": "gid://s/a", "full_name": "A > B"}]}]}',
        ),
        (
            "gpc.xml",
            '<schema><segment code="1" text="A"><family code="2" text="B"/></segment></schema>',
        ),
        ("parents.csv", "id,parent_id,name\n1,0,A\n2,1,B\n"),
    ],
)
def test_a_published_taxonomy_is_a_shop_too(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    shop = read_shop(tmp_path / name)
    assert shop.entry is None
    assert "A > B" in [entry.label for entry in shop.side]


@pytest.mark.parametrize(
    "text",
    [
        "cid,parent_cid,name,is_parent\n16,0,女装,true\n50010850,16,连衣裙,false\n162104,16,衬衫,false\n",
        "类目ID,父类目ID,类目名称\n1,0,女装\n2,1,连衣裙\n3,1,衬衫\n",
        "category_id\tpid\tcategory_name\n1\t0\t女装\n2\t1\t连衣裙\n3\t1\t衬衫\n",
        "code;parent;name;title\nA;;女装;x\nB;A;连衣裙;y\nC;A;衬衫;z\n",
    ],
)
def test_a_table_with_parents_is_one_of_categories(tmp_path: Path, text: str) -> None:
    (tmp_path / "cats.csv").write_text(text)
    shop = read_shop(tmp_path / "cats.csv")
    assert [entry.label for entry in shop.side] == ["女装", "女装 > 连衣裙", "女装 > 衬衫"]
    assert shop.entry is None


@pytest.mark.parametrize("parent", ["A1", "id:1", ""])
def test_products_that_name_the_parent_of_a_variant_are_products(tmp_path: Path, parent: str) -> None:
    rows = f"1,A1,Shirt,,Clothes > Shirts\n2,A1-S,Shirt S,{parent},Clothes > Shirts\n3,B,Mug,,Home > Mugs\n"
    (tmp_path / "woo.csv").write_text(f"ID,SKU,Name,Parent,Categories\n{rows}")
    shop = read_shop(tmp_path / "woo.csv")
    assert shop.entry is not None
    assert [entry.label for entry in shop.side if len(entry.path) > 1] == ["Clothes > Shirts", "Home > Mugs"]


@pytest.mark.parametrize("name", ["page.csv", "page.tsv", "page.txt", "page.json", "page.xml"])
@pytest.mark.parametrize("start", ["<!DOCTYPE html>\n<html>", "\ufeff\n<HTML>"])
def test_a_web_page_is_called_one_whatever_its_name_says(tmp_path: Path, name: str, start: str) -> None:
    (tmp_path / name).write_text(f"{start}<title>503, busy</title></html>\n")
    for read in (read_shop, read_categories):
        with pytest.raises(FormatError, match=r"is a web page \(an error page in place of an export\?\)"):
            read(tmp_path / name)


def test_what_is_neither_catalogue_nor_taxonomy_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "other.xml").write_text("<a><b/></a>")
    with pytest.raises(FormatError, match=r"other\.xml is no taxonomy known here"):
        read_shop(tmp_path / "other.xml")
    with pytest.raises(NotFoundError, match=r"absent\.csv does not exist"):
        read_shop(tmp_path / "absent.csv")
    with pytest.raises(FormatError, match=r"other\.xml"):
        read_shop(tmp_path / "other.xml", {"format": "jsonl"})


def test_columns_can_be_named(tmp_path: Path) -> None:
    shop = read_shop(products(tmp_path), {"columns": {"id": "sku", "labels": ["category_1"]}})
    assert [entry.label for entry in shop.side] == ["Floor", "Games"]


def test_a_catalogue_without_categories_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sku,title\nP1,red rug of wool\nP2,blue rug large\n")
    with pytest.raises(UsageError, match="no row has a category path"):
        read_shop(tmp_path / "a.csv")


def test_equal_and_broader_targets_are_taken_and_narrower_ones_are_not(tmp_path: Path) -> None:
    found = places(
        tmp_path,
        ("b", "2", "exact", 0.9, True),
        ("d", "4", "narrower", 0.8, True),
        ("a", "2", "broader", 0.9, True),
    )
    assert targets(found) == {"a": None, "b": "2", "c": "2", "d": "4"}


def test_a_category_without_a_decision_takes_that_of_the_one_above(tmp_path: Path) -> None:
    found = places(tmp_path, ("a", "1", "exact", 0.9, True))
    assert targets(found) == {"a": "1", "b": "1", "c": "1", "d": None}
    assert found["c"].inherited
    assert (found["c"].relation, found["a"].inherited) == ("narrower", False)


def test_of_several_links_the_equal_then_the_deepest_counts(tmp_path: Path) -> None:
    narrower = [("c", "1", "narrower", 0.99, True), ("c", "2", "narrower", 0.6, True)]
    assert targets(places(tmp_path, *narrower))["c"] == "2"
    assert targets(places(tmp_path, *narrower, ("c", "3", "exact", 0.55, True)))["c"] == "3"


def test_what_nobody_decided_is_not_used_unless_the_policy_says_so(tmp_path: Path) -> None:
    shop, target = read_shop(categories(tmp_path)), read_categories(taxonomy(tmp_path), "right")
    file = review(tmp_path, ("b", "2", "exact", 0.9, True), ("d", "4", "exact", 0.4, True))
    nothing, counts = decided_places(shop, target, file, MergeSettings(unreviewed="skip"))
    assert not any(place.target for place in nothing)
    assert counts == {"accept": 0, "reject": 0, "unsure": 0, "open": 2}
    above, _ = decided_places(shop, target, file, ACCEPT)
    assert [place.target is not None for place in above] == [False, True, True, False]


def test_a_decision_of_a_person_comes_before_the_methods(tmp_path: Path) -> None:
    file = review(tmp_path, ("b", "2", "exact", 0.9, True), ("b", "3", "narrower", 0.3, False))
    file.write_text(_decided(file.read_text(), "3", "accept"))
    shop, target = read_shop(categories(tmp_path)), read_categories(taxonomy(tmp_path), "right")
    found, _ = decided_places(shop, target, file, ACCEPT)
    assert found[1].target == target.side["3"]


def _decided(text: str, right: str, word: str) -> str:
    lines = text.splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith("subject_id"))
    names = lines[header].split("\t")
    for i in range(header + 1, len(lines)):
        cells = lines[i].split("\t")
        if cells[names.index("object_id")] == right:
            cells[names.index("mep3m_decision")] = word
            lines[i] = "\t".join(cells)
    return "\n".join(lines) + "\n"


def test_a_target_that_the_taxonomy_lacks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"line \d+: the taxonomy has no category '99'"):
        places(tmp_path, ("b", "99", "exact", 0.9, True))


def test_the_column_of_products_has_their_own_ids(tmp_path: Path) -> None:
    shop, target = read_shop(products(tmp_path)), read_categories(taxonomy(tmp_path), "right")
    found, _ = decided_places(
        shop, target, review(tmp_path, ("Floor > Rugs", "2", "exact", 0.9, True)), ACCEPT
    )
    mapped = write_column(shop, found, tmp_path / "up.tsv", "google_product_category", as_path=False)
    assert (tmp_path / "up.tsv").read_text() == "id\tgoogle_product_category\nP1\t2\nP2\t2\nP3\t\n"
    assert (mapped.rows, mapped.filled, mapped.categories) == (3, 2, 2)
    assert mapped.without == [("Games", 1)]


def test_the_column_of_categories_says_why(tmp_path: Path) -> None:
    shop: Shop = read_shop(categories(tmp_path))
    found = list(places(tmp_path, ("b", "2", "exact", 0.9, True)).values())
    write_column(shop, found, tmp_path / "up.tsv", "category", as_path=True)
    assert (tmp_path / "up.tsv").read_text().splitlines()[1:4] == [
        "a\tFloor\t\t\t\t",
        "b\tFloor > Rugs\tHome > Rugs\texact\t0.9000\t",
        "c\tFloor > Rugs > Wool\tHome > Rugs\tnarrower\t0.9000\tyes",
    ]
