"""The text classifiers a user would pick instead, each in a process of its own with a time limit.

A peer reads titles and labels from two JSON files and writes predictions and seconds to a third, so
that one that needs packages mep3m does not have (fastText) runs in an environment of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run_peer(name: str, train: tuple, test: list, limit: float, python: str = sys.executable) -> dict:
    """Return {"predicted", "train_s", "predict_s", "cpu_s" (all threads)} of a peer, or {"failed": why}."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "in.json").write_text(json.dumps([list(train[0]), list(train[1]), list(test)]))
        command = [python, str(Path(__file__)), name, folder]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            return {"failed": f"not finished after {limit:.0f} s ({used:.0f} CPU s)"}
        if done.returncode:
            return {"failed": done.stderr.strip().splitlines()[-1] if done.stderr else "no word"}
        return json.loads((work / "out.json").read_text())


def mep3m_linear(titles: list, labels: list, tests: list, work: Path) -> tuple:
    import numpy as np
    import pyarrow as pa

    from mep3m.models.labels import LabelTree
    from mep3m.product import PRODUCT_SCHEMA
    from mep3m.settings.run import RunSettings
    from mep3m.training.linear import train
    from mep3m.training.task import Task

    def table(texts: list) -> pa.Table:
        columns = {field.name: pa.nulls(len(texts), field.type) for field in PRODUCT_SCHEMA}
        ids = pa.array([str(row) for row in range(len(texts))])
        columns |= {"id": ids, "source": ids, "source_id": ids, "title": pa.array(texts)}
        return pa.table(columns, schema=PRODUCT_SCHEMA)

    train_table, test_table = table(titles), table(tests)
    began = time.perf_counter()
    tree = LabelTree.from_paths((label,) for label in labels)
    codes = tree.encode([(label,) for label in labels])
    order = np.random.default_rng(0).permutation(len(titles))
    held = len(titles) // 10
    task = Task(train_table, tree, codes, order[held:], order[:held], None, RunSettings(), "bench")
    trained = train(task, work)
    trained_at = time.perf_counter()
    best = trained.classifier.predict_proba(test_table).argmax(axis=1)
    return [tree.paths[column][0] for column in best], trained_at - began, time.perf_counter() - trained_at


def linear_svc(titles: list, labels: list, tests: list, work: Path) -> tuple:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    began = time.perf_counter()
    words = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    model = LinearSVC().fit(words.fit_transform(titles), labels)
    trained_at = time.perf_counter()
    found = model.predict(words.transform(tests))
    return list(found), trained_at - began, time.perf_counter() - trained_at


def sgd(titles: list, labels: list, tests: list, work: Path) -> tuple:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier

    began = time.perf_counter()
    words = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    model = SGDClassifier(alpha=1e-6, max_iter=5, tol=None, n_jobs=2, random_state=0)
    model.fit(words.fit_transform(titles), labels)
    trained_at = time.perf_counter()
    found = model.predict(words.transform(tests))
    return list(found), trained_at - began, time.perf_counter() - trained_at


def fasttext(
    titles: list, labels: list, tests: list, work: Path, rate: float = 0.5, epochs: int = 5
) -> tuple:
    """Chinese titles as characters with 3-grams of them; other titles as words with character n-grams."""
    import fasttext as library

    chinese = sum(ord(letter) > 0x2E80 for title in titles[:1000] for letter in title) > 1000
    names = sorted(set(labels))
    place = {name: str(number) for number, name in enumerate(names)}

    def line(title: str) -> str:
        return " ".join(title.lower().replace("\n", " ") if chinese else title.lower().split())

    began = time.perf_counter()
    with (work / "ft.txt").open("w") as file:
        for title, label in zip(titles, labels, strict=False):
            file.write(f"__label__{place[label]} {line(title)}\n")
    grams = {"wordNgrams": 3} if chinese else {"wordNgrams": 2, "minn": 2, "maxn": 5}
    model = library.train_supervised(
        str(work / "ft.txt"), thread=2, lr=rate, epoch=epochs, verbose=0, **grams
    )
    trained_at = time.perf_counter()
    found = [
        names[int((model.f.predict(line(title) + "\n", 1, 0.0, "strict") or [(0, "__label__0")])[0][1][9:])]
        for title in tests
    ]
    return found, trained_at - began, time.perf_counter() - trained_at


def fasttext_slow(titles: list, labels: list, tests: list, work: Path) -> tuple:
    return fasttext(titles, labels, tests, work, rate=0.5, epochs=25)


PEERS = {
    "mep3m": mep3m_linear,
    "svc": linear_svc,
    "sgd": sgd,
    "fasttext": fasttext,
    "fasttext25": fasttext_slow,
}
LABELS = {
    "mep3m": "mep3m linear",
    "svc": "TF-IDF 1-3 + LinearSVC",
    "sgd": "TF-IDF 1-3 + SGDClassifier",
    "fasttext": "fastText, 5 epochs",
    "fasttext25": "fastText, 25 epochs",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=sorted(PEERS))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
    sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).parent]
    titles, labels, tests = json.loads((arguments.folder / "in.json").read_text())
    began = time.process_time()
    found, train_s, predict_s = PEERS[arguments.name](titles, labels, tests, arguments.folder)
    result = {"predicted": [str(name) for name in found], "train_s": train_s, "predict_s": predict_s}
    result["cpu_s"] = time.process_time() - began
    (arguments.folder / "out.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
