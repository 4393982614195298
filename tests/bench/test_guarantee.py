"""The bench of promises: what it calls an audit, a method and a kept promise, on rows that are known."""

import json
from pathlib import Path

import numpy as np
import pytest
from bench.guarantee import (
    METHODS,
    Pool,
    by_branch,
    by_class,
    draws,
    measure,
    one_threshold,
    row,
    share_right,
)

from bench import guarantee, guarantee_more
from mep3m.evaluation.guarantees import Audited
from mep3m.label_tree.tree import LabelTree


def pool(rows: int, seed: int, wrong: tuple[float, float] = (0.02, 0.02)) -> Pool:
    """Return rows of two branches whose surest half is wrong in so many cases, the other half in 30 %."""
    random = np.random.default_rng(seed)
    branches = (np.arange(rows) % 2).astype(np.int32)
    score = np.where(random.random(rows) < 0.5, 0.97, 0.6)
    chance = np.where(score > 0.9, np.choose(branches, wrong), 0.3)
    audited = Audited(score, np.where(random.random(rows) < chance, score, -1.0))
    return Pool(audited, branches, audited, branches)


def test_share_right_is_counted_by_row() -> None:
    rest = Audited(np.array([0.9, 0.8, 0.7, -1.0]), np.array([0.9, -1.0, -1.0, -1.0]))
    assert share_right(rest, np.full(4, 0.75)) == (0.5, 0.5)
    assert share_right(rest, np.array([1.0, 0.8, 0.7, 0.1])) == (0.5, 1.0)
    assert share_right(rest, np.full(4, 2.0)) == (0.0, 1.0)


def test_an_audit_is_drawn_with_replacement_and_the_same_each_time() -> None:
    audit, order = draws(3, 50, 40)
    assert len(audit) == 50
    assert sorted(order.tolist()) == list(range(40))
    again, _ = draws(3, 50, 40)
    assert (audit == again).all()
    assert (draws(4, 50, 40)[0] != audit).any()


@pytest.mark.parametrize("name", METHODS)
def test_each_method_gives_a_threshold_a_row(name: str) -> None:
    drawn, rest = pool(2000, 1), pool(500, 2)
    thresholds = METHODS[name](drawn, rest, 0.95)
    assert thresholds.shape == (500,)
    assert (thresholds > 0).all()


def test_by_branch_files_the_good_one_where_everything_proves_nothing() -> None:
    drawn, rest = pool(4000, 3, (0.005, 0.2)), pool(1000, 4, (0.005, 0.2))
    assert (METHODS["promise"](drawn, rest, 0.97) == np.inf).all()
    thresholds = by_branch(drawn, rest, 0.97)
    assert np.isfinite(thresholds[rest.branches == 0]).all()
    assert (thresholds[rest.branches == 1] == np.inf).all()


def test_by_class_takes_the_least_threshold_of_each() -> None:
    drawn, rest = pool(4000, 5, (0.005, 0.2)), pool(1000, 6, (0.005, 0.2))
    thresholds = by_class(drawn, rest, 0.95)
    assert np.isfinite(thresholds[rest.classes == 0]).all()
    assert (thresholds[rest.classes == 1] == np.inf).all()


def test_without_a_proof_nothing_is_filed() -> None:
    assert (one_threshold(None, pool(10, 7)) == np.inf).all()


def test_a_table_says_kept_and_coverage() -> None:
    found = measure([pool(3000, 8), pool(3000, 9)], 1500, 0.95, 6)
    promise = found["promise"]
    assert set(found) == set(METHODS)
    assert 0 < promise["coverage"] <= promise["oracle"] + 1e-9
    assert promise["kept"] == 1
    assert "split" in promise
    cells = row(found).split(" | ")
    assert cells[2] == f"1.00 · {promise['coverage']:.3f}"
    assert cells[-3:] == ["", "", f"{promise['oracle']:.3f}"]


def pools(folder: Path, names: tuple[str, ...]) -> Path:
    """Write a small pool for each set: retail is flat, the others have leaves below two branches."""
    random, rows = np.random.default_rng(1), 6000
    proba = random.dirichlet(np.full(3, 0.15), rows)
    drawn = np.array([random.choice(3, p=one) for one in proba])
    for name in names:
        flat = name == guarantee_more.RETAIL
        paths = [("x",), ("y",), ("z",)] if flat else [("a", "x"), ("a", "y"), ("b", "z")]
        tree = LabelTree.from_paths(paths)
        best = tree.leaves[proba.argmax(axis=1)]
        first = tree.ancestors[best, 0]
        above = np.where(first == 0, proba[:, 0] + proba[:, 1], proba[:, 2])
        path = [(best, proba.max(axis=1))] if flat else [(first, above), (best, proba.max(axis=1))]
        np.savez_compressed(
            folder / f"{name}-0.npz",
            nodes=np.column_stack([nodes for nodes, _ in path]),
            chances=np.column_stack([chances for _, chances in path]),
            truth=tree.leaves[drawn].astype(np.int32),
            leaves=proba.astype(np.float16),
            platform=np.where(np.arange(rows) % 3 == 0, "jiajia", "haohuo"),
            tree=np.array(json.dumps(tree.to_json())),
        )
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = (guarantee_more.RETAIL, guarantee_more.MEDICAL, guarantee_more.SIMULATED)
    return pools(tmp_path_factory.mktemp("pools"), names)


@pytest.mark.parametrize("name", guarantee_more.EXPERIMENTS)
def test_each_experiment_prints_a_whole_table(
    small: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    guarantee_more.EXPERIMENTS[name](small, 1)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(lines) > 3
    assert len({line.count("|") for line in lines}) == 1


def test_the_main_table_and_its_pictures(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["guarantee", "--pools", str(small), "--repeats", "1", "--plot", str(tmp_path / "guarantee")]
    monkeypatch.setattr("sys.argv", [*words, "--only", guarantee_more.SIMULATED])
    guarantee.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 9
    assert len({line.count("|") for line in lines}) == 1
    assert (tmp_path / "guarantee-simulated-drifting.svg").stat().st_size > 1000
