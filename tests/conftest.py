"""What tests of several layers share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from mep3m.simulator import Simulation, SimulatorSettings, simulate

#: the simulated shops that tests share; many defects, so that each kind occurs
SHOPS = SimulatorSettings(products=400, platforms=4, seed=3, defects=0.3)
#: real data for measurements; never part of the project
DATA = Path(os.environ.get("MEP3M_DATA", Path(__file__).parents[2] / "shared" / "data"))
#: how long one example takes says how busy the machine is, and nothing about the code
settings.register_profile("tests", deadline=None)
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
