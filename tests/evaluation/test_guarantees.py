"""Promises of precision are kept by every kind of scorer, and the arithmetic is that of a plain loop."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from mep3m.evaluation import guarantees
from mep3m.evaluation.guarantees import GRID, Audited, audit, prove
from mep3m.label_tree.likely_path import likely_paths
from tests.label_tree.test_likely_path import TREE, some

Scorer = Callable[[np.random.Generator, int], Audited]
DRAWS = 1000


def scorer(chance_of: Callable[[np.ndarray], np.ndarray], sure: float = 2.0) -> Scorer:
    """Return what draws rows whose score s is right with the chance `chance_of(s)`."""

    def draw(random: np.random.Generator, n: int) -> Audited:
        score = 1 / (1 + np.exp(-random.normal(1.5, sure, n)))
        right = random.random(n) < chance_of(score)
        return Audited(score, np.where(right, -1.0, score))

    return draw


def odds(score: np.ndarray, power: float) -> np.ndarray:
    turned: np.ndarray = 1 / (1 + ((1 - score) / score) ** power)
    return turned


SCORERS: dict[str, Scorer] = {
    "calibrated": scorer(lambda score: score),
    "overconfident": scorer(lambda score: odds(score, 0.7), 3.0),
    "underconfident": scorer(lambda score: odds(score, 1.5)),
    "surest rows are worst": scorer(lambda score: np.where(score > 0.98, 0.9, np.sqrt(score))),
    "knows nothing": scorer(lambda score: np.full_like(score, 0.9)),
    "exactly at the promise": scorer(lambda score: np.full_like(score, 0.95)),
}


def risks(draw: Scorer) -> np.ndarray:
    """Return the share of wrong filings at each λ, among very many rows."""
    filed, errors = guarantees.counts(draw(np.random.default_rng(1), 1_000_000))
    return errors / np.maximum(filed, 1)


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize(("precision", "rows"), [(0.95, 1500), (0.95, 5000), (0.9, 400)])
def test_a_promise_is_broken_no_more_often_than_its_confidence_allows(
    name: str, precision: float, rows: int
) -> None:
    random, risk = np.random.default_rng(2), risks(SCORERS[name])
    place = {threshold: n for n, threshold in enumerate(GRID.tolist())}
    broken = 0
    for _ in range(DRAWS):
        proof = prove(SCORERS[name](random, rows), precision, 0.95)
        # what 1,000,000 rows cannot tell from the promise is no breach of it
        broken += proof is not None and risk[place[proof.threshold]] > 1 - precision + 0.0005
    noise = 3 * math.sqrt(0.05 * 0.95 / DRAWS)
    assert broken / DRAWS <= 0.05 + noise


@pytest.mark.parametrize("name", ["calibrated", "overconfident"])
def test_what_can_be_promised_mostly_is_and_more_rows_buy_coverage(name: str) -> None:
    random = np.random.default_rng(3)
    filed, errors = guarantees.counts(SCORERS[name](random, 1_000_000))
    best = filed[np.flatnonzero((filed > 0) & (errors <= 0.05 * filed))[-1]] / 1_000_000
    means = []
    for rows in (1000, 5000, 20_000):
        proofs = [prove(SCORERS[name](random, rows), 0.95, 0.95) for _ in range(30)]
        means.append(np.mean([proof.coverage if proof else 0 for proof in proofs]) / best)
    assert means == sorted(means)
    assert means[1] > 0.6
    assert means[2] > 0.8


def test_what_is_not_precise_enough_gets_no_promise() -> None:
    random = np.random.default_rng(4)
    found = [prove(SCORERS["knows nothing"](random, 5000), 0.95, 0.95) for _ in range(100)]
    assert found == [None] * 100


@given(st.integers(0, 10_000), st.integers(1, 3))
def test_an_audit_is_what_filing_row_by_row_gives(seed: int, least: int) -> None:
    paths = likely_paths(TREE, some(30, seed, 1.0))
    truth = np.random.default_rng(seed).integers(-1, len(TREE), 30).astype(np.int32)
    audited = audit(TREE, paths, truth, least)
    for threshold in (1.0, 0.9, 0.5, 0.3, 0.1):
        filed = errors = 0
        for row, node in enumerate(paths.until(threshold, least)):
            if node < 0:
                continue
            filed += 1
            known = TREE.paths[truth[row]] if truth[row] >= 0 else ()
            errors += known[: len(TREE.paths[node])] != TREE.paths[node]
        proof = guarantees.at(audited, threshold, 0.95)
        assert (proof.filed, proof.errors) == (filed, errors)
        weights = np.random.default_rng(seed).integers(0, 3, 30).astype(float)
        once = audited.take(np.repeat(np.arange(30), weights.astype(int)))
        grid = np.array([1.0, threshold])
        repeated = guarantees.counts(audited, weights, grid)
        assert [list(one) for one in repeated] == [list(one) for one in guarantees.counts(once, grid=grid)]


def test_rows_that_prove_a_precision() -> None:
    """The figures of the exact binomial: none wrong of 299, one of 473, two of 628."""
    assert guarantees.fewest(0.99, 0.95) == 299
    for filed, errors in ((299, 0), (473, 1), (628, 2)):
        assert guarantees.lower_bound(filed, errors, 0.95) >= 0.99
        assert guarantees.lower_bound(filed - 1, errors, 0.95) < 0.99


@given(st.integers(1, 500), st.integers(0, 500), st.sampled_from([0.8, 0.95, 0.99]))
def test_bounds_are_those_of_scipy(filed: int, errors: int, confidence: float) -> None:
    errors = min(errors, filed)
    low = binomtest(filed - errors, filed, alternative="greater").proportion_ci(confidence, "exact").low
    high = binomtest(filed - errors, filed, alternative="less").proportion_ci(confidence, "exact").high
    assert guarantees.lower_bound(filed, errors, confidence) == pytest.approx(low, abs=1e-9)
    assert guarantees.upper_bound(filed, errors, confidence) == pytest.approx(high, abs=1e-9)


def test_the_first_failure_ends_the_search() -> None:
    filed, errors = np.array([200, 400, 600, 800]), np.array([0, 0, 60, 60])
    assert guarantees.last_passed(filed, errors, 0.9, 0.95, [100]) == 1  # 60 of 800 would pass
    assert guarantees.last_passed(filed, errors, 0.9, 0.95, [700]) == 3
    assert guarantees.last_passed(filed, errors, 0.9, 0.95, [900]) == -1
    assert guarantees.last_passed(filed[2:], errors[2:], 0.9, 0.95, [100]) == -1


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 20)), min_size=1, max_size=12), st.integers(0, 99)
)
def test_the_search_begins_anew_with_the_error_that_was_set_aside(
    steps: list[tuple[int, int]], seed: int
) -> None:
    """The same as a sum over hypotheses, as Wiens and Dmitrienko (2005) write it."""
    filed = np.cumsum([more for more, _ in steps])
    errors = np.minimum(np.cumsum([wrong for _, wrong in steps]), filed)
    starts = np.random.default_rng(seed).integers(1, 400, 2).tolist()
    expected, passed_on = -1, 0.0
    for place, (f, e) in enumerate(zip(filed.tolist(), errors.tolist(), strict=True)):
        first = [np.flatnonzero(filed >= start)[:1].tolist() == [place] for start in starts]
        share = passed_on + 0.1 * sum(first) / len(starts)
        proven = share > 0 and binomtest(e, f, 0.2, alternative="less").pvalue <= share if f else False
        passed_on, expected = (share, place) if proven else (0.0, expected)
    assert guarantees.last_passed(filed, errors, 0.8, 0.9, starts) == expected


def test_a_failure_at_the_surest_rows_does_not_end_everything() -> None:
    filed, errors = np.array([100, 400, 1600, 1700]), np.array([20, 30, 60, 300])
    assert guarantees.last_passed(filed, errors, 0.9, 0.95, [100]) == -1
    assert guarantees.last_passed(filed, errors, 0.9, 0.95, [100, 1500]) == 2
    assert guarantees.first_rows(0.95, 0.95, 2000) == (500,)
    assert guarantees.first_rows(0.95, 0.95, 20_000) == (600, 5000)


@pytest.mark.parametrize("name", SCORERS)
def test_with_noisy_labels_the_corrected_promise_is_kept_too(name: str) -> None:
    """A share of the labels is wrong whether the model is right or not: never in its favour, then always."""
    noise, precision, random, risk = 0.02, 0.95, np.random.default_rng(7), risks(SCORERS[name])
    place = {threshold: n for n, threshold in enumerate(GRID.tolist())}
    for agrees in (False, True):
        broken = 0
        for _ in range(DRAWS // 2):
            clean = SCORERS[name](random, 1500)
            wrong = clean.errs >= 0
            hit = random.random(1500) < noise
            seen = np.where(hit & ~wrong, clean.files, np.where(hit & wrong & agrees, -1.0, clean.errs))
            proof = prove(Audited(clean.files, seen), guarantees.seen_precision(precision, noise), 0.95)
            broken += proof is not None and risk[place[proof.threshold]] > 1 - precision + 0.0005
        assert broken / (DRAWS // 2) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / (DRAWS // 2))


def test_noise_lowers_what_labels_show_and_the_correction_gives_it_back() -> None:
    assert guarantees.seen_precision(0.99, 0.02) == pytest.approx(0.9704)
    assert guarantees.true_precision(0.9704, 0.02) == pytest.approx(0.99)
    assert guarantees.true_precision(0.999, 0.02) == 1
    assert guarantees.seen_precision(0.99, 0.0) == 0.99


def test_how_many_rows_are_needed() -> None:
    random = np.random.default_rng(5)
    told = [guarantees.rows_needed(SCORERS["calibrated"](random, 1500), 0.99, 0.95) for _ in range(40)]
    wanted = int(np.median([float("inf") if rows is None else rows for rows in told]))
    assert 2000 < wanted < 60_000
    proven = [prove(SCORERS["calibrated"](random, wanted), 0.99, 0.95) for _ in range(50)]
    assert sum(proof is not None for proof in proven) > 10
    assert guarantees.rows_needed(SCORERS["knows nothing"](random, 4000), 0.99, 0.95) is None
    assert guarantees.rows_needed(SCORERS["calibrated"](random, 0), 0.99, 0.95) is None


def test_the_empirical_threshold_files_more_than_is_proven() -> None:
    audited = SCORERS["calibrated"](np.random.default_rng(6), 3000)
    proof, seen = prove(audited, 0.95, 0.95), guarantees.empirical(audited, 0.95, 0.95)
    assert proof is not None
    assert seen is not None
    assert seen.filed >= proof.filed
    assert seen.errors <= 0.05 * seen.filed
