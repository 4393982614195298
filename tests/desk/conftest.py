"""What tests of the desk share: a small build, made once for all test processes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mep3m.alignment.review.file_lock import file_lock
from tests.desk.filled import asked_of_two, filled, reviewing
from tests.desk.folders import filed, seeing

__all__ = ["asked_of_two", "filed", "filled", "reviewing", "seeing"]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of two simulated shops with its model and report; do not write into it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    done = shared / "desk-build"
    with file_lock(done, patience=600):
        if not (done / "finished").exists():
            command = [sys.executable, "-m", "mep3m", "demo", "--out", str(done), "--products", "300"]
            subprocess.run(command, check=True, capture_output=True, timeout=600)
            (done / "finished").touch()
    return done


@pytest.fixture
def build(built: Path, tmp_path: Path) -> Path:
    """A copy of the build for one test."""
    return Path(shutil.copytree(built, tmp_path / "build"))


@pytest.fixture(scope="session")
def small_run(run_folder: Path) -> Path:
    """A run without a store: the smallest folder that a desk opens."""
    return run_folder


@pytest.fixture(scope="session")
def seeing_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that reads titles and looks at pictures; do not write into it."""
    return seeing(tmp_path_factory.mktemp("seeing"))


@pytest.fixture(scope="session")
def filed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filed(tmp_path_factory.mktemp("filed"))


@pytest.fixture
def filed_folder(filed_once: Path, tmp_path: Path) -> Path:
    """A folder of one's own with a promise and filings under it; nothing was audited yet."""
    return Path(shutil.copytree(filed_once, tmp_path / "shop", symlinks=True))
