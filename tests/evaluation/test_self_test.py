"""Leave-one-platform-out: what it counts, and what it says of a category in a wrong place."""

import random

import pyarrow as pa
import pytest

from mep3m.dataset.dataset import Dataset
from mep3m.evaluation import self_test
from mep3m.evaluation.self_test import SelfTest, leave_one_platform_out
from mep3m.product import Label, Product, to_table

WORDS = {
    "茶": ["绿茶", "红茶", "龙井", "普洱", "茶叶礼盒"],
    "米": ["大米", "糯米", "香米", "东北米", "米袋"],
    "鞋": ["跑鞋", "皮鞋", "凉鞋", "运动鞋", "鞋带"],
    "帽": ["草帽", "棒球帽", "毛线帽", "礼帽", "帽檐"],
}
#: kind -> the labels of a right merge
RIGHT = {"茶": ("食品", "茶"), "米": ("食品", "米"), "鞋": ("服饰", "鞋"), "帽": ("服饰", "帽")}


def rows(
    platform: str, labels: dict[str, tuple[str, ...]], count: int = 12, title: bool = True
) -> list[Product]:
    """Return `count` rows of each kind, as a platform with those labels has them."""
    draw = random.Random(platform)
    made = []
    for kind, path in labels.items():
        for n in range(count):
            words = " ".join(draw.sample(WORDS[kind], 2)) + f" {draw.randrange(99)}克"
            made.append(
                Product(
                    f"{platform}{kind}{n}",
                    platform,
                    str(n),
                    (kind,),
                    words if title else None,
                    labels=tuple(Label(name, "mapped", "m") for name in path),
                )
            )
    return made


def tested(*platforms: list[Product]) -> SelfTest | None:
    return leave_one_platform_out(Dataset.of(to_table([row for part in platforms for row in part])))


def test_platforms_that_are_merged_rightly_are_filed_rightly() -> None:
    result = tested(rows("a", RIGHT), rows("b", RIGHT))
    assert result is not None
    assert [platform.platform for platform in result.platforms] == ["a", "b"]
    for platform in result.platforms:
        assert [level.level for level in platform.levels] == [1, 2]
        assert platform.trained_on == 48
        for level in platform.levels:
            assert level.rows == 48
            assert level.accuracy is not None
            assert level.accuracy > 0.9
    assert result.elsewhere == ()


def test_a_category_in_a_wrong_place_is_named_with_where_its_rows_land() -> None:
    wrong = {**RIGHT, "茶": ("服饰", "鞋")}
    result = tested(rows("a", RIGHT), rows("b", RIGHT), rows("c", wrong))
    assert result is not None
    (one,) = (row for row in result.elsewhere if row.platform == "c")
    assert (one.path, one.under) == (("茶",), ("食品",))
    assert one.share > 0.5


def test_what_only_one_platform_has_is_not_counted() -> None:
    result = tested(
        rows("a", RIGHT), rows("b", {"茶": ("食品", "茶"), "鞋": ("服饰", "凉鞋"), "帽": ("家居", "帽")})
    )
    assert result is not None
    mine = result.platforms[1]
    assert mine.platform == "b"
    assert [(level.rows, level.uncounted) for level in mine.levels] == [(24, 12), (12, 24)]


def test_one_platform_with_labels_is_no_test() -> None:
    unlabelled = rows("b", dict.fromkeys(RIGHT, ()))
    assert tested(rows("a", RIGHT)) is None
    assert tested(rows("a", RIGHT), unlabelled) is None


@pytest.mark.parametrize("title", [True, False])
def test_what_cannot_be_learned_from_says_why(title: bool) -> None:
    one_class = {"茶": ("食品",)} if title else RIGHT
    result = tested(rows("a", RIGHT), rows("b", one_class, title=title))
    assert result is not None
    first = result.platforms[0]
    assert first.levels == ()
    assert first.reason


def test_rows_without_text_say_nothing() -> None:
    blank = rows("b", {"米": ("服饰", "鞋")}, title=False)
    result = tested(rows("a", RIGHT), rows("c", RIGHT), [*rows("b", {"茶": ("食品", "茶")}), *blank])
    assert result is not None
    assert (result.platforms[1].levels[0].rows, result.platforms[1].levels[0].uncounted) == (12, 12)
    assert not [one for one in result.elsewhere if one.platform == "b"]


def test_few_rows_of_a_large_category_stand_for_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "MOST_OF_CATEGORY", 6)
    monkeypatch.setattr(self_test, "MOST_ROWS", 30)
    result = tested(rows("a", RIGHT), rows("b", RIGHT))
    assert result is not None
    assert [platform.trained_on for platform in result.platforms] == [30, 30]
    assert {level.rows for platform in result.platforms for level in platform.levels} == {48}


def test_the_same_rows_give_the_same_result_and_json_gives_it_back() -> None:
    wrong = {**RIGHT, "茶": ("服饰", "鞋")}
    first, second = (tested(rows("a", RIGHT), rows("b", RIGHT), rows("c", wrong)) for _ in range(2))
    assert first == second
    assert first is not None
    assert SelfTest.from_json(first.to_json()) == first


def test_dropped_rows_are_no_part_of_it() -> None:
    table = to_table([*rows("a", RIGHT), *rows("b", RIGHT)])
    gone = pa.array([None if source == "a" else "bad" for source in table["source"].to_pylist()], pa.string())
    place = table.schema.get_field_index("dropped")
    assert (
        leave_one_platform_out(Dataset.of(table.set_column(place, table.schema.field(place), gone))) is None
    )
