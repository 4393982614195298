"""HiClass on given features and labels; run by `bench.hierarchy` with the Python that has `hiclass`.

    python bench/hiclass_side.py FOLDER strategy estimator

FOLDER holds train.npz, test.npz (sparse features) and labels.json ({"train": [[...]], "test": [[...]]}).
Prints one JSON line: seconds of training and prediction (wall and processor), top-1 a level, hF.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import hiclass
import numpy as np
from scipy.sparse import load_npz
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

STRATEGIES = {
    "LCPN": hiclass.LocalClassifierPerNode,
    "LCPPN": hiclass.LocalClassifierPerParentNode,
    "LCPL": hiclass.LocalClassifierPerLevel,
}
#: the estimator that HiClass takes by default, and the one usual for sparse text
ESTIMATORS = {"logistic": LogisticRegression, "svc": LinearSVC}


def main(folder: Path, strategy: str, estimator: str) -> None:
    warnings.filterwarnings("ignore")
    labels = json.loads((folder / "labels.json").read_text())
    train, test = (load_npz(folder / f"{name}.npz") for name in ("train", "test"))
    depth = max(len(path) for path in labels["train"])
    padded = np.array([path + [""] * (depth - len(path)) for path in labels["train"]], dtype=object)
    model = STRATEGIES[strategy](local_classifier=ESTIMATORS[estimator]())
    began, busy = time.perf_counter(), time.process_time()
    model.fit(train, padded)
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    began = time.perf_counter()
    found = model.predict(test)
    predict = time.perf_counter() - began
    answers = [[str(name) for name in row if str(name)] for row in found]
    print(json.dumps({"fit": seconds, "fit_cpu": cpu, "predict": predict, **score(answers, labels["test"])}))


def score(answers: list[list[str]], truth: list[list[str]]) -> dict[str, object]:
    """Return top-1 of each level by the label cell, and hF with answers cut to the truth's depth."""
    depth = max(len(path) for path in truth)
    top1 = []
    for level in range(depth):
        rows = [(a, t) for a, t in zip(answers, truth, strict=True) if len(t) > level]
        top1.append(float(np.mean([len(a) > level and a[level] == t[level] for a, t in rows])))
    shared = answered = true = 0
    for answer, path in zip(answers, truth, strict=True):
        cut = answer[: len(path)]
        same = next((k for k, (a, t) in enumerate(zip(cut, path, strict=False)) if a != t), len(cut))
        shared, answered, true = shared + same, answered + len(cut), true + len(path)
    return {"top1": top1, "f1": 2 * shared / (answered + true)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
