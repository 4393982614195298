"""What a column looks like."""

import pytest

from mep3m.sources.inspection.column_kinds import is_gtin, language, look_at, path_separator

TITLES = ["红富士苹果 5斤 整箱包邮", "海信 49寸 智能电视", "小米手机壳 透明", "安满孕妈奶粉 800克"]
WORDS = ["oak table, large", "pine shelf 80 cm", "steel lamp in black", "wool rug from Iran"]


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("id", ["1", "2", "3"], "id"),
        ("uniq_id", ["7b72c92c2f6c", "d4684dcdc759", "6325b6870c54"], "id"),
        ("编号", ["A-1", "A-2", "A-3"], "id"),
        ("stock", ["1", "1", "3"], "number"),
        ("ean", ["6901234567892", "4006381333931", "0012345678905"], "GTIN"),
        ("title", TITLES, "title"),
        ("beschreibung", WORDS, "title"),
        ("price", ["9.99", "12", "3"], "price"),
        ("a", ["￥9.99", "12元", "$3"], "price"),
        (
            "a",
            ["https://a.example/1.jpg", "//b.example/2.png_400x400.jpg", "https://a.example/3.webp?x=1"],
            "image URL",
        ),
        ("picture", ["https://a.example/img?id=1", "https://a.example/img?id=2"], "image URL"),
        ("link", ["https://a.example/p/1", "https://a.example/p/2"], "URL"),
        ("a", ["photos/1.jpg", "photos/2.JPEG", "3.png"], "image"),
        ("a", ["1.jpg;2.jpg;3.jpg", "4.jpg;5.jpg;6.jpg"], "images"),
        ("a", ["doc/1.txt", "doc/2.txt"], "file"),
        ("a", ["2024-01-31", "2024/2/1", "2024年2月1日"], "date"),
        ("in_stock", ["yes", "no", "yes"], "flag"),
        ("a", ["<p>Oak</p>", "<p>Pine</p> wood", "<b>x</b>"], "HTML"),
        ("breadcrumb", ["Home > Shelves", "Home > Rugs", "Home > Shelves"], "path"),
        ("类目路径", ["家居/书架", "家居/地毯", "家居/书架"], "path"),
        ("category", ["Shelves", "Rugs", "Shelves", "Rugs"], "category"),
        ("articleType", ["Shirts", "Jeans", "Shirts", "Jeans"], "category"),
        ("Class Name (str)", ["Apple", "Apple", "Pear", "Apple"], "category"),
        ("sub_class_id", ["FALSE", "612", "FALSE", "613", "FALSE"], "attribute"),
        ("colour", ["red", "red", "blue", "red"], "attribute"),
        ("Vendor", ["Sony", "Apple", "Sony"], "brand or seller"),
        ("platform", ["taobao", "jd", "jd"], "platform"),
        ("ocr", ["SALE", "50% off"], "ocr"),
        ("notes", ["", " ", ""], "empty"),
        ("specification", ['{"key"=>"a > b"}', '{"key"=>"a > c"}'], "structure"),
    ],
)
def test_names_and_values_say_what_a_column_is(name: str, cells: list[str], kind: str) -> None:
    assert look_at(name, cells).kind == kind


def test_samples_are_the_first_different_values_and_short() -> None:
    column = look_at("title", ["a b " * 40, "c d", "c d", "e", "f"])
    assert column.samples == ("a b " * 14 + "a b…", "c d", "e")
    assert (column.filled, column.distinct) == (5, 4)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["红富士苹果 iPhone"], "zh"), (["おいしいりんご 林檎"], "ja"), (["사과"], "ko"),
        (["apple"], "latin"), (["яблоко"], "cyrillic"), (["123 %"], None),
    ],
)  # fmt: skip
def test_letters_say_the_language_or_only_the_script(texts: list[str], said: str | None) -> None:
    assert language(texts) == said


@pytest.mark.parametrize(
    ("values", "separator"),
    [
        (["Home > A", "Home > B", "Home > C", "Home > D"], ">"),
        (["Home » A", "Home » B", "Home » C", "Home » D"], "»"),
        (["家居＞书架", "家居＞地毯", "家居＞灯", "家居＞桌"], "＞"),
        (["Home|A", "Home|B", "Home|C", "Home|D"] * 10, "|"),
        (["red/blue", "oak/pine", "1/2 inch", "a/b"], None),
        (["Home", "Shelves"], None),
    ],
)
def test_the_separator_of_a_path(values: list[str], separator: str | None) -> None:
    assert path_separator(values, False) == separator


def test_the_check_digit_makes_a_gtin() -> None:
    assert is_gtin("6901234567892")
    assert not is_gtin("6901234567890")
    assert not is_gtin("69012")


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (
            ["6.90E+12", "a"],
            "1 numbers such as 6.90E+12: a spreadsheet cut their digits, export them as text",
        ),
        (["NULL", "nan", "a"], "2 cells say nothing in a word (NULL, nan, N/A, -)"),
    ],
)
def test_what_is_likely_to_be_unwanted_is_noted(cells: list[str], note: str) -> None:
    assert look_at("a", cells).note == note
