"""The most memory that a process has had, as the system counts it."""

from __future__ import annotations

import resource


def peak(whose: int = resource.RUSAGE_SELF) -> float:
    """Return the most MiB that this process has had, or its children (`resource.RUSAGE_CHILDREN`)."""
    return resource.getrusage(whose).ru_maxrss / 1024
