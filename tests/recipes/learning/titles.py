"""Titles of classes that the small run does not know, and tables of them."""

from collections.abc import Sequence
from pathlib import Path

from tests.conftest import FRUIT, PHONE

#: (words, first level, second level); grapes below a category that is there, skirts in a new branch
NEW = (
    ("新鲜葡萄", "食品", "葡萄"),
    ("巨峰葡萄 2斤", "食品", "葡萄"),
    ("连衣裙 夏", "服装", "裙子"),
    ("百褶裙 长裙子", "服装", "裙子"),
)
MORE = (("羽绒服 冬", "服装", "羽绒"), ("轻薄羽绒", "服装", "羽绒"))
OLD = (
    *((title, "食品", "苹果" if "苹果" in title else "香蕉") for title in FRUIT),
    *((title, "数码", "手机壳" if "壳" in title else "手机") for title in PHONE),
)


def write(path: Path, rows: Sequence[tuple[str, str, str]], numbers: range) -> Path:
    """Write each row once for each number, which its title ends with."""
    lines = [f"{title} 款式{n}\t{one}\t{two}" for title, one, two in rows for n in numbers]
    path.write_text("title\tl1\tl2\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path
