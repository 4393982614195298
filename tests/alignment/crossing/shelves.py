"""Platforms made of words, for the tests of this folder: every category has titles of its own."""

import random
from collections.abc import Mapping

from mep3m.alignment.records import Entry, Side
from mep3m.taxonomy import PATH_SEPARATOR

WORDS: dict[str, tuple[str, ...]] = {
    "小米": ("长粒香", "五常大米", "东北米", "黑龙江", "五公斤装"),
    "茶": ("龙井茶", "普洱茶", "铁观音", "茶叶礼盒", "明前绿茶"),
    "电视": ("液晶电视", "平板电视机", "六十五寸", "超高清", "智能语音"),
    "空调": ("变频空调", "壁挂式", "一点五匹", "冷暖两用", "节能静音"),
    "shoes": ("running shoes", "sneaker", "breathable mesh", "men size", "rubber sole"),
    "lamps": ("desk lamp", "led light", "reading", "dimmable bulb", "bedside"),
    "книги": ("роман", "детектив", "твёрдая обложка", "издание", "автор"),
    "حقائب": ("حقيبة يد", "جلد طبيعي", "حقيبة سفر", "مقاومة للماء", "نسائية"),
    "साड़ी": ("रेशमी साड़ी", "सूती साड़ी", "बनारसी", "शादी के लिए", "ब्लाउज"),
}


def titles(kind: str, count: int, seed: int) -> tuple[str, ...]:
    """Return `count` titles of one kind of product."""
    made = random.Random(f"{kind} {seed}")
    return tuple(" ".join([*made.sample(WORDS[kind], 4), str(made.randrange(10, 100))]) for _ in range(count))


def platform(name: str, kinds: Mapping[str, str], count: int = 30, seed: int = 1) -> Side:
    """Return a side: path -> kinds of product, joined by '+', that its titles are about."""
    entries = []
    for label, stock in kinds.items():
        each = stock.split("+") if stock else []
        stocked = tuple(title for kind in each for title in titles(kind, count // len(each), seed))
        entries.append(Entry(label, tuple(label.split(PATH_SEPARATOR)), titles=stocked, count=len(stocked)))
    return Side(name, tuple(entries))
