"""Titles to token ids: cleaning, a tokeniser by name, a vocabulary, word vectors (§4)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.errors import ModelError, NotFoundError, UsageError, did_you_mean, require
from mep3m.segmenter import segmenter
from mep3m.store.json_files import read_json, write_json

#: ids 0 and 1 of every vocabulary
PAD_TOKEN, UNKNOWN_TOKEN = "<pad>", "<unknown>"
UNKNOWN = 1

#: "regular expressions remove meaningless characters" (§4): all but letters, digits and CJK signs
_MEANINGLESS = re.compile(r"[\W_]+", re.UNICODE)
_PIECES = re.compile(r"[a-z0-9]+|[^\W]", re.UNICODE)


def clean(text: str) -> str:
    """Lower the case and put one space for each run of characters that carry no meaning."""
    return _MEANINGLESS.sub(" ", text.lower()).strip()


def words(text: str) -> list[str]:
    """Segment with jieba (Chinese) after cleaning; languages with spaces pass through unharmed."""
    return [token for token in segmenter().lcut(clean(text)) if not token.isspace()]


def characters(text: str) -> list[str]:
    """Cut into single signs, keeping runs of Latin letters and digits whole."""
    return _PIECES.findall(clean(text))


def whitespace(text: str) -> list[str]:
    """Split at spaces after cleaning."""
    return clean(text).split()


#: name in the settings -> function from a text to its tokens
TOKENISERS: dict[str, Callable[[str], list[str]]] = {
    "words": words,
    "characters": characters,
    "whitespace": whitespace,
}


@dataclass(frozen=True)
class TokenVocabulary:
    """Tokens by frequency; id 0 is padding and id 1 is every token the training split never had."""

    tokeniser: str
    tokens: tuple[str, ...]
    limit: int
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.tokeniser not in TOKENISERS:
            raise UsageError(f"no tokeniser '{self.tokeniser}'{did_you_mean(self.tokeniser, TOKENISERS)}")
        object.__setattr__(self, "_ids", {token: i for i, token in enumerate(self.tokens)})

    @classmethod
    def fit(
        cls, texts: Iterable[str], tokeniser: str, limit: int, size: int = 50_000, minimum: int = 2
    ) -> TokenVocabulary:
        """Count the tokens of the training split; keep the `size` most_frequent that occur `minimum` times.

        `limit` is how many tokens of a text are read.
        """
        empty = cls(tokeniser, (), limit)
        counts = Counter(token for tokens in empty.split(texts) for token in tokens)
        common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        kept = [token for token, count in common[:size] if count >= minimum]
        return cls(tokeniser, (PAD_TOKEN, UNKNOWN_TOKEN, *kept), limit)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def silent(self) -> tuple[int, ...]:
        """Padding, and the id of every unknown token."""
        return (0, UNKNOWN)

    def split(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """Yield each text's tokens, the first `limit` of them."""
        tokenise = TOKENISERS[self.tokeniser]
        for text in texts:
            yield tokenise(text)[: self.limit]

    def encode(self, texts: Iterable[str]) -> list[NDArray[np.int32]]:
        """Return one array of ids a text; an empty array where nothing is left after cleaning."""
        ids = self._ids
        return [
            np.array([ids.get(token, UNKNOWN) for token in tokens], dtype=np.int32)
            for tokens in self.split(texts)
        ]

    def save(self, folder: Path, name: str) -> None:
        """Write the vocabulary as JSON."""
        value = {"tokeniser": self.tokeniser, "limit": self.limit, "tokens": list(self.tokens)}
        write_json(folder / f"{name}.vocabulary.json", value)

    @classmethod
    def load(cls, folder: Path, name: str) -> TokenVocabulary:
        """Read what `save` wrote.

        Raises:
            ModelError: the file is absent or not a vocabulary.
        """
        path = folder / f"{name}.vocabulary.json"
        try:
            value = read_json(path)
            return cls(value["tokeniser"], tuple(value["tokens"]), int(value["limit"]))
        except (NotFoundError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is not a vocabulary; copy the classifier folder again") from error


@dataclass(frozen=True)
class PretrainedTokens:
    """The tokeniser that came with a transformers model; the same calls as `TokenVocabulary`.

    Its padding becomes id 0 and every other id is moved up by one, so that 0 always means padding.
    """

    tokeniser: Any
    limit: int

    @classmethod
    def open(cls, source: str, limit: int) -> PretrainedTokens:
        """Open a local folder or hub name.

        Raises:
            ModelError: there is no tokeniser there, or the hub cannot be reached.
        """
        transformers = require("transformers", "train")
        try:
            return cls(transformers.AutoTokenizer.from_pretrained(source), limit)
        except (OSError, ValueError) as error:
            raise ModelError(_no_weights(source, error)) from error

    def __len__(self) -> int:
        return len(self.tokeniser) + 1

    @property
    def silent(self) -> tuple[int, ...]:
        """Padding, and the tokeniser's own marks: begin, end, unknown."""
        return (0, *(one + 1 for one in self.tokeniser.all_special_ids))

    def encode(self, texts: Iterable[str]) -> list[NDArray[np.int32]]:
        """Return one array of ids a text."""
        encoded = self.tokeniser(list(texts), truncation=True, max_length=self.limit, add_special_tokens=True)
        return [np.array(ids, dtype=np.int32) + 1 for ids in encoded["input_ids"]]

    def save(self, folder: Path, name: str) -> None:
        """Write the tokeniser's own files."""
        self.tokeniser.save_pretrained(folder / f"{name}.tokeniser")


def _no_weights(source: str, error: Exception) -> str:
    reason = str(error).splitlines()[0]
    return (
        f"no transformers model at '{source}' ({reason}); give a local folder with config.json and "
        "model.safetensors, or choose an encoder that trains from scratch (bilstm)"
    )


def word_vectors(
    vocabulary: TokenVocabulary, texts: Iterable[str], width: int, seed: int
) -> NDArray[np.float32]:
    """Train gensim's Word2vec on the training texts and return (V, width) vectors in vocabulary order.

    Padding is a zero row; the unknown token gets the mean vector. One worker: more would make two
    runs with the same seed differ.
    """
    vectors = np.zeros((len(vocabulary), width), dtype=np.float32)
    if len(vocabulary) <= UNKNOWN + 1:
        return vectors
    word2vec = require("gensim.models", "train").Word2Vec
    model = word2vec(
        vector_size=width, window=5, min_count=1, sg=1, negative=5, workers=1, seed=seed, hashfxn=_stable_hash
    )
    sentences = _Sentences(vocabulary, texts)
    model.build_vocab(sentences)
    model.train(sentences, total_examples=model.corpus_count, epochs=3)
    for i, token in enumerate(vocabulary.tokens[2:], start=2):
        vectors[i] = model.wv[token]
    vectors[UNKNOWN] = vectors[2:].mean(0)
    # unit variance: word2vec's own scale is far below what an LSTM starts well from
    return np.asarray(vectors / (vectors[2:].std() + 1e-6), dtype=np.float32)


def _stable_hash(token: str) -> int:
    """Python's own string hash changes with every process; gensim seeds its vectors from this."""
    value = 2166136261
    for byte in token.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


class _Sentences:
    """The tokens of every text, again at each epoch (gensim reads them several times)."""

    def __init__(self, vocabulary: TokenVocabulary, texts: Iterable[str]) -> None:
        self.vocabulary = vocabulary
        self.texts = texts

    def __iter__(self) -> Iterator[list[str]]:
        return self.vocabulary.split(self.texts)
