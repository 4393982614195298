"""What the processes of the pool tests run; importable, so that a fresh interpreter finds it."""

import os
import time
from collections.abc import Callable, Sequence

from mep3m.errors import UsageError
from mep3m.stages.ocr.pool import Failure

Work = Callable[[Sequence[str]], list[str | Failure]]


def build_upper() -> Work:
    """Upper-case items; 'hang', 'die' and 'grow' do what they say."""
    kept: list[bytearray] = []

    def work(group: Sequence[str]) -> list[str | Failure]:
        for item in group:
            if item.startswith("hang"):
                time.sleep(60)
            if item.startswith("die"):
                os._exit(3)
            if item.startswith("grow"):
                kept.append(bytearray(os.urandom(1) * 200_000_000))
        return [Failure("refused") if item == "bad" else f"{item.upper()} {os.getpid()}" for item in group]

    return work


def build_nothing() -> Work:
    raise UsageError("install the thing with: pip install thing")
