from pathlib import Path

import pytest

from mep3m.dataset.reading import open_products
from mep3m.recipes.classify import train_run
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns

FRUIT = ["红富士苹果 5斤", "红富士苹果 整箱", "冰糖心苹果", "阿克苏苹果"]
FRUIT += ["香蕉 新鲜", "进口香蕉", "海南香蕉 3斤", "小米蕉 香蕉"]
PHONE = ["华为手机 5G", "小米手机 全网通", "苹果手机 256G", "荣耀手机"]
PHONE += ["手机壳 防摔", "硅胶手机壳", "透明手机壳", "手机壳 磁吸"]


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    rows = [(t, "食品", "苹果" if "苹果" in t else "香蕉") for t in FRUIT]
    rows += [(t, "数码", "手机壳" if "壳" in t else "手机") for t in PHONE]
    lines = [f"{title} 款式{n}\t{one}\t{two}" for title, one, two in rows for n in range(5)]
    data = folder / "items.tsv"
    data.write_text("title\tl1\tl2\n" + "\n".join(lines) + "\n", encoding="utf-8")
    columns = Columns(title="title", labels=("l1", "l2"))
    train_run(open_products(data, columns), columns, None, RunSettings(), folder / "run")
    return folder / "run"
