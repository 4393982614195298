"""How promotional a line is: selling talk against what the product is (§3.1, Fig. 4).

A line's score is a logistic function of the signs found in it. Signs of promotion push it up:
price, discount, gift, delivery, deadline, urgency, credit, guarantee, platform. Signs of product
information push it down: a measure with its unit, a model number, words for properties. The
weights are rules written by hand, not fitted; `bench/ocr_promotion.py` measures them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from mep3m.stages.ocr.lines import TextLine

#: lines with a score of at least this count as promotional
PROMOTIONAL = 0.5

#: log-odds of a line without any sign: most lines of product images describe the product
_BIAS = -1.5

#: (sign, log-odds added when the pattern is found anywhere in the line)
_SIGNS: tuple[tuple[str, float, str], ...] = (
    (
        "price",
        3.0,
        r"[¥￥]|RMB|\d+(\.\d+)?\s*元|^\d{2,5}\s*起$|"
        r"(到手|抢购|活动|券后|特惠|优惠|诚意|清凉|劲爆|日常|原|现|特|低)价",
    ),
    (
        "discount",
        3.0,
        r"满\d*减|满减|立减|直降|狂降|再减|已减|折扣|\d折|[一二三四五六七八九]折|半价|优惠|"
        r"特惠|特价|钜惠|聚惠|降价|省\d|立省|\boff\b|\bsale\b|减\d+|促销|清仓|甩卖|特卖|低至|返\d+|"
        r"返现|免费|抽奖|\d选\d",
    ),
    ("coupon", 3.0, r"优惠券|领券|红包|券"),
    ("gift", 2.6, r"送|赠|礼包|好礼|买[一二三两\d]"),
    (
        "delivery",
        3.0,
        r"包邮|免邮|免运费|顺丰|送货|包送|免上楼|费安装|包入户|送装|包安装|免费安装|上门安装|仓发货|发货|乡镇|乡村|"
        r"次日达|当天发|\bfree shipping\b",
    ),
    (
        "deadline",
        2.6,
        r"\d+月\d+日|活动|限时|倒计时|开抢|截止|结束|仅限|最后\d*天|今日|双1[12]|双十[一二]|618|年货节|开学季|狂欢|盛典|店庆|周年|回馈|开团|预售|首发",
    ),
    (
        "urgency",
        3.0,
        r"抢|秒杀|爆款|热卖|热销|疯|手慢|库存|告急|限量|前\d+名|不二价|来袭|惊喜|下单|拍下|购买|立即|点击|进店|预约|咨询客服|收藏|关注",
    ),
    ("credit", 3.0, r"免息|0利息|分期|首付|花呗|白条"),
    (
        "guarantee",
        2.6,
        r"正品|联保|质保|延保|保修|保\d+年|\d+年保|包换|包退|退换|退货|假一|无理由|发票|售后|授权|保障|保证|放心购|好评|晒[单图]|买家|服务|无忧|承诺|满意",
    ),
    (
        "platform",
        3.0,
        r"聚划算|juhuasuan|淘抢购|天猫|tmall|淘宝|taobao|京东|旗舰店?|自营|直销|专卖店|专营店|官方|代言|同款|畅销|推荐|新品上市|品牌日",
    ),
    ("slogan", 1.6, r"\b(only|hot|best|buy|gift|free)\b|只要|钜|超值|实惠|划算|爆|必备|白富美|女神"),
    ("shout", 1.0, r"[!！]$"),
    (
        "measure",
        -2.2,
        r"\d\s*(kg|g|mg|ml|l|升|毫升|克|千克|斤|mm|cm|m|米|厘米|寸|吋|″|英寸|w|kw|瓦|v|mah|hz|匹|核|k\b|级|片|支|只|包|袋|盒|瓶|粒|层|档|度|°|pa|gb|tb|g\b|岁|码)"
        r"(?![a-z])",
    ),
    (
        "property",
        -1.6,
        r"智能|变频|静音|无霜|自动|功率|容量|材质|纯棉|真皮|防水|防滑|加厚|透气|保湿|补水|"
        r"清洁|杀菌|除菌|能效|配方|原汁|蓝牙|WIFI|系列|型号|规格|净含量|产地|成分|尺寸|颜色|"
        r"适用|功能|口味|新鲜|有机|全棉|不锈钢|实木",
    ),
)

#: names of things and properties that hold a sign by chance; they say nothing about selling
_THINGS = re.compile(
    r"爆米花|爆浆|爆珠|防爆|服务[器员生]|活动[扳铅]|活动范围|送风(?!扇)|送料|输送|送餐|抢答|收藏[盒册夹柜]|疯马皮|"
    r"赠言|券盒|预约[煮煲蒸做洗]|保障房|京东方"
)
_COMPILED = tuple((name, weight, re.compile(pattern, re.IGNORECASE)) for name, weight, pattern in _SIGNS)
#: a number that may be a price, and the log-odds that it is one beside a promotional line
_NUMBER, _BARE_PRICE = re.compile(r":?\d{3,5}"), 2.5
#: a guarantee or credit with a number is no measure: '3期免息', '保修6年'
_NO_MEASURE = frozenset({"price", "discount", "credit", "guarantee", "gift"})


def signs(text: str) -> list[str]:
    """Return the names of the signs found in a text, in the order of the table."""
    told = _THINGS.sub(" ", text)
    names = [name for name, _, pattern in _COMPILED if pattern.search(told)]
    if _NO_MEASURE & set(names):
        names = [name for name in names if name != "measure"]
    return names


def score(text: str) -> float:
    """Return how promotional a line of text is, in (0, 1)."""
    names = set(signs(text))
    evidence = _BIAS + sum(weight for name, weight, _ in _COMPILED if name in names)
    return _logistic(evidence)


def _logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def score_lines(lines: Sequence[TextLine]) -> list[TextLine]:
    """Return the lines of one image with their score filled in.

    A bare number of three to five digits is a price when another line of the image is promotional.
    """
    scored = [replace(line, promotional=score(line.text)) for line in lines]
    if not any((line.promotional or 0.0) >= PROMOTIONAL for line in scored):
        return scored
    price = _logistic(_BIAS + _BARE_PRICE)
    return [replace(line, promotional=price) if _NUMBER.fullmatch(line.text) else line for line in scored]


def informative_share(lines: Sequence[TextLine]) -> float | None:
    """Return the share of characters in lines that are not promotional, `None` without text."""
    total = sum(len(line.text) for line in lines)
    kept = sum(len(line.text) for line in lines if (line.promotional or 0.0) < PROMOTIONAL)
    return kept / total if total else None
