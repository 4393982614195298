"""Which relation two categories have, from what their products, names and trees say together.

Two small logistic models: whether the rows of one category lie within the other, and whether the two are
the same. What they read is few numbers, each with a direction that a person can check, so that they hold on
shops that they were not fitted on. What they say is then calibrated by how often it was right on platforms
left out of the fit (`docs/log/merge.md` has the figures).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mep3m.alignment.crossing.heads import Floats, Heads
from mep3m.alignment.crossing.tables import Crossing, Filing, ancestors
from mep3m.alignment.names.compare import plain
from mep3m.alignment.records import Entry, Side
from mep3m.alignment.similarity import Ints

#: titles at which what a category's titles say counts half
HALF_TRUSTED = 4
#: probabilities are kept this far from 0 and 1 before their logarithm is taken
EDGE = 0.02
#: a share beyond this says no more
ENOUGH = 0.9
#: share at home from which on it matters where a category's rows go, and from which on fully
SOME_HOME, FULL_HOME = 0.05, 0.30
#: a leaf follows when so many of its rows go there, and so large a part of those at home
FOLLOWS, MAINLY = 0.12, 0.7
#: the two are said to be the same from this probability on, and this part of the other one's
SAME, BESIDE = 0.5, 0.6
#: titles of both categories from which on filing tells whether the two have to do with each other
TELLING = 8
#: likeness of two whole paths from which on they are the same: what the names say then stands
WHOLE = 0.999


class KnownPairs(NamedTuple):
    """What the evidence method says of P pairs: (P,) arrays.

    `exact`, `narrower` and `broader` are its probabilities; `inside_l` says that names speak for the left
    category lying within the right one, `inside_r` the reverse; `excluded` that the names mean different
    things; `same` that they are equal; `names` how alike they are, 0 to 1.
    """

    rows: Ints
    columns: Ints
    exact: Floats
    narrower: Floats
    broader: Floats
    inside_l: Floats
    inside_r: Floats
    excluded: Floats
    same: Floats
    names: Floats
    paths: Floats


def relations(left: Side, right: Side, crossing: Crossing, known: KnownPairs, heads: Heads) -> Floats:
    """Return (P, 3) probabilities that each pair is exact, narrower, broader; at most one is not zero.

    The one that is left is the relation to propose. A category that is the same as another also lies
    within it, so 'exact' wins unless it is clearly less probable.
    """
    equal = heads.equal.probability(equal_numbers(crossing, known))
    narrower = heads.within.probability(within_numbers(left, right, crossing, known))
    turned = turn(known)
    broader = heads.within.probability(within_numbers(right, left, turn_crossing(crossing), turned))
    inner = np.maximum(narrower, broader)
    same = (equal >= SAME) & (equal >= BESIDE * inner)
    kinds = np.zeros((len(equal), 3))
    kinds[same, 0] = equal[same]
    wider = ~same & (broader > narrower)
    kinds[wider, 2] = broader[wider]
    kinds[~same & ~wider, 1] = narrower[~same & ~wider]
    twins = (known.paths >= WHOLE) & (known.exact > kinds[:, 0])
    kinds[twins] = np.where(np.arange(3) == 0, known.exact[twins, None], 0.0)
    said = kinds.max(axis=1)
    sure = heads.calibrated(said, groups(left, right, crossing, known, kinds))
    return np.asarray(kinds * np.divide(sure, said, out=np.zeros(len(said)), where=said > 0)[:, None])


def groups(left: Side, right: Side, crossing: Crossing, known: KnownPairs, kinds: Floats) -> NDArray[np.str_]:
    """Return the kind of link (P,) that each pair's surest relation is: one of `heads.GROUPS`.

    Products that both have enough of speak against a link if the inner category's would not be filed there,
    or those of neither of two equal ones ('printers' that are ink), unless all names above are the same too.
    """
    there, back = crossing.there, crossing.back
    rows, columns = known.rows, known.columns
    told = (there.titles[rows] >= TELLING) & (back.titles[columns] >= TELLING)
    filed = [_cells(there, rows, columns), _cells(back, columns, rows)]
    either = np.maximum(*filed)
    both = np.minimum(*filed)
    deep = np.array([len(entry.path) > 1 for entry in left])[rows] & (known.paths >= WHOLE)
    relation = kinds.argmax(axis=1)
    equal = np.where(known.same == 1, np.where(both >= FOLLOWS, "agreed", "named"), "renamed")
    said = np.where(relation == 2, known.inside_r, known.inside_l) > 0
    inner = np.where(
        told, np.where(said, "inner agreed", "inner filed"), np.where(said, "inner named", "inner unsaid")
    )
    kind = np.where(relation == 0, equal, inner)
    against = told & (np.choose(relation, [either, *filed]) < FOLLOWS) & ~((relation == 0) & deep)
    denied = np.where(
        relation == 2,
        _named_elsewhere(right, left, columns, rows),
        _named_elsewhere(left, right, rows, columns),
    )
    return np.where((relation != 0) & denied, "denied", np.where(against, "unfiled", kind))


def _named_elsewhere(inner: Side, outer: Side, rows: Ints, columns: Ints) -> NDArray[np.bool_]:
    """Return (P,) whether the outer side has a category of the inner one's name beside the outer one.

    One above or below the outer category does not count.
    """
    named: dict[str, list[tuple[str, ...]]] = {}
    for entry in outer:
        named.setdefault(plain(entry.name), []).append(entry.path)

    def elsewhere(row: int, column: int) -> bool:
        place, name = outer.entries[column].path, plain(inner.entries[row].name)
        alike = named.get(name, []) if name else []
        return bool(alike) and not any(
            path[: len(place)] == place or place[: len(path)] == path for path in alike
        )

    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return np.array([elsewhere(row, column) for row, column in pairs], dtype=np.bool_)


def turn(known: KnownPairs) -> KnownPairs:
    """Return the pairs turned around."""
    return known._replace(
        rows=known.columns, columns=known.rows, narrower=known.broader, broader=known.narrower,
        inside_l=known.inside_r, inside_r=known.inside_l,
    )  # fmt: skip


def turn_crossing(crossing: Crossing) -> Crossing:
    """Return the crossing with its sides exchanged."""
    return Crossing(crossing.back, crossing.there)


def within_numbers(left: Side, right: Side, crossing: Crossing, known: KnownPairs) -> Floats:
    """Return (P, F) what speaks for the left category's rows lying within the right one (`WITHIN`)."""
    there, back = crossing.there, crossing.back
    rows, columns = known.rows, known.columns
    trust = _trust(there)[rows]
    share = np.minimum(_cells(there, rows, columns), ENOUGH)
    home = there.home[rows].astype(float)
    mainly = np.divide(_cells(there, rows, columns), home, out=np.zeros(len(rows)), where=home > 0)
    some = np.clip((home - SOME_HOME) / (FULL_HOME - SOME_HOME), 0, 1)
    sizes = [np.array([entry.count or 0 for entry in side], float) for side in (left, right)]
    return np.stack(
        [
            share * trust,
            mainly * some * trust,
            _values(_leaves_that_follow(left, there), rows, columns) * trust,
            _logit(known.narrower),
            _logit(known.exact),
            known.inside_l * (1 - share * trust),
            known.excluded,
            known.names,
            # the smaller of two lies within the other more often; a larger one is judged by its products
            np.clip(np.log1p(sizes[0])[rows] - np.log1p(sizes[1])[columns], -3, 0),
            (home < SOME_HOME) * trust,
            np.minimum(_cells(back, columns, rows), ENOUGH) * _trust(back)[columns],
        ],
        axis=1,
    )


def equal_numbers(crossing: Crossing, known: KnownPairs) -> Floats:
    """Return (P, F) what speaks for the two categories being the same (`EQUAL`)."""
    there, back = crossing.there, crossing.back
    rows, columns = known.rows, known.columns
    trusts = _trust(there)[rows], _trust(back)[columns]
    shares = np.sort(
        [_cells(there, rows, columns) * trusts[0], _cells(back, columns, rows) * trusts[1]], axis=0
    )
    return np.stack(
        [
            shares[0],
            shares[1],
            _logit(known.exact),
            known.same,
            known.same * _logit(known.exact),
            known.excluded,
            known.names,
            np.maximum(_logit(known.narrower), _logit(known.broader)),
            np.minimum(there.home[rows], back.home[columns]).astype(float),
            trusts[0],
            trusts[1],
        ],
        axis=1,
    )


def _trust(filing: Filing) -> Floats:
    titles = filing.titles.astype(float)
    trust: Floats = titles / (titles + HALF_TRUSTED)
    return trust


def _cells(filing: Filing, rows: Ints, columns: Ints) -> Floats:
    return _values(filing.share, rows, columns)


def _values(table: sparse.csr_matrix, rows: Ints, columns: Ints) -> Floats:
    """Return the cells (P,) of a sparse table; scipy gives a matrix for no pairs."""
    cells: Floats = np.asarray(table[rows, columns], float).ravel() if len(rows) else np.zeros(0)
    return cells


def _logit(probability: Floats) -> Floats:
    kept = np.clip(probability, EDGE, 1 - EDGE)
    out: Floats = np.log(kept / (1 - kept))
    return out


def _leaves_that_follow(side: Side, filing: Filing) -> sparse.csr_matrix:
    """Return (A, B): the part of a category's titles in leaves that mainly go to the other category."""
    share = filing.share.tocoo()
    goes = (share.data >= FOLLOWS) & (share.data >= MAINLY * filing.home[share.row])
    follows = sparse.csr_matrix((np.ones(goes.sum()), (share.row[goes], share.col[goes])), share.shape)
    inner = {entry.path[:depth] for entry in side for depth in range(1, len(entry.path))}
    own = sparse.diags(np.where([entry.path in inner for entry in side], 0.0, filing.titles))
    above = ancestors(side)
    total = np.asarray((above @ own).sum(axis=1)).ravel()
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(total, 1)) @ above @ own @ follows)


def with_inner(side: Side, titles_kept: int) -> Side:
    """Return the side with its inner categories too, each with titles of what lies below it.

    One that holds a single category has the same products as that one, and only its name can tell which of
    the two another platform's category equals: it is left out below the first level, and where both have one
    name.
    """
    have, ids = {entry.path for entry in side}, {entry.id for entry in side}
    below: dict[tuple[str, ...], list[Entry]] = {}
    for entry in side:
        for depth in range(1, len(entry.path)):
            below.setdefault(entry.path[:depth], []).append(entry)
    inner = [
        _inner(path, entries, titles_kept)
        for path, entries in below.items()
        if path not in have and (len(entries) > 1 or (len(path) == 1 and entries[0].name != path[0]))
    ]
    added = (entry for entry in inner if entry.id not in ids)
    return Side(side.name, tuple(sorted((*side.entries, *added), key=lambda entry: entry.path)))


def _inner(path: tuple[str, ...], entries: list[Entry], kept: int) -> Entry:
    from mep3m.taxonomy import PATH_SEPARATOR

    each = max(1, kept // len(entries)) if sum(len(entry.titles) for entry in entries) > kept else kept
    titles = tuple(title for entry in entries for title in entry.titles[:each])
    english = entries[0].path_en[: len(path)] if len(entries[0].path_en) >= len(path) else ()
    classes = {entry.first_level for entry in entries}
    return Entry(
        PATH_SEPARATOR.join(path),
        path,
        english,
        titles,
        (),
        sum(entry.count or 0 for entry in entries),
        classes.pop() if len(classes) == 1 else None,
    )
