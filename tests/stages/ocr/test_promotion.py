import pytest

from mep3m.stages.ocr.lines import Line
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


def test_signs_say_why() -> None:
    assert signs("3期免息") == ["credit"]
    assert signs("净含量500ml") == ["measure", "property"]
    assert signs("纯棉毛巾") == ["property"]


def test_share_counts_characters() -> None:
    box = ((0, 0), (1, 0), (1, 1), (0, 1))
    lines = score_lines([Line(box, "纯棉毛巾好", 0.9), Line(box, "全国包邮送", 0.9)])
    assert informative_share(lines) == pytest.approx(0.5)
    assert informative_share([]) is None
