"""The version of a model: a fingerprint of what decides its answers."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mep3m.store.filesystem import hash_file


def model_fingerprint(folder: Path) -> str:
    """Return 16 hex digits of everything in a run's folder that decides its answers.

    These are weights, vocabularies and descriptions of the classifier and its parts; scores, configurations
    and whatever else was put beside them do not count.
    """
    found = [(path.relative_to(folder).as_posix(), hash_file(path)) for path in deciding_files(folder)]
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


def deciding_files(folder: Path) -> list[Path]:
    """Return the files in a run's folder that decide its answers, those of each part together."""
    found: list[Path] = []
    for description in sorted(folder.rglob("classifier.json")):
        beside = [path for path in description.parent.glob("*") if _decides(path)]
        token_files = [one for path in beside if path.is_dir() for one in path.rglob("*") if one.is_file()]
        found += sorted([*(path for path in beside if path.is_file()), *token_files])
    return found


#: files beside a classifier that decide an answer: weights, and which products are of no known category
_FILES = ("classifier.json", "weights.safetensors", "examples.safetensors", "novelty.safetensors")


def _decides(path: Path) -> bool:
    if path.is_dir():
        return path.suffix == ".tokeniser"
    return path.name in _FILES or path.name.endswith(".vocabulary.json")
