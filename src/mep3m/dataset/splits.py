"""Splits as lists of product ids: the same for any order of the rows, and honest about duplicates.

Every choice is made by a hash of (seed, id or group), never by position, so the same products give
the same split however they are stored, and adding a product moves few of the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mep3m.arrays import Ints, components
from mep3m.errors import FormatError, NotFoundError, UsageError, did_you_mean
from mep3m.settings.run import SplitKind
from mep3m.store.json_files import fingerprint, read_json, write_json

#: characters that do not tell two titles apart when duplicates are grouped
_NOISE = r"[\s\pP\pS]+"


@dataclass(frozen=True)
class Split:
    """The ids of one split; `kind`, `seed` and `test_share` rebuild it, `id` names it.

    Ids do not depend on the name of a file. `content` is a fingerprint of the rows where the ids are only
    their numbers.
    """

    kind: str
    seed: int
    test_share: float
    train: tuple[str, ...]
    test: tuple[str, ...]
    content: str | None = None

    @property
    def id(self) -> str:
        """16 hex digits that change when any id changes sides."""
        return fingerprint([sorted(self.train), sorted(self.test)])

    def save(self, path: Path) -> None:
        """Write the split as JSON."""
        write_json(path, {**asdict(self), "id": self.id})

    @classmethod
    def load(cls, path: Path) -> Split:
        """Read a split that `save` wrote.

        Raises:
            FormatError: it is JSON, but not a split.
            UsageError: the ids do not fit the split id in the file, so it was edited or cut.
        """
        value = read_json(path)
        try:
            expected = value.pop("id", None)
            split = cls(**{**value, "train": tuple(value["train"]), "test": tuple(value["test"])})
        except (AttributeError, KeyError, TypeError):
            raise FormatError(f"{path} is not a split; 'mep3m split' writes one") from None
        if split.id != expected:
            raise UsageError(
                f"{path} was changed after it was written (its ids give {split.id}, not {expected}); "
                "write it again with 'mep3m split'"
            )
        return split

    def of_numbered_rows(self, products: pa.Table) -> Split:
        """Return the split with what its rows hold: their ids are numbers, which another table has too."""
        return replace(self, content=_content(products))

    def rows(self, products: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the row numbers of the train and test side in a table with these products.

        Ids of an earlier version, with the table's name (and file and line) before them, are found too.

        Raises:
            NotFoundError: an id of the split is not in the table.
            UsageError: the split is one of row numbers, and the rows are others.
        """
        if self.content is not None and self.content != _content(products):
            raise UsageError(
                "the split lists row numbers, and the rows are not those that were split; "
                "split this table, or name an id column with --id for both"
            )
        sides: tuple[tuple[str, ...], ...] = (self.train, self.test)
        where = {product: row for row, product in enumerate(products["id"].to_pylist())}
        missing = _missing(sides, where)
        for column in ("id", "line"):  # an earlier version wrote 'table:id', or 'table:file:line'
            if missing and column in products.column_names:
                sides = _without_name(sides)
                other = {str(value): row for row, value in enumerate(products[column].to_pylist())}
                if not _missing(sides, other):
                    where, missing = other, []
        if missing:
            raise NotFoundError(
                f"the split names {len(missing):,} products that the dataset lacks (first: '{missing[0]}'); "
                "split the dataset that you train on"
            )
        train, test = (np.array([where[product] for product in side], dtype=np.int64) for side in sides)
        return train, test


def _content(products: pa.Table) -> str:
    """Return a fingerprint of what rows hold that have no ids of their own."""
    return fingerprint([products[name].to_pylist() for name in ("source_id", "title", "image_ref")])


def _missing(sides: Sequence[Sequence[str]], where: Mapping[str, int]) -> list[str]:
    return [product for side in sides for product in side if product not in where]


def _without_name(sides: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Return ids without the name before the colon, if all have one and the same; else as they are."""
    names = {
        name if colon else None for side in sides for name, colon, _ in (one.partition(":") for one in side)
    }
    if len(names) != 1 or None in names:
        return sides
    return tuple(tuple(product.partition(":")[2] for product in side) for side in sides)


def duplicate_groups(products: pa.Table) -> NDArray[np.object_]:
    """Return one group name a row (N,): `group`, else the title without case, spaces and punctuation.

    A row with neither is a group of its own, under its id. Groups that share a title are one, under
    the first of their names, so that a repeated title never crosses a split.
    """
    title = pc.utf8_lower(pc.utf8_normalize(products["title"], form="NFKC"))
    title = pc.replace_substring_regex(title, pattern=_NOISE, replacement="")
    titles, given = (_named(mark, column) for mark, column in (("t:", title), ("g:", products["group"])))
    own = pc.coalesce(given, titles, pc.binary_join_element_wise("i:", products["id"], ""))
    group, names = _codes(own)
    known = pc.is_valid(titles)
    text, texts = _codes(titles.filter(known))
    edges = np.stack([group[known.to_numpy()], len(names) + text], axis=1)
    joined = components(edges, len(names) + len(texts))[: len(names)]
    _, first = np.unique(joined, return_index=True)  # names are in order: the first of each component
    return np.asarray(names.take(first[joined][group]).to_numpy(zero_copy_only=False))


def _codes(texts: pa.ChunkedArray) -> tuple[Ints, pa.Array]:
    """Return the number of each text (N,), and the different texts in order."""
    coded = texts.combine_chunks().dictionary_encode()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    return np.argsort(order)[coded.indices.to_numpy()], coded.dictionary.take(order)


def _named(mark: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values of a column behind a mark, null where they are empty."""
    return pc.if_else(pc.equal(column, ""), None, pc.binary_join_element_wise(mark, column, ""))


def split_products(
    products: pa.Table,
    kind: SplitKind = "grouped",
    test_share: float = 0.2,
    seed: int = 0,
    labels: Sequence[str | None] | None = None,
    platforms: Sequence[str] = (),
    allow_empty_test: bool = False,
) -> Split:
    """Split the rows of `products` (columns `id`, `title`, `group`, `source`) into train and test.

    `grouped` keeps duplicates on one side; `random` is the paper's 8:2 draw of single rows (§4);
    `stratified` is grouped, and draws the share within each class of `labels` (one a row; a group
    counts as its most frequent class); `platform` tests on every product that comes from one of `platforms`.

    Raises:
        UsageError: the ids are not unique, a side would be empty (the test side unless
            `allow_empty_test`), or `labels`/`platforms` are missing.
    """
    ids: list[str] = products["id"].to_pylist()
    if len(set(ids)) != len(ids):
        raise UsageError("product ids must be unique to be split; name a column that is, or none")
    if kind == "platform":
        test = _by_platform(products["source"].to_pylist(), platforms)
    else:
        if not 0 < test_share < 1:
            raise UsageError(f"test share {test_share} is not allowed: write a number between 0 and 1")
        groups = np.array(ids, dtype=object) if kind == "random" else duplicate_groups(products)
        if kind == "stratified" and labels is None:
            raise UsageError("a stratified split needs the labels of one level")
        strata = list(labels) if kind == "stratified" and labels is not None else [None] * len(ids)
        test = _draw(groups, strata, test_share, seed)
    if test.all() or not (test.any() or allow_empty_test):
        side = "train" if test.all() else "test"
        raise UsageError(
            f"the {kind} split of {len(ids):,} products has an empty {side} side; "
            "give more products, another share (split: --test-share, train: --valid-share), or a random split"
        )
    order = np.argsort(np.array(ids, dtype=object))
    chosen = [(ids[row], bool(test[row])) for row in order]
    train = tuple(product for product, tested in chosen if not tested)
    return Split(kind, seed, test_share, train, tuple(product for product, tested in chosen if tested))


def _by_platform(sources: list[str], platforms: Sequence[str]) -> NDArray[np.bool_]:
    known = set(sources)
    if not platforms:
        raise UsageError(
            f"a split by platform needs the platforms to test on; there are: {', '.join(sorted(known))}"
        )
    for platform in platforms:
        if platform not in known:
            raise NotFoundError(
                f"no product comes from the platform '{platform}'{did_you_mean(platform, known)}"
            )
    return np.isin(np.array(sources, dtype=object), list(platforms))


def _draw(
    groups: NDArray[np.object_], strata: Sequence[str | None], share: float, seed: int
) -> NDArray[np.bool_]:
    """Return (N,) True for test rows: whole groups, in hash order, up to `share` of each stratum."""
    names, member = np.unique(groups, return_inverse=True)
    sizes = np.bincount(member, minlength=len(names))
    rank = np.array([_rank(seed, name) for name in names], dtype=np.uint64)
    stratum = _majority(member, strata, len(names))
    chosen = np.zeros(len(names), dtype=bool)
    for value in np.unique(stratum):
        inside = np.flatnonzero(stratum == value)
        inside = inside[np.argsort(rank[inside], kind="stable")]
        before = np.cumsum(sizes[inside]) - sizes[inside]
        chosen[inside] = before + sizes[inside] / 2 <= share * sizes[inside].sum()
    test: NDArray[np.bool_] = chosen[member]
    return test


def _rank(seed: int, name: str) -> int:
    digest = hashlib.blake2b(f"{seed}\x00{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _majority(member: NDArray[np.int64], strata: Sequence[str | None], count: int) -> NDArray[np.int64]:
    """Return (count,) the most frequent stratum code of each group; ties go to the smaller name."""
    _, codes = np.unique(np.array(["" if s is None else s for s in strata]), return_inverse=True)
    pairs, frequency = np.unique(np.stack([member, codes]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -frequency, pairs[0]))
    _, first = np.unique(pairs[0][order], return_index=True)
    majority: NDArray[np.int64] = pairs[1][order][first]
    return majority if len(majority) == count else np.zeros(count, dtype=np.int64)
