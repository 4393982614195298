"""The segmenter: one for everybody, and quiet."""

import logging
import subprocess
import sys

from mep3m.segmenter import segmenter


def test_it_cuts_words() -> None:
    assert segmenter().lcut("红富士苹果整箱") == ["红富士", "苹果", "整箱"]


def test_it_says_nothing_while_it_loads() -> None:
    code = "from mep3m.segmenter import segmenter; segmenter().lcut('苹果')"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_titles_leave_the_loggers_alone() -> None:
    """To set a level at every title clears the cache of every logger: 64 titles took a seventh longer."""
    logger = logging.getLogger("mep3m.test")
    segmenter()
    logger.isEnabledFor(logging.DEBUG)
    segmenter().lcut("苹果")
    assert logger._cache  # type: ignore[attr-defined]
