"""Titles as sets of character 3-grams, and MinHash signatures of those sets.

Word shingles match nothing in Chinese titles, which have no spaces to split at. MinHash: A. Broder,
On the resemblance and containment of documents, 1997; only the low byte of each minimum is kept
(b-bit minwise hashing, P. Li and A. König, 2010), so that a signature is 64 bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: characters of a shingle, and hashes of a signature
SHINGLE = 3
HASHES = 64

Number = TypeVar("Number", np.uint64, np.int64)

_MIX = np.random.default_rng(20231)
_XOR = _MIX.integers(0, 2**32, HASHES, dtype=np.uint32)
_TIMES = _MIX.integers(0, 2**32, HASHES, dtype=np.uint32) | np.uint32(1)
_STEPS = _MIX.integers(0, 2**64, SHINGLE, dtype=np.uint64) | np.uint64(1)


@dataclass(frozen=True)
class Shingles:
    """The 3-gram hashes of many titles: those of title i are `flat[offsets[i]:offsets[i + 1]]`, sorted.

    `flat` is (S,) uint32, each hash once a title; `offsets` is (N + 1,) int64.
    """

    flat: NDArray[np.uint32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many different 3-grams each title has, (N,)."""
        return np.diff(self.offsets)


def normalise(titles: pa.Array) -> pa.Array:
    """Return the titles in one width and case, letters and digits only; missing becomes empty."""
    text = pc.utf8_lower(pc.utf8_normalize(pc.fill_null(titles, ""), form="NFKC"))
    return pc.replace_substring_regex(text, r"[^\p{L}\p{N}]+", "")


def title_keys(normalised: pa.Array) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each title, 0 where it is empty, (N,)."""
    keys = np.zeros(len(normalised), dtype=np.uint64)
    for place, text in enumerate(normalised.to_pylist()):
        if text:
            digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
            keys[place] = int.from_bytes(digest, "little") or 1
    return keys


def shingle(normalised: pa.Array) -> Shingles:
    """Cut titles into hashed character 3-grams; one of one or two characters is a single shingle."""
    padded = pc.if_else(
        pc.equal(normalised, ""), normalised, pc.utf8_rpad(normalised, width=SHINGLE, padding=" ")
    )
    lengths = pc.utf8_length(padded).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = np.frombuffer("".join(padded.to_pylist()).encode("utf-32-le"), dtype=np.uint32)
    if len(codes) == 0:
        return Shingles(np.zeros(0, np.uint32), np.zeros(len(lengths) + 1, np.int64))
    owner = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)
    width = SHINGLE - 1
    inside = owner[:-width] == owner[width:]
    mixed = np.zeros(len(codes) - width, dtype=np.uint64)
    for step in range(SHINGLE):
        mixed += codes[step : len(codes) - width + step].astype(np.uint64) * _STEPS[step]
        mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    keyed = distinct((owner[:-width][inside] << np.uint64(32)) | (mixed[inside] >> np.uint64(32)))
    counts = np.bincount((keyed >> np.uint64(32)).astype(np.int64), minlength=len(lengths))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Shingles((keyed & np.uint64(0xFFFFFFFF)).astype(np.uint32), offsets)


def distinct(values: NDArray[Number]) -> NDArray[Number]:
    """Sort `values` in place and return each once: several times faster than `numpy.unique` 2.4."""
    values.sort()
    return values[np.concatenate([[True], values[1:] != values[:-1]])] if len(values) else values


def signatures(shingles: Shingles) -> NDArray[np.uint8]:
    """Return the MinHash signatures, (N, 64); a title without shingles has zeros."""
    result = np.zeros((len(shingles), HASHES), dtype=np.uint8)
    filled = np.flatnonzero(shingles.counts)
    if len(filled) == 0:
        return result
    starts = shingles.offsets[:-1][filled]
    for k in range(HASHES):
        least = np.minimum.reduceat((shingles.flat ^ _XOR[k]) * _TIMES[k], starts)
        result[filled, k] = (least * np.uint32(0x9E3779B1)) >> np.uint32(24)
    return result


def agreement(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Estimate the Jaccard similarity from two (N, 64) signatures; standard error at most 0.0625."""
    equal = np.ascontiguousarray(left == right).view(np.uint64)  # eight truth values a number
    equal = np.bitwise_count(equal).sum(axis=1, dtype=np.int64) / HASHES
    return np.asarray((equal - 1 / 256) / (1 - 1 / 256), dtype=np.float64)


def jaccard(
    shingles: Shingles, left: NDArray[np.int64], right: NDArray[np.int64], block: int = 100_000
) -> NDArray[np.float64]:
    """Return the exact Jaccard similarity of the titles `left[k]` and `right[k]`, (K,)."""
    parts = [
        _jaccard(shingles, left[start : start + block], right[start : start + block])
        for start in range(0, len(left), block)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _jaccard(shingles: Shingles, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    pair, values = [], []
    for side in (left, right):
        counts = shingles.counts[side]
        ends = np.cumsum(counts)
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
        values.append(shingles.flat[np.repeat(shingles.offsets[side], counts) + within])
        pair.append(np.repeat(np.arange(len(side), dtype=np.uint64), counts))
    keyed = (np.concatenate(pair) << np.uint64(32)) | np.concatenate(values)
    keyed.sort()
    twice = keyed[1:][keyed[1:] == keyed[:-1]] >> np.uint64(32)
    common = np.bincount(twice.astype(np.int64), minlength=len(left))
    union = shingles.counts[left] + shingles.counts[right] - common
    return np.asarray(common / np.maximum(union, 1), dtype=np.float64)
