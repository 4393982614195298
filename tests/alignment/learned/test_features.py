"""Features come block by block: the same numbers in any blocks, and no more memory than they need."""

import tracemalloc

import numpy as np
import pytest

from mep3m.alignment.learned import features as module
from mep3m.alignment.learned.boosted import shipped_weights
from mep3m.alignment.learned.features import EXACT, PairEvidence
from mep3m.alignment.learned.proposer import find_candidates, propose_evidence, widened
from mep3m.alignment.learned.structure import Pairs
from mep3m.alignment.names.compare import trees
from mep3m.alignment.records import Entry, Side
from mep3m.settings.align import EvidenceSettings

WORDS = ("茶", "红茶", "手机", "壳", "电视", "柜", "男", "女", "装", "猫", "狗", "粮")


def shop(name: str, count: int, *, titles: bool = False) -> Side:
    """Draw a shop: names of two words below the names of one."""
    rng = np.random.default_rng(len(name) + count)
    entries = []
    for n in range(count):
        above, one, other = (WORDS[k] for k in rng.integers(0, len(WORDS), 3))
        sold = (f"{one} {other} {n % 7} 新款", f"{above} {other}") if titles else ()
        entries.append(Entry(f"{name}{n}", (above, one + other), titles=sold))
    return Side(name, tuple(entries))


@pytest.mark.parametrize("titles", [False, True])
@pytest.mark.parametrize("block", [1, 7, 100])
def test_the_size_of_the_blocks_changes_nothing(
    titles: bool, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = shop("a", 12, titles=titles), shop("bb", 9, titles=titles)
    evidence = PairEvidence(*trees(left, right), EvidenceSettings())
    rows, columns = evidence.candidates()
    whole, proposed = evidence.features(rows, columns), propose_evidence(left, right, EvidenceSettings())
    monkeypatch.setattr(module, "BLOCK", block)
    parts = evidence.features(rows, columns)
    assert [*parts] == [*whole]
    for name, values in whole.items():
        assert values.dtype == np.float32
        assert values.tobytes() == parts[name].tobytes(), name
        assert np.array_equal(values, np.round(values, EXACT), equal_nan=True), name
    assert propose_evidence(left, right, EvidenceSettings()) == proposed


def test_what_nobody_knows_takes_no_memory() -> None:
    evidence = PairEvidence(*trees(shop("a", 12), shop("bb", 9)), EvidenceSettings())
    features = evidence.features(*evidence.candidates())
    assert np.isnan(features["content"]).all()
    assert features["content"].strides == features["said_l"].strides == features["picture"].strides == (0,)
    assert features["ratio"].strides == (4,)


def test_no_pairs_have_all_features() -> None:
    evidence = PairEvidence(*trees(shop("a", 3), shop("bb", 2)), EvidenceSettings())
    features = evidence.features(np.empty(0, np.int64), np.empty(0, np.int64))
    assert {len(values) for values in features.values()} == {0}
    assert {*features} == {name for kind, of in module.KINDS.items() if kind != "structure" for name in of}


def test_the_peak_is_the_features_themselves_and_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 500)
    evidence = PairEvidence(*trees(shop("a", 120), shop("bb", 120)), EvidenceSettings())
    rows, columns = evidence.candidates()
    evidence.features(rows, columns)  # what is cached of names is there already
    tracemalloc.start()
    features = evidence.features(rows, columns)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    kept = sum(values.nbytes for values in features.values() if values.flags.writeable)
    assert len(rows) == 14_400
    assert peak < 1.5 * kept


def test_more_pairs_join_those_whose_features_are_known() -> None:
    left, right = shop("a", 12, titles=True), shop("bb", 9, titles=True)
    evidence = PairEvidence(*trees(left, right), EvidenceSettings())
    rows, columns = evidence.candidates()
    early, late = Pairs(rows[::2], columns[::2], 9), Pairs(rows[1:], columns[1:], 9)
    known = evidence.features(early.rows, early.columns)
    whole, joined = widened(evidence, early, known, late)
    assert whole.keys.tolist() == (rows * 9 + columns).tolist()
    assert not known, "nothing is kept twice"
    for name, values in evidence.features(rows, columns).items():
        assert values.tobytes() == joined[name].tobytes(), name


def test_the_candidates_of_a_whole_look_are_kept_in_single_precision() -> None:
    found = find_candidates(shop("a", 12), shop("bb", 9), EvidenceSettings(), shipped_weights())
    assert {*found.features} == {name for of in module.KINDS.values() for name in of}
    assert {values.dtype for values in found.features.values()} == {np.dtype(np.float32)}


def test_shops_that_sell_the_same_everywhere_have_no_more_candidates_a_category(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ALL_PAIRS", 0)
    sold = tuple(f"{word} 新款" for word in WORDS[:4])
    counts = []
    for size in (20, 40):
        left, right = (
            Side(name, tuple(Entry(f"{name}{n}", (f"{name}{n}",), titles=sold) for n in range(size)))
            for name in ("a", "b")
        )
        evidence = PairEvidence(*trees(left, right), EvidenceSettings(candidates=2))
        counts.append(len(evidence.candidates()[0]) / size)
    assert counts[1] <= counts[0] * 1.5, "what grows with the square doubles"
