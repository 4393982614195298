"""What the package says of itself: license, ranges of what it needs, and pins in the lock file alone."""

import re
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Message:
    """The metadata of the wheel, which also holds the license and the mark of a typed package."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("metadata")
    code = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    with zipfile.ZipFile(folder / done.stdout.strip().splitlines()[-1]) as wheel:
        place = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        assert wheel.read(place.replace("METADATA", "licenses/LICENSE")) == (ROOT / "LICENSE").read_bytes()
        assert "mep3m/py.typed" in wheel.namelist()
        return message_from_string(wheel.read(place).decode())


def test_the_built_metadata_has_the_license(metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


def test_the_built_metadata_needs_ranges(metadata: Message) -> None:
    needed = metadata.get_all("Requires-Dist", [])
    assert any(re.fullmatch(r"torch<3,>=2\.6; extra == 'train'", one) for one in needed)
    assert [one for one in needed if "==" in one.partition(";")[0]] == []


def test_the_license_is_whole_and_named() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert (PROJECT["license"], PROJECT["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert (ROOT / "src" / "mep3m" / "py.typed").exists()


def test_a_library_states_ranges_and_the_lock_file_pins() -> None:
    extras = PROJECT["optional-dependencies"].values()
    every = [*PROJECT["dependencies"], *(one for extra in extras for one in extra)]
    assert [one for one in every if "==" in one] == []
    assert not any(name in one for one in every for name in ("pandas", "polars"))
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(r"^torch==2\.14\.1$", lock, re.MULTILINE)
    assert re.search(r"^torchvision==0\.29\.1$", lock, re.MULTILINE)
