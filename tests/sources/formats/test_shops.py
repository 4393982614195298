"""Exports of shop systems, in small files made by hand in their forms."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from openpyxl import Workbook

from mep3m.errors import FormatError, UsageError
from mep3m.settings.sources import SourceEntry
from mep3m.sources.catalogue import open_source
from mep3m.sources.formats.shops import ShopExport, without_html
from mep3m.sources.inspection.inspect import inspect_file
from tests.cli.runner import ran

SHOPIFY = """Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Option1 Name,Option1 Value,Variant SKU,Image Src,Image Position
mug,<b>Blue</b> Mug &amp; Lid,<p>A mug</p>,Ann,Home & Garden > Kitchen,Mugs,"gift, blue",Size,S,M-S,https://a.example/1.jpg,1
mug,,,,,,,,L,M-L,https://a.example/2.jpg,2
mug,,,,,,,,,,https://a.example/3.jpg,3
rug,Rug,,Ann,,Rugs,,,,R-1,,
"""  # noqa: E501
WOO = """ID,Type,SKU,Name,Description,Categories,Images,Parent
101,variation,TEE-S,Tee - S,,,https://a.example/s.jpg,id:100
100,variable,TEE,Tee,"<p>Soft,<br>warm</p>","Clothing > Tees, Sale","https://a.example/1.jpg, https://a.example/2.jpg",
102,variation,TEE-L,Tee - L,,,,TEE
200,simple,HAT,Hat,,Clothing,,
"""
MAGENTO = """sku,store_view_code,attribute_set_code,product_type,categories,name,description,base_image,additional_images,configurable_variations
BAG-R,,Bag,simple,,Bag-Red,,/b/r.jpg,,
BAG,,Bag,configurable,"Default Category/Gear/Bags,Default Category/Sale",Bag,<ul><li>big</li></ul>,/b/1.jpg,"/b/2.jpg,/b/3.jpg","sku=BAG-R,color=Red|sku=BAG-G,color=Green"
BAG,de,Bag,configurable,,Tasche,,,,
BAG-G,,Bag,simple,,Bag-Green,,,,
TOY,,Toy,simple,Default Category/Toys,Toy,,/t.jpg,,
"""  # noqa: E501
TAOBAO = (
    "version 1.00\ntitle\tcid\tseller_cids\tdescription\tpicture\tnum_id\touter_id\n"
    "宝贝名称\t宝贝类目\t店铺类目\t宝贝描述\t新图片\t数字ID\t商家编码\n"
    '"汉服 ""春"" 新款"\t50011\t,1,\t"<p>好\n看</p>"\t"ab12:1:0:|https://img.example/1.jpg;cd34:1:1:|;"\t6001\t="0012"\n'
    "袄裙\t50012\t\t\t\t6002\tB\n"
)
AMAZON = (
    "TemplateType=fptcustom\tVersion=2024.01\t\t\t\t\t\n"
    "SKU\tName\tType\tMain\tOther\tParentage\tParent\n"
    "item_sku\titem_name\titem_type\tmain_image_url\tother_image_url1\tparent_child\tparent_sku\n"
    "T-RED\tTee, red\ttees\thttps://a.example/r.jpg\t\tchild\tT\n"
    "T\tTee\ttees\thttps://a.example/1.jpg\thttps://a.example/2.jpg\tparent\t\n"
    "HAT\tHat\thats\t\t\t\t\n"
)


def opened(path: Path, format: str, **more: Any) -> ShopExport:  # noqa: A002
    entry = SourceEntry.parse({"name": "s", "path": str(path), "format": format, **more}, "test")
    source = open_source(entry)
    assert isinstance(source, ShopExport)
    return source


def rows(source: ShopExport) -> list[tuple[Any, ...]]:
    table = pa.concat_tables([batch.products for part in source.parts() for batch in source.read(part)])
    names = ("source_id", "title", "source_path", "image_ref", "line")
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def extras(source: ShopExport, product: str) -> list[tuple[str, str]]:
    return [(name, value) for one, name, _, value in source.extras() if one == f"s:{product}"]


def write(folder: Path, text: str, encoding: str = "utf-8", name: str = "export.csv") -> Path:
    (folder / name).write_text(text, encoding=encoding)
    return folder / name


def test_shopify_joins_variants_and_images_by_handle(tmp_path: Path) -> None:
    source = opened(write(tmp_path, SHOPIFY), "shopify")
    assert rows(source) == [
        ("mug", "Blue Mug & Lid", ["Home & Garden", "Kitchen"], "https://a.example/1.jpg", 2),
        ("rug", "Rug", ["Rugs"], None, 5),
    ]
    assert extras(source, "mug") == [
        ("image", "https://a.example/2.jpg"),
        ("image", "https://a.example/3.jpg"),
        ("title_html", "<b>Blue</b> Mug &amp; Lid"),
        ("Body (HTML)", "<p>A mug</p>"),
        ("Variant SKU", "M-S"),
        ("Tags", "gift, blue"),
        ("Variant SKU", "M-L"),
    ]


def test_shopifys_newer_column_names(tmp_path: Path) -> None:
    text = "Title,URL handle,Description,Product category,SKU,Product image URL\nMug,mug,,Home > Mugs,M,https://a.example/1.jpg\n"
    assert rows(opened(write(tmp_path, text), "shopify"))[0][:4] == (
        "mug",
        "Mug",
        ["Home", "Mugs"],
        "https://a.example/1.jpg",
    )


def test_woocommerce_joins_variations_wherever_they_stand(tmp_path: Path) -> None:
    source = opened(write(tmp_path, WOO), "woocommerce")
    assert rows(source) == [
        ("100", "Tee", ["Clothing", "Tees"], "https://a.example/1.jpg", 2),
        ("200", "Hat", ["Clothing"], None, 6 - 1),
    ]
    assert extras(source, "100")[:3] == [
        ("image", "https://a.example/2.jpg"),
        ("image", "https://a.example/s.jpg"),
        ("category", "Sale"),
    ]
    assert [value for name, value in extras(source, "100") if name == "variant"] == ["101", "102"]


def test_magento_joins_by_the_parents_list_and_leaves_translations_out(tmp_path: Path) -> None:
    source = opened(write(tmp_path, MAGENTO), "magento")
    assert rows(source) == [
        ("BAG", "Bag", ["Gear", "Bags"], "/b/1.jpg", 2),
        ("TOY", "Toy", ["Toys"], "/t.jpg", 6),
    ]
    assert [value for name, value in extras(source, "BAG") if name == "image"] == [
        "/b/2.jpg",
        "/b/3.jpg",
        "/b/r.jpg",
    ]
    assert [value for name, value in extras(source, "BAG") if name == "variant"] == ["BAG-R", "BAG-G"]
    assert ("category", "Sale") in extras(source, "BAG")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "gb18030"])
def test_taobaos_assistant(tmp_path: Path, encoding: str) -> None:
    source = opened(write(tmp_path, TAOBAO, encoding), "taobao-csv")
    assert rows(source) == [
        ("6001", '汉服 "春" 新款', ["50011"], "https://img.example/1.jpg", 4),
        ("6002", "袄裙", ["50012"], None, 6),
    ]
    assert extras(source, "6001")[0] == ("image", "cd34.tbi")
    assert ("outer_id", "0012") in extras(source, "6001")
    assert ("description", "<p>好\n看</p>") in extras(source, "6001")


@pytest.mark.parametrize("version", ["version 1.00", "version 1.00,,,,,,", '"version 1.00"'])
def test_taobaos_export_as_other_programs_write_it_with_commas(tmp_path: Path, version: str) -> None:
    rows_of = ["title,cid,seller_cids,picture,num_id", "宝贝名称,宝贝类目,店铺类目,新图片,数字ID"]
    rows_of += ["汉服,50011,,ab12:1:0:|https://img.example/1.jpg,6001", '"袄裙, 春",50012,,,6002']
    source = opened(write(tmp_path, "\n".join([version, *rows_of]) + "\n", "gb18030"), "taobao-csv")
    assert rows(source) == [
        ("6001", "汉服", ["50011"], "https://img.example/1.jpg", 4),
        ("6002", "袄裙, 春", ["50012"], None, 5),
    ]


def test_amazons_flat_file_joins_children_to_their_parent(tmp_path: Path) -> None:
    source = opened(write(tmp_path, AMAZON, name="template.txt"), "amazon-flat-file")
    assert rows(source) == [
        ("T", "Tee", ["tees"], "https://a.example/1.jpg", 4),
        ("HAT", "Hat", ["hats"], None, 6),
    ]
    assert extras(source, "T")[:2] == [
        ("image", "https://a.example/2.jpg"),
        ("image", "https://a.example/r.jpg"),
    ]


def test_amazons_template_as_a_workbook(tmp_path: Path) -> None:
    book = Workbook()
    book.create_sheet("Valid Values").append(["x"])
    sheet = book.create_sheet("Template")
    for line in AMAZON.splitlines():
        sheet.append([cell or None for cell in line.split("\t")])
    book.save(tmp_path / "template.xlsx")
    assert [row[0] for row in rows(opened(tmp_path / "template.xlsx", "amazon-flat-file"))] == ["T", "HAT"]


def test_a_map_of_ones_own(tmp_path: Path) -> None:
    text = "nr;bez;haupt;gruppe;bilder\n2;Rot;1;;b.jpg\n1;Hemd;;Mode/Hemden|Neu;a.jpg+c.jpg\n"
    shop = {
        "id": ["nr"], "title": ["bez"], "parent": ["haupt"], "category": ["gruppe"], "level_separator": "/",
        "path_separator": "|", "images": ["bilder"], "image_separator": "+", "delimiter": ";",
    }  # fmt: skip
    source = opened(write(tmp_path, text), "shop", shop=shop)
    assert rows(source) == [("1", "Hemd", ["Mode", "Hemden"], "a.jpg", 2)]
    assert extras(source, "1") == [
        ("image", "c.jpg"),
        ("image", "b.jpg"),
        ("category", "Neu"),
        ("variant", "2"),
    ]


def test_a_map_of_ones_own_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"needs \[sources.shop\]"):
        opened(write(tmp_path, SHOPIFY), "shop")


@pytest.mark.parametrize("name", ["shopify", "woocommerce", "magento", "amazon-flat-file"])
def test_a_file_of_another_system_says_what_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match=r"no line names the columns|has no column for the"):
        rows(opened(write(tmp_path, "a,b\n1,2\n"), name))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<b>Oak</b> table", "Oak table"), ("Oak &amp; pine", "Oak & pine"), ("3 < 4 > 2", "3 < 4 > 2"),
        ("a<br/>b", "a b"), ("Oak", "Oak"), ("&amp;lt;", "&lt;"), ("<!-- x -->Oak", "Oak"),
        ("I <3 mugs", "I <3 mugs"),
    ],
)  # fmt: skip
def test_titles_lose_tags_and_entities_once(text: str, plain: str) -> None:
    assert without_html(text) == plain


def test_extras_are_kept_beside_the_store_and_listed(tmp_path: Path) -> None:
    path = write(tmp_path, SHOPIFY)
    store = tmp_path / "store"
    assert ran("ingest", path, "--format", "shopify", "--name", "s", "--store", store).code == 0
    query = "SELECT value FROM extras WHERE product = 's:mug' AND field = 'image' ORDER BY number"
    listed = ran("status", store, "--sql", query)
    assert [json.loads(line)["value"] for line in listed.out.splitlines()] == [
        "https://a.example/2.jpg",
        "https://a.example/3.jpg",
    ]
    write(tmp_path, SHOPIFY.replace("2.jpg", "9.jpg"))
    assert ran("ingest", path, "--format", "shopify", "--name", "s", "--store", store).code == 0
    assert "9.jpg" in ran("status", store, "--sql", query).out


@pytest.mark.parametrize(("name", "text"), [("shopify", SHOPIFY), ("woocommerce", WOO), ("magento", MAGENTO)])
def test_inspect_knows_the_export_of_a_shop_system(tmp_path: Path, name: str, text: str) -> None:
    assert any(f"--format {name}" in note for note in inspect_file(write(tmp_path, text)).notes)
