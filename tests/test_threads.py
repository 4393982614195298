"""Who asks for a number of threads gets it from every library."""

import json
import os
import subprocess
import sys

import pytest

ASK = """
import json
from mep3m.models.linear import scores
import numba, numpy, torch
from mep3m.models.linear.ngrams import Grams, GramVocabulary, encode_texts
import pyarrow
texts, rows = encode_texts(pyarrow.array(["a b"])), numpy.arange(1)
GramVocabulary.fit(texts, rows, Grams(low=1, high=2, words=1, bits=10), 1, 10)  # starts the threads of numba
print(json.dumps([numba.get_num_threads(), torch.get_num_threads()]))
"""


def threads(**given: str) -> list[int]:
    """Return how many threads numba and PyTorch take in a process with these variables."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    told = subprocess.run(
        [sys.executable, "-c", ASK], env=kept | given, capture_output=True, text=True, check=True
    )
    return list(json.loads(told.stdout))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"OMP_NUM_THREADS": "1"}, [1, 1]),
        ({"OMP_NUM_THREADS": "2,1"}, [2, 2]),
        ({"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "1"}, [1, 1]),
    ],
)
def test_one_number_of_threads_counts_for_all(given: dict[str, str], expected: list[int]) -> None:
    assert threads(**given) == expected


def test_a_number_that_is_none_is_left_to_the_libraries() -> None:
    assert threads(OMP_NUM_THREADS="0")[0] == threads()[0]
