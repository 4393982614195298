"""By how much new products differ from those of an audit: one effect size, whatever the size of a batch.

Six things are counted: n-grams of titles, lengths of titles, platforms, how probable the best answer is, and
of pictures that a model reads, the shorter side and the brightness. The difference of two such distributions
is their Hellinger distance, from 0 (the same) to 1 (nothing in common), after what 99 of 100 samples differ
by chance is taken off its square. It is no p-value, which any large batch would make small, and it stops
nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

#: what is counted
KINDS = ("words", "lengths", "platforms", "probabilities", "sizes", "brightness")
#: a batch that differs by more than this is told; products of another kind differ by .3 and more
TOLD = 0.2
#: pairs of characters are counted in so many groups
_BUCKETS = 128
#: titles and platforms that are counted at most
MOST = 50_000

Counts = dict[str, dict[str, float]]


def counted(
    titles: Sequence[str | None],
    platforms: Sequence[str | None],
    probabilities: Sequence[float | None],
    pictures: Sequence[tuple[int, float] | None] = (),
) -> Counts:
    """Return how many products there are of each kind; each title counts once, however long it is.

    `pictures` are the shorter side (pixels) and the brightness (0 to 1) of each that a model has read.
    """
    read = [one for one in pictures[:MOST] if one is not None]
    words: Counter[str] = Counter()
    for title in titles[:MOST]:
        pairs = Counter(_bucket(pair) for pair in _pairs(title or ""))
        total = pairs.total()
        for bucket, number in pairs.items():
            words[bucket] += number / total  # type: ignore[assignment]  # a share of a title
    return {
        "words": dict(sorted(words.items())),
        "lengths": _shares(str(len(title or "").bit_length()) for title in titles[:MOST]),
        "platforms": _shares(platform or "" for platform in platforms[:MOST]),
        "probabilities": _shares(f"{int(10 * (one or 0)):d}" for one in probabilities[:MOST]),
        "sizes": _shares(f"{2 * np.log2(max(side, 1)):.0f}" for side, _ in read),
        "brightness": _shares(f"{int(20 * bright):d}" for _, bright in read),
    }


def effects(reference: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, float]:
    """Return the distance of a batch from a reference in each of `KINDS`, and the largest as `effect`.

    What one of them did not count, such as pictures, differs by 0.
    """
    found = {kind: _distance(reference.get(kind, {}), batch.get(kind, {})) for kind in KINDS}
    return {**found, "effect": max(found.values())}


def _distance(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    sizes = [sum(one.values()) for one in (left, right)]
    if not all(sizes):
        return 0.0
    keys = sorted(left.keys() | right.keys())
    shares = [
        np.array([one.get(key, 0.0) for key in keys]) / size
        for one, size in zip((left, right), sizes, strict=True)
    ]
    square = 1 - float(np.sqrt(shares[0] * shares[1]).sum())
    # eight times the square follows a chi-square of so much freedom where both are of one distribution
    free = len(keys) - 1
    chance = (free + 2.33 * np.sqrt(2 * free)) / 8 * sum(1 / size for size in sizes)
    return float(np.sqrt(max(square - chance, 0.0)))


def _shares(values: Iterable[str]) -> dict[str, float]:
    return {key: float(number) for key, number in sorted(Counter(values).items())}


def _pairs(title: str) -> list[str]:
    text = f" {title.lower()} "
    return [text[place : place + 2] for place in range(len(text) - 1)]


def _bucket(pair: str) -> str:
    return str(hashlib.blake2b(pair.encode("utf-8", "replace"), digest_size=2).digest()[0] % _BUCKETS)
