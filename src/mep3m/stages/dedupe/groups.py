"""From links between products to groups, with a guard against chains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Ints, components
from mep3m.settings.dedupe import DedupeSettings
from mep3m.stages.dedupe.pairs import Pairs, near_hashes, near_signatures, no_pairs, unique_pairs
from mep3m.stages.dedupe.pictures import distance
from mep3m.stages.dedupe.titles import Shingles, jaccard

#: what joined two products
REASONS = ("same_image", "near_title", "near_image", "same_photo")


#: takes what says which of some pairs have similar titles, and returns the pairs of rows that show one photo
FindPhotos = Callable[[Callable[[Pairs], Ints]], Pairs]


@dataclass(frozen=True)
class DuplicateEvidence:
    """What is known of N products, one entry a row.

    `title` is a hash of the normalised title, `image` of the image's bytes, `perceptual_hash` of what
    it shows; 0 means that there is none. `signatures` is (N, 64).
    """

    title: NDArray[np.uint64]
    image: NDArray[np.uint64]
    perceptual_hash: NDArray[np.uint64]
    signatures: NDArray[np.uint8]
    shingles: Shingles

    def __len__(self) -> int:
        return len(self.title)


@dataclass(frozen=True)
class Links:
    """Pairs of rows that belong together: (K, 2) rows, why (index of `REASONS`), title similarity."""

    pairs: Pairs
    reason: Ints
    similarity: NDArray[np.float64]


def first_rows(evidence: DuplicateEvidence, settings: DedupeSettings) -> Ints:
    """Return for each row the first row with the same normalised title (itself without one), (N,)."""
    own = np.arange(len(evidence))
    if not settings.same_title:
        return own
    _, first, place = np.unique(evidence.title, return_index=True, return_inverse=True)
    return np.where(evidence.title == 0, own, first[place])


def find_links(
    evidence: DuplicateEvidence, first: Ints, settings: DedupeSettings, photos: FindPhotos | None = None
) -> Links:
    """Return the links between titles; `first` stands for all rows with its title.

    `photos` finds the rows that show one photo.
    """
    same = _same_image(evidence.image, first, settings.common_image) if settings.same_image else no_pairs()
    titles, alike = _near_titles(evidence, first, settings)
    images, similar = _near_images(evidence, first, settings)
    shown = _same_photos(evidence, first, settings, photos) if photos is not None else no_pairs()
    pairs = np.concatenate([same, titles, images, shown])
    sizes = (len(same), len(titles), len(images), len(shown))
    known, seen = (jaccard(evidence.shingles, of[:, 0], of[:, 1]) for of in (same, shown))
    return Links(pairs, np.repeat(np.arange(4), sizes), np.concatenate([known, alike, similar, seen]))


def _same_image(image: NDArray[np.uint64], first: Ints, common: int) -> Pairs:
    """Link each title to the first one with the same image, unless too many share it."""
    rows = np.flatnonzero(image)
    seen = np.unique(np.stack([image[rows], first[rows].astype(np.uint64)], axis=1), axis=0)
    _, start, place, count = np.unique(seen[:, 0], return_index=True, return_inverse=True, return_counts=True)
    title = seen[:, 1].astype(np.int64)
    linked = count[place] <= common
    return unique_pairs([np.stack([title[start][place], title], axis=1)[linked]], len(image))


def _near_titles(
    evidence: DuplicateEvidence, first: Ints, settings: DedupeSettings
) -> tuple[Pairs, NDArray[np.float64]]:
    if settings.near_title is None:
        return no_pairs(), np.zeros(0)
    nodes = np.flatnonzero((first == np.arange(len(first))) & (evidence.shingles.counts > 0))
    pairs = nodes[near_signatures(evidence.signatures[nodes], settings.near_title)]
    similarity = jaccard(evidence.shingles, pairs[:, 0], pairs[:, 1])
    kept = similarity >= settings.near_title
    return pairs[kept], similarity[kept]


def _near_images(
    evidence: DuplicateEvidence, first: Ints, settings: DedupeSettings
) -> tuple[Pairs, NDArray[np.float64]]:
    if settings.image_distance is None:
        return no_pairs(), np.zeros(0)
    rows = np.flatnonzero(evidence.perceptual_hash)
    alike = rows[near_hashes(evidence.perceptual_hash[rows], settings.image_distance)]
    pairs = first[alike]
    bits = distance(*(evidence.perceptual_hash[alike[:, side]] for side in (0, 1)))
    similarity = jaccard(evidence.shingles, pairs[:, 0], pairs[:, 1])
    kept = unique_pairs([pairs[similarity >= settings.image_title + settings.image_step * bits]], len(first))
    return kept, jaccard(evidence.shingles, kept[:, 0], kept[:, 1])


def _same_photos(
    evidence: DuplicateEvidence, first: Ints, settings: DedupeSettings, photos: FindPhotos
) -> Pairs:
    """Link the titles of rows that show one photo, where they are similar enough."""

    def alike(pairs: Pairs) -> Ints:
        titles = first[pairs]
        similarity = jaccard(evidence.shingles, titles[:, 0], titles[:, 1])
        return np.flatnonzero((similarity >= settings.image_title) & (titles[:, 0] != titles[:, 1]))

    return unique_pairs([first[photos(alike)]], len(first))


def group(first: Ints, links: Links, chain: int) -> Ints:
    """Return the group of each row, named by the group's smallest row, (N,).

    Titles that are linked through others are one group, as long as it holds at most `chain`
    different titles. A larger one is cut into stars: its best-linked title and all linked to it
    directly, then the same with what is left.
    """
    parts = components(links.pairs, len(first))
    titles = np.flatnonzero(first == np.arange(len(first)))
    sizes = np.bincount(parts[titles], minlength=len(first) + 1)
    if len(links.pairs):
        large = sizes[parts[links.pairs[:, 0]]] > chain
        parts = parts.copy()
        _cut_into_stars(parts, links.pairs[large])
    named = parts[first]
    _, start, place = np.unique(named, return_index=True, return_inverse=True)
    return np.asarray(start[place], dtype=np.int64)


def _cut_into_stars(parts: Ints, pairs: Pairs) -> None:
    """Give every title of the components in `pairs` the part of its star; parts get fresh numbers."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    nodes, start, degree = np.unique(both[:, 0], return_index=True, return_counts=True)
    fresh = int(parts.max(initial=0)) + 1
    taken: set[int] = set()
    for k in np.lexsort((nodes, -degree)):
        centre = int(nodes[k])
        if centre in taken:
            continue
        around = both[start[k] : start[k] + degree[k], 1]
        star = [centre, *(int(node) for node in around if int(node) not in taken)]
        taken.update(star)
        parts[star] = fresh
        fresh += 1
