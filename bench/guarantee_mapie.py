"""MAPIE on the rows of `bench.guarantee`: precision control of "the most probable leaf is right".

It runs in an environment of its own and needs nothing of mep3m. MAPIE controls one yes or no a row, so that
it files leaves only. `MAPIE`: its default (Bonferroni-Holm over thresholds 0, .01, ..., .99); `MAPIE, fixed`:
its fixed-sequence testing from .99 down.

    python -m venv /tmp/mapie && /tmp/mapie/bin/pip install mapie
    /tmp/mapie/bin/python bench/guarantee_mapie.py /tmp/pools /tmp/mapie.json
"""

from __future__ import annotations

import json
import sys
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

PROMISED, SIZES, REPEATS, CONFIDENCE = (0.95, 0.97, 0.99), (1000, 5000, 20_000), 100, 0.95
METHODS: dict[str, dict[str, Any]] = {
    "MAPIE": {},
    "MAPIE, fixed": {"fwer_method": "fixed_sequence", "list_predict_params": np.linspace(0.99, 0, 100)},
}


def scores(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of each row's most probable leaf, and whether it is right."""
    held = np.load(path)
    rows, last = np.arange(len(held["nodes"])), (held["nodes"] >= 0).sum(axis=1) - 1
    return held["chances"][rows, last], held["nodes"][rows, last] == held["truth"]


def threshold(sure: np.ndarray, right: np.ndarray, precision: float, options: dict[str, Any]) -> float | None:
    """Return MAPIE's threshold, `None` where it finds none."""
    from mapie.risk_control import BinaryClassificationController

    controller = BinaryClassificationController(
        lambda x: np.column_stack([1 - x, x]), "precision", precision, CONFIDENCE, **options
    )
    controller.calibrate(sure, right.astype(int))
    best = controller.best_predict_param
    return None if best is None else float(best)


def main(pools: Path, out: Path) -> None:
    """Write the means of each set, size, precision and method."""
    warnings.simplefilter("ignore")
    found: dict[str, dict[str, dict[str, float]]] = json.loads(out.read_text()) if out.exists() else {}
    for name in sorted({path.stem.rpartition("-")[0] for path in pools.glob("*.npz")}):
        held = [scores(path) for path in sorted(pools.glob(f"{name}-*.npz"))]
        for size in SIZES:
            for precision in PROMISED:
                if f"{name} {size} {precision}" in found:
                    continue  # measured by a run that was stopped
                found[f"{name} {size} {precision}"] = {}
                for method, options in METHODS.items():
                    told: dict[str, list[float]] = defaultdict(list)
                    for repeat in range(REPEATS):
                        sure, right = held[repeat % len(held)]
                        rows = np.random.default_rng([repeat, size]).integers(0, len(sure), size)
                        least = threshold(sure[rows], right[rows], precision, options)
                        filed = sure >= (2.0 if least is None else least)
                        told["kept"].append(not filed.any() or float(right[filed].mean()) >= precision)
                        told["given"].append(bool(filed.any()))
                        told["coverage"].append(float(filed.mean()))
                        if filed.any():
                            told["right"].append(float(right[filed].mean()))
                    means = {key: float(np.mean(values)) for key, values in told.items()}
                    low, high = (
                        np.quantile(told["right"], [0.05, 0.95]) if told["right"] else (np.nan, np.nan)
                    )
                    found[f"{name} {size} {precision}"][method] = means | {"low": low, "high": high}
                print(name, size, precision, found[f"{name} {size} {precision}"], flush=True)
                out.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
