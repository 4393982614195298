"""Parquet shards, images by content hash, quarantine and the manifest that says where it came from."""

from mep3m.store.images import ContentImages, FolderImages, GivenImages, Images
from mep3m.store.rejects import Reject
from mep3m.store.store import Store
from mep3m.store.writer import Plan, StoreWriter

__all__ = ["ContentImages", "FolderImages", "GivenImages", "Images", "Plan", "Reject", "Store", "StoreWriter"]
