"""What a simulated product is, and how each platform words its title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from mep3m.simulator.platforms import Leaf
from mep3m.simulator.vocabulary import Name, departments

#: what shops shout, on images and in titles; says nothing about the product
PROMOTIONS = (
    "官方旗舰店", "正品保证", "包邮", "限时特惠", "买一送一", "满199减100", "下单立减5元", "顺丰包邮",
    "第二件半价", "年货节", "618狂欢", "双11预售", "全场5折", "送运费险", "领券再减20", "热卖爆款",
    "新品上市", "工厂直销", "7天无理由退换", "收藏优先发货", "品质保证", "清仓特价", "当天发货", "假一赔十",
)  # fmt: skip
#: what a shop puts in front of a title
HEADLINES = (
    "新品特惠",
    "官方直营",
    "包邮",
    "买2送1",
    "专柜同款",
    "领券减10",
    "次日达",
    "爆款",
    "自营",
    "2020新款",
)
COLOURS = (
    "黑色", "白色", "红色", "蓝色", "灰色", "粉色", "绿色", "紫色", "米白", "咖啡色", "藏青", "黄色",
)  # fmt: skip
ORIGINS = ("新西兰原装进口", "国产", "广东", "浙江义乌", "德国进口", "日本进口", "福建", "江苏", "东北")
SERIES = (
    "臻享", "悦动", "轻语", "智尚", "经典", "元气", "小方", "致美", "乐活", "星空", "初见", "匠造", "优选",
    "云感", "森系", "极光", "拾光", "安心", "倍护", "飞跃",
)  # fmt: skip
#: unit -> the sizes it comes in
SIZES: dict[str, tuple[str, ...]] = {
    "g": ("50", "80", "100", "150", "200", "250", "300", "400", "500", "800", "900"),
    "ml": ("100", "200", "250", "300", "330", "500", "750", "1000"),
    "kg": ("1", "1.5", "2", "2.5", "5", "7", "8", "10"),
    "L": ("1.2", "1.7", "2", "3", "4", "5", "6", "50", "180", "260"),
    "W": ("5", "8", "12", "20", "65", "120", "800", "1500"),
    "mAh": ("5000", "8000", "10000", "12000", "20000", "30000"),
    "GB": ("64", "128", "256", "512"),
    "英寸": ("8", "10.4", "11", "14", "15.6", "32", "43", "55", "65", "75"),
    "码": ("35-39", "36-40", "39-44", "M", "L", "XL", "2XL", "均"),
    "匹": ("1", "1.5", "2", "3"),
    "米": ("0.5", "1", "1.2", "1.5", "1.8", "2"),
}
#: how often, at full vagueness, a title borrows another class's brand or a sibling's word, leaves out
#: a word of its own kind, names a gift of any kind, or does not say what the thing is
STRAY_BRAND, STRAY_WORD, LEFT_OUT, GIFT, UNNAMED = 0.3, 0.4, 0.35, 0.2, 0.2
GIFTS = ("送{}", "赠{}", "买就送{}", "搭配{}", "非{}")
COUNTS = ("1", "2", "3", "4", "5", "6", "8", "10", "12", "20", "24", "30")


@dataclass(frozen=True, slots=True)
class Item:
    """One real product, which one or more listings sell. `leaf` is its true category.

    `look` seeds its picture, `sizes` is for instance ('500g', '2袋'), `extra` names a product of any
    kind (a gift, say), and `named` tells whether titles say what the thing is.
    """

    number: int
    leaf: int
    brand: Name
    series: str
    model: str
    noun: str
    words: tuple[str, ...]
    colour: str
    sizes: tuple[str, ...]
    origin: str
    look: str
    extra: str | None = None
    named: bool = True


def make_item(number: int, leaf_number: int, leaf: Leaf, seed: int) -> Item:
    """Draw the product with this number in a category."""
    rng = Random(f"{seed}/item/{number}")
    kind, department = leaf.kind, leaf.department
    unit, _, packed = kind.spec.partition("*")
    sizes = [rng.choice(SIZES.get(unit, COUNTS)) + unit]
    if packed:
        sizes.append(rng.choice(COUNTS) + packed)
    noun = rng.choice(kind.nouns)
    if leaf.third is not None and rng.random() < 0.85:
        noun = kind.thirds[leaf.third].zh
    words = [*rng.sample(kind.words, rng.randint(1, 4)), *rng.sample(department.words, rng.randint(1, 4))]
    rng.shuffle(words)
    model = "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(rng.randint(1, 3)))
    model += str(rng.randint(10, 9999))
    return Item(
        number=number,
        leaf=leaf_number,
        brand=rng.choice(department.brands),
        series=rng.choice(SERIES),
        model=model,
        noun=noun,
        words=tuple(words),
        colour=rng.choice(COLOURS),
        sizes=tuple(sizes),
        origin=rng.choice(ORIGINS),
        look=f"{seed}/look/{number}",
    )


def make_vague(item: Item, leaf: Leaf, vague: float, seed: int) -> Item:
    """Return the item with words that point elsewhere; `vague` in [0, 1] scales how often."""
    rng = Random(f"{seed}/vague/{item.number}")
    words = [w for w in item.words if w not in leaf.kind.words or rng.random() >= LEFT_OUT * vague]
    if rng.random() < STRAY_WORD * vague:
        words.append(rng.choice(rng.choice(leaf.department.kinds).words))
    brand = item.brand
    if rng.random() < STRAY_BRAND * vague:
        brand = rng.choice(rng.choice(departments()).brands)
    extra = None
    if rng.random() < GIFT * vague:
        extra = rng.choice(GIFTS).format(rng.choice(rng.choice(rng.choice(departments()).kinds).nouns))
    named = rng.random() >= UNNAMED * vague
    return replace(item, words=tuple(words) or item.words, brand=brand, extra=extra, named=named)


def title(item: Item, platform: int, listing: int, copy: bool, seed: int) -> str:
    """Word the title of one listing of a product.

    The first listing of an item (`copy` false) depends on the item and the platform's house style;
    later listings are edits of it.
    """
    rng = Random(f"{seed}/title/{item.number}/{platform}")
    segments = _segments(item, platform, rng)
    if not copy:
        return "".join(segments)
    rng = Random(f"{seed}/copy/{listing}")
    for _ in range(rng.randint(1, 2)):
        segments = _edited(segments, item, rng)
    return "".join(segments)


def _segments(item: Item, platform: int, rng: Random) -> list[str]:
    """Return the pieces of a title in the platform's order; separators belong to the piece after."""
    brand = item.brand.zh
    if rng.random() < 0.4:
        brand += rng.choice([f"（{item.brand.en}）", f"({item.brand.en})", f"[{item.brand.en.upper()}]"])
    words = list(item.words)
    if platform % 3 == 0:
        pieces = [brand, item.series, *words[:3], item.noun, " " + item.model, " ".join(["", *item.sizes])]
    elif platform % 3 == 1:
        pieces = [brand, " " + item.noun, *words, item.series, item.sizes[0]]
    else:
        pieces = [brand, " " + " ".join(words), " " + item.noun, item.model, " " + "*".join(item.sizes)]
    if rng.random() < 0.3:
        pieces.insert(0, f"【{rng.choice(HEADLINES)}】")
    if rng.random() < 0.35:
        pieces.append(" " + item.colour)
    if rng.random() < 0.2:
        pieces.append(f"（{item.origin}）")
    if platform % 3 == 1 and rng.random() < 0.4:
        pieces.append(rng.choice(item.words))
    if item.extra:
        pieces.append(" " + item.extra)
    if rng.random() < 0.06 or not item.named:  # a shop that does not say what the thing is
        pieces = [piece for piece in pieces if piece.strip() != item.noun]
    return pieces


def _edited(segments: Sequence[str], item: Item, rng: Random) -> list[str]:
    """Return the segments after one small edit of the kind that resellers make."""
    pieces = list(segments)
    edit = rng.randrange(7)
    middle = rng.randrange(1, max(2, len(pieces) - 1))
    if edit == 0 and len(pieces) > 4:
        del pieces[middle]
    elif edit == 1 and len(pieces) > 4:
        other = max(1, middle - 1)
        pieces[middle], pieces[other] = pieces[other], pieces[middle]
    elif edit == 2:
        pieces.append(" " + rng.choice(PROMOTIONS))
    elif edit == 3:
        pieces.insert(0, f"【{rng.choice(HEADLINES)}】")
    elif edit == 4:
        pieces = [piece.replace("（", "(").replace("）", ")").replace("*", "×") for piece in pieces]
    elif edit == 5:
        pieces = [piece.upper().replace(" ", "  ") for piece in pieces]
    else:
        pieces.insert(middle, rng.choice(item.words))
    return pieces
