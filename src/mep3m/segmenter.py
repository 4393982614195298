"""The one segmenter of Chinese words: jieba, which says nothing while it loads its dictionary."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def segmenter() -> Any:
    """Return jieba, imported when it is first used."""
    import jieba

    jieba.setLogLevel("ERROR")  # once, not at every title: each call clears what Python's loggers have cached
    return jieba
