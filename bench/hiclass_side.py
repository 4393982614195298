"""HiClass on given features and labels; run by `bench.hierarchy_quality` with the Python that has `hiclass`.

    python bench/hiclass_side.py FOLDER strategy estimator

FOLDER holds train.npz, test.npz (sparse features) and labels.json ({"train": [[...]]}). Prints one JSON
line: seconds of training and prediction (wall and processor) and the answered path of every test row.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import hiclass
import numpy as np
from scipy.sparse import csr_matrix, load_npz
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

STRATEGIES = {
    "LCPN": hiclass.LocalClassifierPerNode,
    "LCPPN": hiclass.LocalClassifierPerParentNode,
    "LCPL": hiclass.LocalClassifierPerLevel,
}


class RankedSVC(LinearSVC):
    """A linear SVM for LCPN and LCPL, which ask for probabilities but only compare them."""

    def predict_proba(self, rows: csr_matrix) -> np.ndarray:
        """Return (N, classes) values in the order of the SVM's scores."""
        scores = expit(self.decision_function(rows))
        return np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores


#: the estimator that HiClass takes by default, and the one usual for sparse text
ESTIMATORS = {"logistic": LogisticRegression, "svc": LinearSVC}


def main(folder: Path, strategy: str, estimator: str) -> None:
    warnings.filterwarnings("ignore")
    labels = json.loads((folder / "labels.json").read_text())
    train, test = (load_npz(folder / f"{name}.npz") for name in ("train", "test"))
    depth = max(len(path) for path in labels["train"])
    padded = np.array([path + [""] * (depth - len(path)) for path in labels["train"]], dtype=object)
    kind = RankedSVC if estimator == "svc" and strategy != "LCPPN" else ESTIMATORS[estimator]
    model = STRATEGIES[strategy](local_classifier=kind())
    began, busy = time.perf_counter(), time.process_time()
    model.fit(train, padded)
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    began = time.perf_counter()
    found = model.predict(test)
    predict = time.perf_counter() - began
    answers = [[str(name) for name in row if str(name)] for row in found]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"fit": seconds, "fit_cpu": cpu, "predict": predict, "peak_mib": peak, "answers": answers}
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
