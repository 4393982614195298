"""mep3m: merge shops' product catalogues into one labelled dataset, and classify with it.

The names below are what a notebook needs; docs/guide-notebook.md shows them at work. Each is imported
when it is first used, so that `import mep3m` costs nothing.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mep3m import errors
    from mep3m.alignment.records import Proposal
    from mep3m.alignment.score import AlignmentScores
    from mep3m.assignment.answer import Assignment
    from mep3m.product import Label, Product
    from mep3m.public.building import BuildResult, build, ingest_catalogue, simulate
    from mep3m.public.categories import propose, score_proposals
    from mep3m.public.evaluation import LevelSummary, Scores
    from mep3m.public.frames import Frame
    from mep3m.public.inputs import ColumnNames
    from mep3m.public.product_set import ClassCount, LevelCount, ProductSet, Statistics, load
    from mep3m.public.runs import Answer, TrainedRun, evaluate, load_run, train
    from mep3m.simulator.simulation import Simulation
    from mep3m.store.store import Store
    from mep3m.taxonomy import Category, Taxonomy

__version__ = "0.1.0"

__all__ = [
    "AlignmentScores",
    "Answer",
    "Assignment",
    "BuildResult",
    "Category",
    "ClassCount",
    "ColumnNames",
    "Frame",
    "Label",
    "LevelCount",
    "LevelSummary",
    "Product",
    "ProductSet",
    "Proposal",
    "Scores",
    "Simulation",
    "Statistics",
    "Store",
    "Taxonomy",
    "TrainedRun",
    "build",
    "errors",
    "evaluate",
    "ingest_catalogue",
    "load",
    "load_run",
    "propose",
    "score_proposals",
    "simulate",
    "train",
]

#: module -> the public names that it holds
_PLACES = {
    "mep3m.alignment.records": ("Proposal",),
    "mep3m.alignment.score": ("AlignmentScores",),
    "mep3m.assignment.answer": ("Assignment",),
    "mep3m.product": ("Label", "Product"),
    "mep3m.public.building": ("BuildResult", "build", "ingest_catalogue", "simulate"),
    "mep3m.public.categories": ("propose", "score_proposals"),
    "mep3m.public.evaluation": ("LevelSummary", "Scores"),
    "mep3m.public.frames": ("Frame",),
    "mep3m.public.inputs": ("ColumnNames",),
    "mep3m.public.product_set": ("ClassCount", "LevelCount", "ProductSet", "Statistics", "load"),
    "mep3m.public.runs": ("Answer", "TrainedRun", "evaluate", "load_run", "train"),
    "mep3m.simulator.simulation": ("Simulation",),
    "mep3m.store.store": ("Store",),
    "mep3m.taxonomy": ("Category", "Taxonomy"),
}


# who asks for so many threads means all libraries; numba does not look, and its threads spin beside others
_threads = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
if _threads.isdecimal() and int(_threads):
    os.environ.setdefault("NUMBA_NUM_THREADS", _threads)


def __getattr__(name: str) -> Any:
    if name == "errors":
        return importlib.import_module("mep3m.errors")
    module = next((place for place, names in _PLACES.items() if name in names), None)
    if module is None:
        raise AttributeError(f"module 'mep3m' has no attribute '{name}'")
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
