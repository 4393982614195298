"""Products as pages show them: every value is text, every label says where it is from."""

from mep3m.desk.language import Translator
from mep3m.desk.pages import environment
from mep3m.desk.shown import ShownLine, ShownProduct, shown
from mep3m.product import Label, Product
from mep3m.taxonomy import Category, Taxonomy

TREE = Taxonomy((Category("food", "食品", "Food"), Category("tea", "茶叶", parent="food")))
PRODUCT = Product(
    "shop:1",
    "shop",
    "1",
    title="绿茶 <b>500g</b>",
    ocr="包邮 绿茶",
    image="a" * 64,
    labels=(
        Label("food", "mapped", "mep3m align", 0.98),
        Label("tea", "reviewed", "anna"),
        Label(None, "given", "x"),
    ),
)


def card(product: ShownProduct, language: str = "en") -> str:
    template = environment().from_string('{% from "product.html" import card %}{{ card(product, _) }}')
    return template.render(product=product, _=Translator(language))


def test_a_card_says_everything_and_runs_nothing() -> None:
    html = card(shown(PRODUCT, TREE, (ShownLine("包邮", True), ShownLine("绿茶"))))
    assert "绿茶 &lt;b&gt;500g&lt;/b&gt;" in html
    assert '<mark title="Selling talk">包邮</mark>' in html
    assert f'src="/picture/{"a" * 64}"' in html
    assert 'href="/explore/product/shop%3A1"' in html
    for said in ("食品", "mapped", "mep3m align", "98.0 %", "reviewed", "anna"):
        assert said in html


def test_a_card_in_chinese() -> None:
    assert "映射" in card(shown(PRODUCT, TREE), "zh")


def test_what_is_not_there_is_said() -> None:
    html = card(shown(Product("shop:2", "shop", "2", dropped="blank_image"), TREE))
    for said in ("No picture", "No title", "No label", "blank_image"):
        assert said in html


def test_without_lines_the_text_of_the_picture_is_one() -> None:
    assert shown(PRODUCT, TREE).lines == (ShownLine("包邮 绿茶"),)


def test_a_category_that_the_tree_lacks_is_named_by_its_id() -> None:
    only = Product("shop:3", "shop", "3", labels=(Label("gone", "given", "shop"),))
    assert [label.name for label in shown(only, TREE).labels] == ["gone"]
