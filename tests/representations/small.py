"""Encoders of a few thousand weights, and tables of the tiny catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import timm
import torch
from safetensors.torch import save_file

from mep3m.product import Product, to_table
from mep3m.store.json_files import write_json
from tests.training.test_models import tiny_bert

__all__ = ["tiny_bert"]


def tiny_network(folder: Path, seed: int = 0) -> Path:
    """Write a network of timm for pictures of 32 pixels, as its hub folders are."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    save_file(timm.create_model("test_resnet", num_classes=10).state_dict(), folder / "model.safetensors")
    figures = {"mean": [0.5] * 3, "std": [0.5] * 3, "input_size": [3, 32, 32], "crop_pct": 1.0}
    write_json(folder / "config.json", {"architecture": "test_resnet", "pretrained_cfg": figures})
    return folder


def sentence_folder(folder: Path, pooling: dict[str, Any], *more: str) -> Path:
    """Write a tiny BERT as sentence-transformers does, with a pooling and further steps by their kinds."""
    tiny_bert(folder / "0_Transformer")
    write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 16, **pooling})
    kinds = {"0_Transformer": "Transformer", "1_Pooling": "Pooling", **{f"9_{one}": one for one in more}}
    steps = [
        {"idx": n, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(kinds.items())
    ]
    write_json(folder / "modules.json", steps)
    return folder


def titled(*titles: str | None) -> pa.Table:
    """Return products with these titles."""
    return to_table(
        Product(id=f"p{n}", source="shop", source_id=f"p{n}", title=title) for n, title in enumerate(titles)
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors (N, D) at unit length."""
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled
