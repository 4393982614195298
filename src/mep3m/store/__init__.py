"""Parquet shards, images by content hash, quarantine and the manifest that says where it came from."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mep3m.store.images import ContentImages, FolderImages, GivenImages, Images
    from mep3m.store.rejects import Reject
    from mep3m.store.store import Store
    from mep3m.store.writer import Plan, StoreWriter

__all__ = ["ContentImages", "FolderImages", "GivenImages", "Images", "Plan", "Reject", "Store", "StoreWriter"]

_MODULES = {"Plan": "writer", "StoreWriter": "writer", "Store": "store", "Reject": "rejects"}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: a look at stamps and layouts needs no Arrow."""
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    module = importlib.import_module(f"{__name__}.{_MODULES.get(name, 'images')}")
    return getattr(module, name)
