"""A small shop that every test of the public names shares, and one run trained on it."""

from pathlib import Path
from typing import Any

import pytest

import mep3m

SORTS = {"苹果": "水果", "香蕉": "水果", "手机": "数码", "手机壳": "数码"}
TITLES = {
    "苹果": "红富士苹果 {}号 整箱",
    "香蕉": "海南香蕉 {}斤 新鲜",
    "手机": "智能手机 {}G 全网通",
    "手机壳": "硅胶手机壳 防摔 款式{}",
}


def shop_rows() -> list[dict[str, Any]]:
    """Return 60 products of four sorts and two kinds."""
    return [
        {"sku": f"S{n}{place}", "title": TITLES[sort].format(n), "kind": kind, "sort": sort, "price": 9.5}
        for n in range(15)
        for place, (sort, kind) in enumerate(SORTS.items())
    ]


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    return shop_rows()


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> mep3m.TrainedRun:
    folder = tmp_path_factory.mktemp("public") / "run"
    return mep3m.train(shop_rows(), title="title", labels=["kind", "sort"], id="sku", out=folder, seed=1)


@pytest.fixture
def run_folder_str(run: mep3m.TrainedRun) -> str:
    return str(run.folder)


@pytest.fixture
def table_file(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    """The same rows as a file."""
    lines = ["sku\ttitle\tkind\tsort"]
    lines += ["\t".join(str(row[name]) for name in ("sku", "title", "kind", "sort")) for row in rows]
    path = tmp_path / "items.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
