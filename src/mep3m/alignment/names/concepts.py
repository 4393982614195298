"""What names mean: the words of the trade mapped to concepts, the same for synonyms and both languages.

`concepts.txt` holds one concept a line, its Chinese names = its English names. '移动电话壳' and
'cell phone cases' both become the concepts of a phone and of a cover.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise

import numpy as np

from mep3m.alignment.names.compare import REMEMBERED, plain

#: the concepts that ship
CONCEPTS = "concepts.txt"
#: the concepts of a word, or the word itself
Meaning = tuple[str, ...]
NO_MEANING = (float("nan"),) * 3


@dataclass(frozen=True)
class Lexicon:
    """Words to the numbers of their concepts; a word is a tuple of its units, `longest` at most.

    A unit is a Chinese character or an English word. `opposites` are groups of words that exclude
    those of the other groups of their line.
    """

    words: dict[tuple[str, ...], Meaning]
    longest: int
    opposites: tuple[tuple[tuple[str, ...], ...], ...] = ()


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Return the lexicon that comes with the package."""
    return read_lexicon(resources.files(__package__).joinpath(CONCEPTS).read_text("utf-8"))


def read_lexicon(text: str) -> Lexicon:
    """Read the lines `Chinese names = English, names`; a word of several lines has several concepts.

    A line of `!` holds groups of words, apart by `|`, that exclude each other.
    """
    words: dict[tuple[str, ...], Meaning] = {}
    opposites: list[tuple[tuple[str, ...], ...]] = []
    for number, line in enumerate(text.splitlines()):
        if line.startswith("!"):
            opposites.append(tuple(tuple(group.split()) for group in line[1:].split("|")))
        if line.startswith(("#", "!")):
            continue
        chinese, _, english = line.partition("=")
        names = [*chinese.split(), *english.split(",")]
        for word in dict.fromkeys(filter(None, (_units(plain(name)) for name in names))):
            words[word] = (*words.get(word, ()), f"c{number}")
    return Lexicon(words, max(map(len, words), default=1), tuple(opposites))


def excluded(texts: Sequence[str]) -> np.ndarray:
    """Return (texts, lines) of bits: which groups of each line of opposites a plain text speaks of."""
    lines = lexicon().opposites
    bits = [[_spoken_of(text, set(text.split()), groups) for groups in lines] for text in texts]
    return np.array(bits, np.int64).reshape(len(texts), len(lines))


def _spoken_of(text: str, words: set[str], groups: tuple[tuple[str, ...], ...]) -> int:
    return sum(
        1 << bit
        for bit, group in enumerate(groups)
        if any(word in (words if word.isascii() else text) for word in group)
    )


def clash(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return (pairs,), 1 where both speak of a line of opposites and share no group of it."""
    apart: np.ndarray = ((left > 0) & (right > 0) & (left & right == 0)).any(axis=1)
    return apart.astype(np.float32)


@lru_cache(maxsize=200_000)
def meanings(name: str) -> tuple[Meaning, ...]:
    """Return the meanings of a plain name in its order; a unit that no word covers stands for itself.

    The longest known word counts, looked for from the end, where the head of a name stands in both
    languages.
    """
    known, units = lexicon(), _units(name)
    backwards: list[Meaning] = []
    end = len(units)
    while end:
        starts = range(max(0, end - known.longest), end)
        start = next((k for k in starts if units[k:end] in known.words), end - 1)
        backwards.append(known.words.get(units[start:end], units[start:end]))
        end = start
    return tuple(reversed(backwards))


def concept_terms(text: str) -> tuple[str, ...]:
    """Return the terms of a plain text for a bag: its concepts, and what no concept covers.

    Neighbouring meanings also count together, so that 'phone case' is more than a phone and a case.
    """
    of = meanings(text)
    pairs = [f"{a}+{b}" for one, other in pairwise(of) for a in one for b in other]
    return (*(term for one in of for term in one), *pairs)


@lru_cache(maxsize=REMEMBERED)
def agreement(left: str, right: str) -> tuple[float, float, float]:
    """Return how two plain names agree in meaning.

    Which share of the left one's meanings the right one has, the same turned around, and whether they
    end in the same one.
    """
    ours, theirs = meanings(left), meanings(right)
    if not ours or not theirs:
        return NO_MEANING
    every, others = ({term for one in of for term in one} for of in (ours, theirs))
    inner = sum(not others.isdisjoint(one) for one in ours) / len(ours)
    outer = sum(not every.isdisjoint(one) for one in theirs) / len(theirs)
    head = not set(ours[-1]).isdisjoint(theirs[-1])
    return inner, outer, float(head)


def _units(name: str) -> tuple[str, ...]:
    """Return a plain name's Chinese characters and English words, without the s of "men's"."""
    return tuple(
        unit
        for token in name.split()
        if token != "s"
        for unit in ((token,) if token.isascii() else tuple(token))
    )
