import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.stages.ocr.lines import TextLine
from mep3m.stages.ocr.promotion import PROMOTIONAL, informative_share, score, score_lines, signs


@pytest.mark.parametrize(
    "text",
    [
        "满100减50",
        "全国包邮",
        "限时秒杀",
        "¥199",
        "买一送一",
        "正品保证",
        "12期免息",
        "聚划算",
        "手慢无!",
        "领券",
    ],
)
def test_promotion(text: str) -> None:
    assert score(text) >= PROMOTIONAL


@pytest.mark.parametrize(
    "text", ["纯棉毛巾", "净含量500ml", "一级能效", "Panasonic", "大1.5匹", "不锈钢保温杯", "286L"]
)
def test_information(text: str) -> None:
    assert score(text) < PROMOTIONAL


#: a thing whose name holds a sign -> the same sign where it does sell
NAMED_LIKE_TALK = {
    "爆米花机": "爆款", "奶油爆浆蛋糕": "爆", "防爆玻璃": "引爆全场", "塔式服务器": "贴心服务",
    "服务员工作服": "售后服务", "活动扳手": "活动价", "3D立体送风": "送风扇", "输送带": "送货上门",
    "抢答器": "抢购", "钱币收藏册": "收藏有礼", "疯马皮钱包": "疯抢", "24小时预约煮粥": "立即预约",
}  # fmt: skip


@pytest.mark.parametrize(("thing", "talk"), NAMED_LIKE_TALK.items())
def test_a_thing_that_is_called_like_a_sign_is_told_from_it(thing: str, talk: str) -> None:
    assert score(thing) < PROMOTIONAL <= score(talk)
    assert score(f"{thing}包邮") >= PROMOTIONAL  # what stands beside it still counts


def test_a_bare_number_is_a_price_only_beside_promotion() -> None:
    box = ((0, 0), (1, 0), (1, 1), (0, 1))
    alone = score_lines([TextLine(box, "1999", 0.9), TextLine(box, "纯棉毛巾", 0.9)])
    beside = score_lines(
        [TextLine(box, "1999", 0.9), TextLine(box, "限时秒杀", 0.9), TextLine(box, "12", 0.9)]
    )
    assert [(line.promotional or 0) >= PROMOTIONAL for line in alone] == [False, False]
    assert [(line.promotional or 0) >= PROMOTIONAL for line in beside] == [True, True, False]


@given(st.text(alphabet="送风服务器爆米花包邮满减买一赠茶叶500ml¥!【】 ", max_size=30))
def test_a_score_is_a_probability_that_follows_from_the_signs(text: str) -> None:
    found = signs(text)
    assert len(found) == len(set(found))
    assert 0 < score(text) < 1
    if not found:
        assert score(text) < PROMOTIONAL
    assert not {"measure"} & set(found) or not {"price", "discount", "credit", "gift"} & set(found)


def test_signs_say_why() -> None:
    assert signs("3期免息") == ["credit"]
    assert signs("净含量500ml") == ["measure", "property"]
    assert signs("纯棉毛巾") == ["property"]


def test_share_counts_characters() -> None:
    box = ((0, 0), (1, 0), (1, 1), (0, 1))
    lines = score_lines([TextLine(box, "纯棉毛巾好", 0.9), TextLine(box, "全国包邮送", 0.9)])
    assert informative_share(lines) == pytest.approx(0.5)
    assert informative_share([]) is None
