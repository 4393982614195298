"""Two small shops and a review of their links, for the tests of this folder."""

from collections.abc import Mapping
from pathlib import Path

from mep3m.alignment.merging.first_level import FirstLevelMap, PlatformPath
from mep3m.alignment.records import Entry, Proposal, Side
from mep3m.alignment.review.contract import Review, ReviewLog, Signature
from mep3m.alignment.review.decisions import Decision, Ref
from mep3m.alignment.review.sssom import write_sssom
from mep3m.product import Product
from mep3m.taxonomy import PATH_SEPARATOR, Category

NOW = "2026-11-22T10:00:00"
ROWS: dict[PlatformPath, int] = {
    ("a", ("家电", "电视")): 5,
    ("a", ("家电", "空调")): 3,
    ("a", ("手机", "手机")): 4,
    ("a", ("手机", "充电宝")): 2,
    ("a", ("图书", "小说")): 1,
    ("b", ("电器", "平板电视")): 6,
    ("b", ("电器", "空调", "挂机")): 2,
    ("b", ("电器", "空调", "柜机")): 2,
    ("b", ("数码", "移动电源")): 3,
    ("b", ("数码", "手机")): 7,
}
FIRST = FirstLevelMap(
    (Category("appliances", "家用电器", "Appliances"), Category("phones", "手机数码", "Phones")),
    {
        ("a", ("家电",)): "appliances",
        ("b", ("电器",)): "appliances",
        ("a", ("手机",)): "phones",
        ("b", ("数码",)): "phones",
    },
)


def side(name: str) -> Side:
    """Return one shop's table; ids are the paths."""
    rows = [(node[1], count) for node, count in ROWS.items() if node[0] == name]
    return Side(name, tuple(Entry(PATH_SEPARATOR.join(path), path, count=count) for path, count in rows))


def link(left: str, right: str, line: int = 10, **values: object) -> Decision:
    """Return an accepted exact link of 'a' and 'b', by id; `values` change it."""
    given = {"relation": "exact", "verdict": "accept", "reviewer": "li", "probability": 0.9, **values}
    return Decision(Ref("a", left), Ref("b", right), line=line, **given)  # type: ignore[arg-type]


def proposals(path: Path) -> Path:
    """Write a review file of five open proposals; its rows are lines 8 to 12."""
    pairs = [
        ("家电 > 电视", "电器 > 平板电视", 0.9, True),
        ("家电 > 空调", "电器 > 空调", 0.99, True),
        ("手机 > 手机", "数码 > 手机", 0.999, True),
        ("手机 > 充电宝", "数码 > 移动电源", 0.4, False),
        ("家电 > 电视", "数码 > 手机", 0.1, False),
    ]
    rows = [
        Proposal(left, right, "exact", p, accept, {"name": 0.5}, "names alike", left, right, "a", "b")
        for left, right, p, accept in pairs
    ]
    write_sssom(path, rows)
    return path


def products() -> list[Product]:
    """Return the products that `ROWS` counts, each with the given labels of its shop."""
    return [
        Product(f"{source}-{PATH_SEPARATOR.join(path)}-{i}", source, str(i), path, title=f"{path[-1]} {i}")
        for (source, path), count in ROWS.items()
        for i in range(count)
    ]


def decide(log: ReviewLog, cells: Mapping[int, Mapping[str, str]], by: str = "li", when: str = NOW) -> Review:
    """Change cells of rows, named by their place in the review; return the review with them."""
    keys = log.read(when).keys
    log.decide({keys[place]: of for place, of in cells.items()}, Signature(by, when, "test"))
    return log.read(when)
