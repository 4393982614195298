"""Weights from labelled cases: what a small made set teaches, the same bytes again, steps that are kept."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from mep3m.alignment.fitting.cases import CODES, LabelledCase, pairs_of
from mep3m.alignment.fitting.fit import Fitting, fit_weights, second_pass
from mep3m.alignment.fitting.heads import AGAINST, EVERY, FIRST, FOR, NOT_WITHIN, WITHIN, fit_trees
from mep3m.alignment.learned.boosted import Weights, read_weights
from mep3m.alignment.learned.features import KINDS
from mep3m.alignment.learned.proposer import propose_evidence
from mep3m.alignment.records import Entry, Relation, Side
from mep3m.errors import UsageError
from mep3m.settings.align import EvidenceSettings

#: things that a made shop sells
WORDS = (
    "tea", "coffee", "lamp", "chair", "table", "phone", "camera", "radio", "shoe", "shirt", "glove", "scarf",
    "knife", "spoon", "plate", "towel", "pillow", "mirror", "brush", "comb", "piano", "drum", "flute",
    "violin",
)  # fmt: skip
TOPS = ("kitchen", "clothes", "music", "home")
GOLDEN = Path(__file__).with_name("golden.json")


def made(seed: int, fold: int) -> LabelledCase:
    """Return two shops that share names, have others of their own, and one level the finer shop adds."""
    draw = np.random.default_rng(seed)
    words = draw.permutation(WORDS)[:18].tolist()
    left, right, links = [], [], dict[tuple[str, str], Relation]()
    for n, word in enumerate(words):
        top = TOPS[n % len(TOPS)]
        left.append(Entry(f"l{n}", (top, f"{word}s")))
        if n % 3 == 0:
            continue
        right.append(Entry(f"r{n}", (f"{top} goods", f"{word}s" if n % 3 == 1 else f"{word}s and more")))
        links[f"l{n}", f"r{n}"] = "exact" if n % 3 == 1 else "narrower"
    rest = sorted(set(WORDS) - set(words))
    right += [Entry(f"x{n}", ("other", f"{word}s")) for n, word in enumerate(rest)]
    sides = Side("a", tuple(left)), Side("b", tuple(right))
    return LabelledCase(f"made {seed}", *sides, links, fold, family=f"made {seed % 2}")


def cases() -> Iterator[LabelledCase]:
    for seed in range(9):
        yield made(seed, seed % 3)


@cache
def fitted() -> Weights:
    return fit_weights(cases(), seed=3)


def test_the_same_cases_and_seed_give_the_same_bytes() -> None:
    text = fitted().to_json()
    assert fit_weights(list(cases()), seed=3).to_json() == text
    assert fit_weights(cases(), seed=4).to_json() != text
    assert read_weights(text).to_json() == text


def test_the_weights_of_the_made_cases_are_those_on_record() -> None:
    """To the sixth digit, which other processors' arithmetic may not reach; `golden.json` is made below."""
    expected, got = orjson.loads(GOLDEN.read_bytes()), summary(fitted())
    assert got.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(got[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


def summary(weights: Weights) -> dict[str, list[float]]:
    """Return start, scale, shift, sum of leaves and of nodes of each head, and the curves."""
    heads = {name: getattr(weights, name) for name in ("first_exact", "first_narrower", "exact", "narrower")}
    return {
        name: [
            of.start, of.scale, of.shift,
            float(sum(tree["value"].sum() for tree in of.trees)),
            float(sum(len(tree["value"]) for tree in of.trees)),
        ]
        for name, of in heads.items()
    } | {name: list(curve) for name, curve in weights.curves.items()}  # fmt: skip


def test_what_was_learned_finds_links_of_shops_that_it_has_not_seen() -> None:
    case = made(99, 0)
    proposals = propose_evidence(case.left, case.right, EvidenceSettings(), weights=fitted())
    accepted = {(one.left_id, one.right_id) for one in proposals if one.accept}
    exact = {pair for pair, relation in case.links.items() if relation == "exact"}
    assert len(exact & accepted) >= 0.8 * len(exact)
    assert len(accepted & set(case.links)) >= 0.8 * len(accepted)


def test_steps_that_are_kept_are_not_made_again() -> None:
    kept: dict[str, Any] = {}

    def keep(name: str, make: Callable[[], Any]) -> Any:
        if name not in kept:
            kept[name] = make()
        return kept[name]

    assert fit_weights(cases(), 3, keep=keep).to_json() == fitted().to_json()
    names = {f"{k:03}" for k in range(9)} | {f"second-{k:03}" for k in range(9)}
    assert set(kept) == names | {"first-0", "first-1", "first-2", "second-0", "second-1"}
    made_before = dict(kept)
    assert fit_weights(iter(cases()), 3, keep=keep).to_json() == fitted().to_json()
    assert kept == made_before


def test_no_head_has_seen_the_fold_that_it_is_calibrated_on() -> None:
    fitting = Fitting(cases(), 0)
    unseen = fitting.unseen()
    assert {one.case.fold for one, _ in unseen} == {0, 1}
    for one, kinds in unseen:
        assert kinds.shape == (len(one.pairs), 3)
        assert ((kinds > 0) & (kinds < 1)).all()


def test_cases_of_one_fold_are_refused() -> None:
    with pytest.raises(
        UsageError, match=r"the cases are of folds \[0\]; weights need cases of folds 0 and 1"
    ):
        fit_weights([made(0, 0), made(1, 0)])


def test_labels_say_each_pairs_relation_and_leave_out_what_nobody_knows() -> None:
    case = replace(made(0, 0), unknown=frozenset({"l1"}), weight=2.0)
    one = pairs_of(case)
    codes, weight = one.labels(thinned=False)
    for (left, right), relation in case.links.items():
        i = [entry.id for entry in case.left].index(left)
        j = [entry.id for entry in case.right].index(right)
        place = one.pairs.find(np.array([i]), np.array([j]))[0]
        assert place < 0 or codes[place] == CODES[relation]
    of_unknown = one.pairs.rows == [entry.id for entry in case.left].index("l1")
    assert (weight[of_unknown] == 0).all()
    assert (weight[~of_unknown] == 2).all()


def test_thinning_keeps_every_link_and_the_weight_of_the_rest() -> None:
    one = pairs_of(made(0, 0))
    codes, weight = one.labels()
    assert (weight[codes > 0] == 1).all()
    assert weight.sum() == pytest.approx(len(weight), rel=0.5)


def test_a_case_goes_through_its_second_pass_once() -> None:
    weights = fitted()
    done = second_pass(pairs_of(made(0, 0)), weights.first_exact, weights.first_narrower)
    assert set(done.features) == {name for names in KINDS.values() for name in names}
    with pytest.raises(UsageError, match="made 0 has been through its second pass"):
        second_pass(done, weights.first_exact, weights.first_narrower)


def test_more_of_what_speaks_for_a_link_never_lowers_its_score() -> None:
    draw = np.random.default_rng(0)
    table = {name: draw.random(600).astype(np.float32) for name in ("ratio", "clash", "size")}
    y = table["ratio"] - table["clash"] + draw.normal(0, 0.3, 600) > 0
    model = fit_trees(table, y, np.ones(600), 0, FOR, AGAINST)
    grid = np.linspace(0, 1, 50, dtype=np.float32)
    half = np.full(50, 0.5, np.float32)
    assert (np.diff(model.raw({"ratio": grid, "clash": half, "size": half})) >= 0).all()
    assert (np.diff(model.raw({"ratio": half, "clash": grid, "size": half})) <= 0).all()


def test_the_trees_that_are_read_out_say_what_scikit_learns_model_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = []

    class Remembered(HistGradientBoostingClassifier):  # type: ignore[misc]
        def fit(self, *args: Any, **kwargs: Any) -> Any:
            models.append(self)
            return super().fit(*args, **kwargs)

    monkeypatch.setattr("mep3m.alignment.fitting.heads.HistGradientBoostingClassifier", Remembered)
    draw = np.random.default_rng(1)
    names = ("ratio", "clash", "size", "leaf")
    table = {name: np.round(draw.random(2000), 2).astype(np.float32) for name in names}
    y = table["ratio"] + draw.normal(0, 0.3, 2000) > 0.5
    table["leaf"][draw.random(2000) < 0.3] = np.nan  # unknown values go their own way at each node
    ours = fit_trees(table, y, draw.random(2000) + 0.5, 0, FOR, AGAINST)
    expected = models[0].decision_function(np.stack([table[name] for name in names], axis=1))
    np.testing.assert_allclose(ours.raw(table), expected, atol=1e-4)


def test_the_constrained_features_exist() -> None:
    assert set(FIRST) < set(EVERY)
    assert set(FOR) | set(AGAINST) | set(WITHIN) | set(NOT_WITHIN) <= set(EVERY)
    assert not set(FOR) & set(AGAINST)
    assert not set(WITHIN) & set(NOT_WITHIN)


if __name__ == "__main__":  # python -m tests.alignment.fitting.test_fit makes golden.json again
    GOLDEN.write_bytes(orjson.dumps(summary(fitted()), option=orjson.OPT_INDENT_2))
