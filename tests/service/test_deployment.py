"""The examples of how a service is started elsewhere name only what there is."""

import configparser
import json
import shlex
from pathlib import Path

import pytest

from mep3m.cli.serving.serve import serve
from mep3m.service.workers import GRACE

PLACE = Path(__file__).parents[2] / "examples" / "service"
OPTIONS = {name for option in serve.params for name in option.opts}


def unit() -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read_string((PLACE / "mep3m.service").read_text().replace("\\\n", " "))
    return found


def words_of_unit() -> list[str]:
    return shlex.split(unit()["Service"]["ExecStart"])


def words_of_image() -> list[str]:
    lines = (PLACE / "Dockerfile").read_text().splitlines()
    (entry,) = [line.removeprefix("ENTRYPOINT ") for line in lines if line.startswith("ENTRYPOINT ")]
    found: list[str] = json.loads(entry)
    return found


@pytest.mark.parametrize("words", [words_of_unit(), words_of_image()], ids=["systemd", "Docker"])
def test_the_command_is_one_that_there_is(words: list[str]) -> None:
    place = words.index("serve")
    assert words[place - 1].endswith("mep3m")
    given = {word for word in words[place:] if word.startswith("--")}
    assert given <= OPTIONS
    # both listen for other machines, which asks for keys
    assert {"--host", "--keys"} <= given


def test_systemd_waits_as_long_as_the_service_does() -> None:
    service = unit()["Service"]
    assert int(service["TimeoutStopSec"]) > GRACE
    assert service["KillSignal"] == "SIGTERM"
    assert service["User"] != "root"


def test_the_image_runs_as_somebody_else_and_asks_whether_it_is_ready() -> None:
    text = (PLACE / "Dockerfile").read_text()
    assert "USER mep3m" in text
    assert text.index("USER mep3m") < text.index("ENTRYPOINT")
    assert "/ready" in text
    for copied in ("requirements.lock", "pyproject.toml", "README.md", "LICENSE"):
        assert copied in text
        assert (PLACE.parents[1] / copied).exists()
