"""What the processes of the pool tests run; importable, so that a fresh interpreter finds it."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence

from mep3m.errors import UsageError
from mep3m.stages.ocr.pool import Failure

Work = Callable[[Sequence[str]], list[str | Failure]]


def build_upper() -> Work:
    """Upper-case items; 'hang', 'die', 'grow' and 'start' (another process) do what they say."""
    kept: list[bytearray] = []

    def work(group: Sequence[str]) -> list[str | Failure]:
        for item in group:
            if item.startswith("hang"):
                time.sleep(60)
            if item.startswith("die"):
                os._exit(3)
            if item.startswith("grow"):
                kept.append(bytearray(os.urandom(1) * 200_000_000))
        started = [subprocess.Popen(["sleep", "60"]).pid for item in group if item == "start"]
        words = " ".join(map(str, [os.getpid(), *started]))
        return [Failure("refused") if item == "bad" else f"{item.upper()} {words}" for item in group]

    return work


def build_nothing() -> Work:
    raise UsageError("install the thing with: pip install thing")
