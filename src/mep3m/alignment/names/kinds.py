"""Which category is a kind of which other, by the names alone: a facial mask is skin care.

`kinds.txt` holds one class a line: its names, and the names of its kinds. All are read as concepts
(`concepts.txt`), so that a line in Chinese holds in English too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from mep3m.alignment.names.compare import REMEMBERED, plain, segments
from mep3m.alignment.names.concepts import Meaning, meanings

#: the classes that ship
KINDS = "kinds.txt"
NOTHING_KNOWN = (float("nan"),) * 3
Word = tuple[Meaning, ...]


@dataclass(frozen=True)
class Known:
    """What is known of one name: its terms, its words, all that it is a kind of, and what it names.

    `names` holds the words that are the whole name but for some terms.
    """

    terms: frozenset[str]
    words: frozenset[Word]
    above: frozenset[Word]
    names: tuple[tuple[Word, frozenset[str]], ...]


@dataclass(frozen=True)
class Hierarchy:
    """Words with the classes directly above them, words by the terms of their heads, and what terms say.

    `sums` are the words written with a +, of which a part may stand in the name above.
    """

    above: dict[Word, frozenset[Word]]
    by_head: dict[str, tuple[Word, ...]]
    saying: dict[str, frozenset[str]]
    sums: frozenset[Word]

    def upwards(self, word: Word) -> Iterator[Word]:
        """Yield all that a word is a kind of, each once."""
        todo, seen = [word], {word}
        while todo:
            for one in self.above.get(todo.pop(), frozenset()) - seen:
                seen.add(one)
                todo.append(one)
                yield one


@lru_cache(maxsize=1)
def hierarchy() -> Hierarchy:
    """Return the classes that come with the package."""
    return read_kinds(resources.files(__package__).joinpath(KINDS).read_text("utf-8"))


def read_kinds(text: str) -> Hierarchy:
    """Read the lines `names of a class : names of its kinds`, and `words = what they say beside that`."""
    above: dict[Word, set[Word]] = defaultdict(set)
    saying: dict[str, frozenset[str]] = {}
    sums: set[Word] = set()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for words, _, said in (line.partition(" = ") for line in lines if " = " in line):
        saying |= dict.fromkeys(_terms(map(_word, words.split())), frozenset(_terms([_word(said)])))
    for classes, _, kinds in (line.partition(" : ") for line in lines if " : " in line):
        sums.update(_word(name) for name in (*classes.split(), *kinds.split()) if "+" in name)
        names = [_word(name) for name in classes.split()]
        for kind in (*map(_word, kinds.split()), *names):
            above[kind].update(name for name in names if name != kind)
    by_head: dict[str, list[Word]] = defaultdict(list)
    for word in above:
        for term in word[-1]:
            by_head[term].append(word)
    return Hierarchy(
        {word: frozenset(of) for word, of in above.items()},
        {term: tuple(of) for term, of in by_head.items()},
        saying,
        frozenset(sums),
    )


def _terms(words: Iterable[Word]) -> list[str]:
    return [term for word in words for one in word for term in one]


def _word(name: str) -> Word:
    return tuple(one for part in name.split("+") for one in meanings(plain(part)))


@lru_cache(maxsize=200_000)
def known(segment: str, below: str = "") -> Known:
    """Return what is known of a plain name that stands below another one.

    Its words are those that end as it does and whose terms it, or the name above it, holds; only the
    most special ones count, the others are what it is a kind of.
    """
    classes, own = hierarchy(), meanings(segment)
    said, terms = (_said(of) for of in ((own,), (own, meanings(below))))
    words = {
        word
        for term in (own[-1] if own else ())
        for word in classes.by_head.get(term, ())
        if all(not (terms if word in classes.sums else said).isdisjoint(one) for one in word)
    }
    special = frozenset(word for word in words if not any(_more_general(word, other) for other in words))
    above = {one for word in special for one in classes.upwards(word)} | (words - special)
    names = tuple((word, frozenset(_beside(own, word))) for word in words)
    return Known(terms, special, frozenset(above), names)


def _said(words: Iterable[Word]) -> frozenset[str]:
    """Return the terms of words, and what they say beside themselves."""
    read = _terms(words)
    return frozenset(read).union(*(hierarchy().saying.get(term, ()) for term in read))


def _more_general(word: Word, other: Word) -> bool:
    ours, theirs, classes = set(_terms([word])), set(_terms([other])), hierarchy()
    if ours < theirs or theirs < ours:
        return ours < theirs
    return word in classes.upwards(other) and other not in classes.upwards(word)


def _beside(of: Word, word: Word) -> Iterator[str]:
    """Yield the terms of the meanings that a word does not cover."""
    covered = set(_terms([word]))
    return (term for one in of if covered.isdisjoint(one) for term in one)


@lru_cache(maxsize=REMEMBERED)
def kinship(left: tuple[str, str], right: tuple[str, str]) -> tuple[float, float, float]:
    """Return how two categories are akin, each given as its name and that of its parent.

    Which share of the left one's segments is a kind of the right one, the same turned around, and
    whether (0 or 1) both are known and nothing joins them. Unknown where a name is not in the classes.
    """
    ours, theirs = (_segments(*of) for of in (left, right))
    if not ours or not theirs:
        return NOTHING_KNOWN
    inner = sum(any(_within(a, b) for b in theirs) for a in ours) / len(ours)
    outer = sum(any(_within(b, a) for a in ours) for b in theirs) / len(theirs)
    joined = (
        inner
        or outer
        or any((a.above | a.words) & b.words or a.words & b.above for a in ours for b in theirs)
    )
    return inner, outer, float(not joined)


def _segments(name: str, above: str) -> list[Known]:
    return [one for part in segments(name) if (one := known(part, plain(above))).words]


def _within(inner: Known, outer: Known) -> bool:
    """Return whether one name is a kind of what the other names, with nothing said that it does not say."""
    return _below(inner, outer) and not _below(outer, inner)


def _below(inner: Known, outer: Known) -> bool:
    return any(word in inner.above and extra <= inner.terms for word, extra in outer.names)
