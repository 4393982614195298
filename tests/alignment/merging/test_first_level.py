"""The hand-made first level, in both forms, and what is wrong with it by place."""

from pathlib import Path

import pytest

from mep3m.alignment.merging.first_level import FirstLevelMap, class_id, read_first_level
from mep3m.errors import FormatError, Mep3mError, NotFoundError, SettingsError
from mep3m.taxonomy import Category

TOML = """
[[first_level]]
name_zh = "家电"
name_en = "Home appliances"
from = { jd = ["家用电器"], suning = ["家电", "数码 > 厨房电器"] }
[[first_level]]
name_zh = "图书"
from = { jd = ["图书"] }
"""
TABLE = (
    "source\tpath\tclass_zh\tclass_en\n"
    "jd\t家用电器\t家电\tHome appliances\nsuning\t家电\t家电\tHome appliances\n"
    "suning\t数码 > 厨房电器\t家电\tHome appliances\njd\t图书\t图书\t\n"
)
AS_PROPOSE = TABLE.replace("source\tpath\tclass_zh", "platform\tname\tclass")


@pytest.mark.parametrize(
    ("name", "text"),
    [("f.toml", TOML), ("f.tsv", TABLE), ("f.csv", TABLE.replace("\t", ",")), ("f.tsv", AS_PROPOSE)],
)
def test_both_forms_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    first = read_first_level(tmp_path / name)
    assert [(c.id, c.name_zh) for c in first.classes] == [
        ("home-appliances", "家电"),
        (class_id("图书", None), "图书"),
    ]
    assert first.class_of(("suning", ("数码", "厨房电器", "锅"))) == "home-appliances"
    assert first.class_of(("suning", ("数码", "相机"))) is None
    assert first.by_name() == {
        ("jd", "家用电器"): "home-appliances",
        ("suning", "家电"): "home-appliances",
        ("jd", "图书"): class_id("图书", None),
    }
    assert first.renamed({"jd": "left"}).class_of(("left", ("图书",))) == class_id("图书", None)
    assert len(first.unknown([("jd", ("图书",)), ("suning", ("家电", "锅"))])) == 2
    first.require_known(
        [("jd", ("图书",)), ("jd", ("家用电器",)), ("suning", ("家电",)), ("suning", ("数码", "厨房电器"))]
    )


@pytest.mark.parametrize(
    ("source", "wrong", "told"),
    [
        ("jd", "女裝", "did you mean '女装'"),
        ("jd", "电器家用", "did you mean '家用电器'"),
        ("jd", "女装 > 裤", "did you mean '女装 > 裤子'"),
        ("jd", "xyz", "it has 女装, 家用电器"),
        ("jdd", "女装", "platform 'jdd' .*did you mean 'jd'"),
    ],
)
def test_a_name_that_no_platform_has_is_an_error_with_the_nearest_one(
    source: str, wrong: str, told: str
) -> None:
    first = FirstLevelMap((Category("c", "类"),), {(source, tuple(wrong.split(" > "))): "c"})
    with pytest.raises(NotFoundError, match=told):
        first.require_known([("jd", ("家用电器",)), ("jd", ("女装", "裤子")), ("pdd", ("x",))])


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("f.toml", "x = [", SettingsError, "is not TOML"),
        ("f.toml", "", FormatError, "names no class"),
        ("f.toml", '[[first_level]]\nname_zh = "a"\n', FormatError, "1 covers nothing"),
        ("f.toml", '[[first_level]]\nname = "a"\n', SettingsError, "unknown setting 'name'"),
        (
            "f.toml",
            TOML.replace('["图书"]', '["家用电器"]'),
            FormatError,
            "given to '图书', but to '家电' in",
        ),
        (
            "f.tsv",
            TABLE + "jd\t图书\t家电\tHome appliances\n",
            FormatError,
            "line 6: jd '图书' is given to '家电'",
        ),
        ("f.tsv", TABLE + "jd\t\t家电\t\n", FormatError, "line 6: path is empty"),
        ("f.tsv", TABLE + "jd\tx\t\t\n", FormatError, "line 6: class_zh and class_en are empty"),
        (
            "f.tsv",
            TABLE + "jd\tx\t电器\tHome appliances\n",
            FormatError,
            "line 6: the class 'home-appliances'",
        ),
        ("f.tsv", "a\tb\n", NotFoundError, "no column 'source'"),
    ],
)
def test_mistakes_are_named(
    tmp_path: Path, name: str, text: str, error: type[Mep3mError], message: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(error, match=message):
        read_first_level(tmp_path / name)


def test_a_map_that_does_not_exist(tmp_path: Path) -> None:
    for name in ("f.toml", "f.tsv"):
        with pytest.raises(NotFoundError, match=name):
            read_first_level(tmp_path / name)
