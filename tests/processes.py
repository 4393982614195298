"""Processes that tests start and end: a signal reaches only them, never who has their number by now."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Any

import psutil


def signal_group(process: subprocess.Popen[Any], sent: signal.Signals) -> bool:
    """Send a signal to a process started with `start_new_session` and to all that it started.

    Returns whether it was still running. One that has ended and was waited for has given its number back,
    and another process may have it by now: then nothing is sent.
    """
    if process.poll() is not None:
        return False
    assert os.getpgid(process.pid) == process.pid != os.getpgrp(), "start it with start_new_session=True"
    os.killpg(process.pid, sent)
    return True


def kill_group(process: subprocess.Popen[Any]) -> bool:
    """Kill -9 a process with all that it started, wait for it, and return whether it was still running."""
    running = signal_group(process, signal.SIGKILL)
    process.wait()
    return running


def has_ended(pid: int, seconds: float = 10) -> bool:
    """Say whether a process ends within so many seconds; one that nobody has waited for has ended, too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
