"""A review of any size for measurements: links between drawn categories, with rows, titles and evidence."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from mep3m.alignment.records import Proposal, Relation
from mep3m.alignment.review.sssom import write_sssom
from mep3m.alignment.review.stock import Stock, Stocks
from mep3m.taxonomy import PATH_SEPARATOR

PLATFORMS = ("haohuo", "pinshang", "xinwei", "yunji")
PARTS = ("智能", "家用", "儿童", "便携", "户外", "无线", "进口", "有机", "手工", "专业", "迷你", "复古")
THINGS = ("手机", "耳机", "水杯", "背包", "台灯", "电饭煲", "坚果", "面膜", "童装", "球鞋", "猫粮", "笔记本")
WORDS = (
    "same name; names 1.00; whole path 0.{a}; titles 0.{b}; left rows filed under right 0.{c}; pictures 0.{a}"
)


def write_links(path: Path, count: int, seed: int = 0) -> int:
    """Write `count` open links between categories of four platforms; return how many there are."""
    draw = random.Random(seed)
    known: dict[tuple[str, str], Stock] = {}
    links = list(_links(draw, count, known))
    return write_sssom(path, links, "a large review", stocks=Stocks(known))


def _links(draw: random.Random, count: int, known: dict[tuple[str, str], Stock]) -> Iterator[Proposal]:
    for number in range(count):
        left, right = draw.sample(PLATFORMS, 2)
        one, other = (_category(draw, platform, number, known) for platform in (left, right))
        relation: Relation = draw.choice(("exact", "exact", "narrower", "broader", "overlaps"))
        probability = round(draw.random(), 4)
        evidence = {
            name: round(draw.random(), 4) for name in ("p_exact", "ratio", "whole", "filed_l", "filed_r")
        }
        words = WORDS.format(a=draw.randint(10, 99), b=draw.randint(10, 99), c=draw.randint(10, 99))
        accept = probability > 0.8 and relation != "overlaps"
        yield Proposal(one, other, relation, probability, accept, evidence, words, one, other, left, right)


def _category(draw: random.Random, platform: str, number: int, known: dict[tuple[str, str], Stock]) -> str:
    names = [draw.choice(PARTS) + draw.choice(THINGS) for _ in range(2)]
    path = PATH_SEPARATOR.join([*names, f"{draw.choice(THINGS)} {number}"])
    titles = tuple(f"{name}{draw.choice(PARTS)} 2026新款 {draw.randint(100, 999)}g" for name in names)
    known[(platform, path)] = Stock(draw.randint(1, 5_000), titles)
    return path
