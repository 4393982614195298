"""Where work runs: this process, local processes, or a Ray cluster. What runs does not know."""

from mep3m.engine.base import ENGINES, Engine, WorkerDied, make_engine
from mep3m.engine.progress import Progress, bar, silent
from mep3m.engine.run import run

__all__ = ["ENGINES", "Engine", "Progress", "WorkerDied", "bar", "make_engine", "run", "silent"]
