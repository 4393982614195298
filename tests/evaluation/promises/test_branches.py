"""Branches with thresholds of their own keep their promises, all at once, and so does everything together."""

import math

import numpy as np
import pytest

from mep3m.evaluation.guarantees import GRID, Audited, at, counts, prove
from mep3m.evaluation.promises.branches import OTHERS, WHOLE, nominate, prove_parts, stage_confidence

DRAWS = 1000
PRECISION, CONFIDENCE, ROWS = 0.95, 0.95, 3000
#: share of the rows, and precision of a row with score s, of each branch
KINDS = {
    "alike": [(0.4, lambda s: s), (0.4, lambda s: s), (0.2, lambda s: s)],
    "one is bad": [(0.4, np.sqrt), (0.3, lambda s: 0.9 * s), (0.3, lambda s: s)],
    "at the promise": [
        (0.5, lambda s: 0 * s + 0.95),
        (0.3, lambda s: 0 * s + 0.95),
        (0.2, lambda s: 0 * s + 0.94),
    ],
    "overconfident": [(0.5, lambda s: s**2), (0.3, lambda s: s**3), (0.2, np.sqrt)],
}


def draw(kind: str, random: np.random.Generator, n: int) -> tuple[Audited, np.ndarray]:
    shares, chances = zip(*KINDS[kind], strict=True)
    branches = random.choice(len(shares), n, p=shares).astype(np.int32)
    score = 1 / (1 + np.exp(-random.normal(2.5, 1.5, n)))
    right = random.random(n) < np.choose(branches, [chance(score) for chance in chances])
    return Audited(score, np.where(right, -1.0, score)), branches


@pytest.mark.parametrize("kind", KINDS)
def test_no_part_and_not_the_whole_is_broken_more_often_than_allowed(kind: str) -> None:
    population, where = draw(kind, np.random.default_rng(1), 500_000)
    place = {threshold: n for n, threshold in enumerate(GRID.tolist())}
    random, tested, broken, given = np.random.default_rng(2), {0: PRECISION, 1: PRECISION}, 0, 0
    known = {
        branch: counts(population.take(np.flatnonzero(where == branch if branch >= 0 else where > 1)))
        for branch in (*tested, OTHERS)
    }
    for _ in range(DRAWS):
        audited, branches = draw(kind, random, ROWS)
        parts = prove_parts(audited, branches, tested, PRECISION, CONFIDENCE)
        filed = errors = 0
        worst = 0.0
        for part in parts:
            if part.proof is not None:
                f, e = (int(one[place[part.proof.threshold]]) for one in known[part.branch])
                filed, errors, worst = filed + f, errors + e, max(worst, e / f)
        given += filed > 0
        broken += filed > 0 and max(worst, errors / filed) > 1 - PRECISION + 0.001
    assert broken / DRAWS <= (1 - CONFIDENCE) + 3 * math.sqrt(0.05 * 0.95 / DRAWS)
    assert given or kind in ("at the promise", "overconfident")


def test_a_branch_has_what_it_is_tested_for_alone() -> None:
    audited, branches = draw("one is bad", np.random.default_rng(3), 6000)
    parts = prove_parts(audited, branches, {0: 0.9, 1: 0.99}, 0.95, 0.9)
    assert [(part.branch, part.precision) for part in parts] == [(0, 0.9), (1, 0.99), (OTHERS, 0.95)]
    assert [part.confidence for part in parts] == pytest.approx([1 - 0.1 / 2 / 3] * 3)
    assert parts[1].proof is None
    assert parts[0].proof is not None
    mine = audited.take(np.flatnonzero(branches == 0))
    assert parts[0].proof == at(mine, parts[0].proof.threshold, parts[0].confidence)
    assert sum(part.n for part in parts) == 6000


def test_only_the_number_of_rows_nominates_a_branch() -> None:
    audited, branches = draw("one is bad", np.random.default_rng(4), 3000)
    shuffled = Audited(audited.files, np.random.default_rng(5).permutation(audited.errs))
    found = nominate(audited, branches, 0.95, 0.95)
    assert found == nominate(shuffled, branches, 0.95, 0.95) == [0, 2, 1] or found == [0, 1, 2]
    assert nominate(audited, branches, 0.99, 0.95) == []
    assert nominate(audited.take(np.zeros(0, dtype=np.int64)), branches[:0], 0.95, 0.95) == []


def test_the_allowed_error_is_divided() -> None:
    assert stage_confidence(0.95, 5, 0.5) == pytest.approx(0.995)


@pytest.mark.parametrize("kind", KINDS)
def test_the_policy_that_files_more_keeps_its_promise(kind: str) -> None:
    """What `--by-branch` does: half of the error each for whole and parts; what files more decides."""
    population, where = draw(kind, np.random.default_rng(1), 300_000)
    place = {threshold: n for n, threshold in enumerate(GRID.tolist())}
    everything = counts(population)
    random, broken = np.random.default_rng(6), 0
    for _ in range(DRAWS // 2):
        audited, branches = draw(kind, random, ROWS)
        whole = prove(audited, PRECISION, stage_confidence(CONFIDENCE, 1, WHOLE))
        tested = dict.fromkeys(nominate(audited, branches, PRECISION, CONFIDENCE), PRECISION)
        parts = prove_parts(audited, branches, tested, PRECISION, CONFIDENCE) if tested else []
        proven = [(part.branch, part.proof) for part in parts if part.proof is not None]
        filed = errors = 0
        if whole is not None and whole.filed >= sum(proof.filed for _, proof in proven):
            filed, errors = (int(one[place[whole.threshold]]) for one in everything)
        else:
            for branch, proof in proven:
                mine = where == branch if branch >= 0 else ~np.isin(where, list(tested))
                filed += int((mine & (population.files >= proof.threshold)).sum())
                errors += int((mine & (population.errs >= proof.threshold)).sum())
        broken += filed > 0 and errors / filed > 1 - PRECISION + 0.001
    draws = DRAWS // 2
    assert broken / draws <= (1 - CONFIDENCE) + 3 * math.sqrt(0.05 * 0.95 / draws)


def test_a_rare_branch_is_part_of_the_others_and_never_alone() -> None:
    audited, branches = draw("alike", np.random.default_rng(7), 3000)
    branches[:20] = 7
    assert 7 not in nominate(audited, branches, PRECISION, CONFIDENCE)
    parts = prove_parts(audited, branches, {0: PRECISION}, PRECISION, CONFIDENCE)
    assert parts[-1].branch == OTHERS
    assert parts[-1].n == int((branches != 0).sum())
