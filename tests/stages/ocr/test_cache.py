"""Readings by image content: kept at once, never mixed, and there for any process after any end."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.cache import ReadingCache, reader_fingerprint
from mep3m.stages.ocr.lines import TextLine

SETTINGS = OcrSettings(backend="none")
NUMBER = st.floats(0, 5000).map(lambda value: round(value, 1))
POINT = st.tuples(NUMBER, NUMBER)
LINE = st.builds(
    TextLine,
    st.lists(POINT, min_size=4, max_size=4).map(tuple),
    st.text(max_size=12).filter(lambda text: text.isprintable()),
    st.floats(0, 1).map(lambda value: round(value, 4)),
)


@settings(max_examples=20)
@given(st.dictionaries(st.text("abcdef0123", min_size=4, max_size=6), st.lists(LINE, max_size=3), max_size=5))
def test_every_reading_comes_back_as_it_was_put(
    tmp_path_factory: pytest.TempPathFactory, readings: dict[str, list[TextLine]]
) -> None:
    path = tmp_path_factory.mktemp("c") / "kept.sqlite"
    with ReadingCache(path, SETTINGS) as cache:
        for key, lines in readings.items():
            cache.put(key, lines)
    with ReadingCache(path, SETTINGS) as again:
        assert {key: again.get(key) for key in readings} == readings
        assert again.get("never") is None


def test_a_reading_is_replaced_and_nothing_read_is_not_unread(tmp_path: Path) -> None:
    line = TextLine(((0.0, 0.0),) * 4, "茶", 0.9)
    with ReadingCache(tmp_path / "new" / "kept.sqlite", SETTINGS) as cache:  # the folder is made
        cache.put("aa", [line])
        cache.put("aa", [])
        assert cache.get("aa") == []


def test_what_was_put_survives_a_process_that_is_killed(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.cache import ReadingCache
cache = ReadingCache(Path(sys.argv[1]), OcrSettings(backend="none"))
for number in range(40):
    cache.put(str(number), [])
os.kill(os.getpid(), 9)
"""
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path / "kept.sqlite")], check=False)
    assert ended.returncode == -9
    with ReadingCache(tmp_path / "kept.sqlite", SETTINGS) as cache:
        assert all(cache.get(str(number)) == [] for number in range(40))


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.cache import ReadingCache
with ReadingCache(Path(sys.argv[1]), OcrSettings(backend="none")) as cache:
    for number in range(60):
        cache.put(sys.argv[2] + str(number), [])
"""
    command = [sys.executable, "-c", script, str(tmp_path / "kept.sqlite")]
    running = [subprocess.Popen([*command, name]) for name in "ab"]
    assert [process.wait(60) for process in running] == [0, 0]
    with ReadingCache(tmp_path / "kept.sqlite", SETTINGS) as cache:
        assert all(cache.get(f"{name}{number}") == [] for name in "ab" for number in range(60))


def test_the_same_settings_have_one_fingerprint_in_every_process() -> None:
    script = (
        "from mep3m.settings.ocr import OcrSettings; from mep3m.stages.ocr.cache import reader_fingerprint; "
        "print(reader_fingerprint(OcrSettings(backend='none', detector_side=320)))"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == reader_fingerprint(OcrSettings(backend="none", detector_side=320))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"detector_side": 320}, False),
        ({"detector_min_side": 64}, False),
        ({"upright": True}, False),
        ({"weights": "elsewhere"}, False),
        ({"clean": "spaces"}, True),
        ({"min_confidence": 0.9}, True),
        ({"single_confidence": 0.1}, True),
    ],
)
def test_what_changes_the_reading_changes_the_fingerprint(change: dict[str, object], same: bool) -> None:
    other = OcrSettings.parse({"backend": "none", **change}, "test")
    assert (reader_fingerprint(other) == reader_fingerprint(SETTINGS)) is same
