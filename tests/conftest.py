"""What tests of several layers share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from mep3m.dataset.reading import open_products
from mep3m.recipes.classify import train_run
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.simulator import Simulation, SimulatorSettings, simulate

#: the simulated shops that tests share; many defects, so that each kind occurs
SHOPS = SimulatorSettings(products=400, platforms=4, seed=3, defects=0.3)
#: real data for measurements; never part of the project
DATA = Path(os.environ.get("MEP3M_DATA", Path(__file__).parents[2] / "shared" / "data"))
#: titles of the small run that answers and requests are tested on
FRUIT = ["红富士苹果 5斤", "红富士苹果 整箱", "冰糖心苹果", "阿克苏苹果"]
FRUIT += ["香蕉 新鲜", "进口香蕉", "海南香蕉 3斤", "小米蕉 香蕉"]
PHONE = ["华为手机 5G", "小米手机 全网通", "苹果手机 256G", "荣耀手机"]
PHONE += ["手机壳 防摔", "硅胶手机壳", "透明手机壳", "手机壳 磁吸"]
#: how long one example takes says how busy the machine is, and nothing about the code; the examples are
#: the same every time, so that one checkout passes or fails. `--hypothesis-profile explore` draws new ones
settings.register_profile("tests", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("tests")
#: commands that tests start run this checkout, installed or not
ROOT = Path(__file__).parents[1]
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
)


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not DATA.exists():
        pytest.skip("the real data is not beside the repository (../shared/data, or set MEP3M_DATA)")
    return DATA


@pytest.fixture(scope="session")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """Four simulated shops with images and the truth about them; do not write into them."""
    return simulate(tmp_path_factory.mktemp("shops") / "world", SHOPS)


@pytest.fixture
def browser() -> Iterator[Any]:
    """A headless Chromium of the system, driven by Playwright.

    One a test: while it is open an event loop runs, and `asyncio.run` of other tests would be refused.
    """
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium on this machine; scripts/system-packages installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield opened
        opened.close()


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
