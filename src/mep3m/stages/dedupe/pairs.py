"""Candidate pairs in near-linear time: banding of signatures and of perceptual hashes.

Every function returns (K, 2) int64 index pairs, the smaller index first, each pair once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.stages.dedupe.pictures import distance
from mep3m.stages.dedupe.titles import HASHES, agreement, distinct

Pairs = Ints

#: hashes of a band. With 16 bands of 4, two titles with Jaccard similarity s meet in a band with
#: probability 1 - (1 - s^4)^16: 0.64 at s = 0.5, 0.89 at 0.6, 0.99 at 0.7
BAND = 4
#: members of a bucket that each one is compared with; larger buckets are sorted so that alike stand near
NEIGHBOURS = 8
#: how far below the threshold an estimated similarity may lie and still be verified (2.4 errors)
MARGIN = 0.15


def no_pairs() -> Pairs:
    """Return an empty (0, 2) array."""
    return np.zeros((0, 2), dtype=np.int64)


def unique_pairs(pairs: list[Pairs], count: int) -> Pairs:
    """Join lists of pairs over `count` things; a thing paired with itself is left out."""
    together = np.concatenate(pairs) if pairs else no_pairs()
    together = together[together[:, 0] != together[:, 1]]
    together.sort(axis=1)
    codes = distinct(together[:, 0] * np.int64(count) + together[:, 1])
    return np.stack([codes // count, codes % count], axis=1) if len(codes) else no_pairs()


def bucket_pairs(keys: NDArray[np.generic], tie: NDArray[np.generic]) -> Iterator[Pairs]:
    """Yield pairs of members with equal keys: each with the next `NEIGHBOURS` in the order of `tie`.

    All pairs of a bucket of at most `NEIGHBOURS` + 1 members come, and at most `NEIGHBOURS` pairs a
    member of a larger one. A pair comes once, in either order.
    """
    order = np.lexsort((tie, keys))
    ranked = keys[order]
    for step in range(1, NEIGHBOURS + 1):
        same = np.flatnonzero(ranked[step:] == ranked[:-step])
        if len(same) == 0:
            return
        yield np.stack([order[same], order[same + step]], axis=1).astype(np.int64)


def near_signatures(signatures: NDArray[np.uint8], threshold: float) -> Pairs:
    """Pair the rows of (N, 64) signatures whose estimated similarity is near `threshold` or above."""
    bands = HASHES // BAND
    near: list[Pairs] = []
    for band in range(bands):
        keys, tie = (_band(signatures, number) for number in (band, (band + 1) % bands))
        for pairs in bucket_pairs(keys, tie):
            alike = _agreement(signatures, pairs) >= threshold - MARGIN
            near.append(pairs[alike])
    return unique_pairs(near, len(signatures))


def _agreement(signatures: NDArray[np.uint8], pairs: Pairs) -> NDArray[np.float64]:
    """Return the estimated similarity of each pair, a block at a time to bound the memory."""
    blocks = np.array_split(pairs, len(pairs) // 200_000 + 1)
    return np.concatenate([agreement(signatures[block[:, 0]], signatures[block[:, 1]]) for block in blocks])


def _band(signatures: NDArray[np.uint8], number: int) -> NDArray[np.uint32]:
    """Return the four bytes of a band as one number a row, (N,)."""
    part = np.ascontiguousarray(signatures[:, number * BAND : (number + 1) * BAND])
    return part.view(np.uint32).ravel()


def near_hashes(hashes: NDArray[np.uint64], most: int) -> Pairs:
    """Pair 64-bit hashes that differ in at most `most` bits.

    The bits are cut into `most` + 3 pieces: two such hashes agree in at least three of them, so each
    choice of three pieces is a bucket key.
    """
    edges = np.linspace(0, 64, most + 4).astype(int)
    near: list[Pairs] = []
    for chosen in combinations(range(most + 3), 3):
        mask = np.uint64(0)
        for piece in chosen:
            mask |= np.uint64(((1 << int(edges[piece + 1] - edges[piece])) - 1) << int(edges[piece]))
        near += [
            pairs[distance(hashes[pairs[:, 0]], hashes[pairs[:, 1]]) <= most]
            for pairs in bucket_pairs(hashes & mask, hashes)
        ]
    return unique_pairs(near, len(hashes))
