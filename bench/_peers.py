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
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any


def run_peer(
    name: str, train: tuple, test: list, limit: float, python: str = sys.executable, minutes: float = 2.0
) -> dict:
    """Return {"predicted", "train_s", "predict_s", "cpu_s" (all threads)} of a peer, or {"failed": why}."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "in.json").write_text(json.dumps([list(train[0]), list(train[1]), list(test)]))
        command = [python, str(Path(__file__)), name, folder, "--minutes", str(minutes)]
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


def task_of(titles: list, labels: list, model: str = "linear", **options: object) -> Any:
    """Return the training task of these rows; a tenth is held out, as by `mep3m train`."""
    import numpy as np

    from mep3m.label_tree.tree import LabelTree
    from mep3m.settings.run import RunSettings
    from mep3m.training.task import Task

    tree = LabelTree.from_paths((label,) for label in labels)
    order = np.random.default_rng(0).permutation(len(titles))
    held = len(titles) // 10
    settings = RunSettings(model=model, options=options)
    codes = tree.encode([(label,) for label in labels])
    return Task(table(titles), tree, codes, order[held:], order[:held], None, settings, "bench")


def table(titles: list) -> Any:
    import pyarrow as pa

    from mep3m.product import PRODUCT_SCHEMA

    columns = {field.name: pa.nulls(len(titles), field.type) for field in PRODUCT_SCHEMA}
    ids = pa.array([str(row) for row in range(len(titles))])
    columns |= {"id": ids, "source": ids, "source_id": ids, "title": pa.array(titles)}
    return pa.table(columns, schema=PRODUCT_SCHEMA)


def answers(task: Any, train: Callable, tests: list, work: Path) -> tuple:
    began = time.perf_counter()
    classifier = train(task, work).classifier
    trained_at = time.perf_counter()
    best = classifier.predict_proba(table(tests)).argmax(axis=1)
    return (
        [task.tree.paths[column][0] for column in best],
        trained_at - began,
        time.perf_counter() - trained_at,
    )


def mep3m_linear(titles: list, labels: list, tests: list, work: Path, minutes: float) -> tuple:
    from mep3m.training.linear.fit import train

    return answers(task_of(titles, labels), train, tests, work)


def network(titles: list, labels: list, tests: list, work: Path, minutes: float, model: str) -> tuple:
    """One of the paper's text networks for as many epochs as the minutes last, at most its own number."""
    from mep3m.training.network import train

    options: dict[str, object] = {"tokeniser": "words" if is_chinese(titles) else "whitespace"}
    if model == "bert":
        from bench.image_peers import tiny_bert

        # nothing is fine-tuned, so the rate is larger and the epochs are more
        folder = tiny_bert(work / "bert", titles)
        options = {"weights": str(folder), "learning_rate": 1e-3, "batch": 64, "max_tokens": 48}
    few = range(0, len(titles), max(1, len(titles) // 1500))
    spent = []
    for epochs in (1, 2):
        part = task_of(
            [titles[row] for row in few], [labels[row] for row in few], model, **options, epochs=epochs
        )
        began = time.process_time()
        train(part, work / f"trial{epochs}")
        spent.append(time.process_time() - began)
    epoch = max(spent[1] - spent[0], 0.1) * len(titles) / len(few)
    most = 40 if model == "bert" else 10
    whole = task_of(titles, labels, model, **options, epochs=min(most, max(1, round(minutes * 60 / epoch))))
    return answers(whole, train, tests, work / "whole")


def autogluon(titles: list, labels: list, tests: list, work: Path, minutes: float) -> tuple:
    """AutoGluon multimodal on titles; its text part is the same untrained BERT, as no weights can be had."""
    import pandas
    from autogluon.multimodal import MultiModalPredictor

    from bench.image_autogluon import FROM_SCRATCH
    from bench.image_peers import tiny_bert

    settings = {
        "model.names": ["hf_text"],
        "model.hf_text.checkpoint_name": str(tiny_bert(work / "bert", titles)),
        "model.hf_text.max_text_len": 48,
        **FROM_SCRATCH,
    }
    began = time.perf_counter()
    model = MultiModalPredictor(label="label", problem_type="multiclass", path=str(work / "ag"))
    frame = pandas.DataFrame({"title": titles, "label": labels})
    # it takes titles without spaces for categories
    kinds = {"title": "text"}
    model.fit(frame, time_limit=minutes * 60, seed=0, hyperparameters=settings, column_types=kinds)
    trained_at = time.perf_counter()
    found = model.predict(pandas.DataFrame({"title": tests}), as_pandas=False)
    return list(found), trained_at - began, time.perf_counter() - trained_at


def linear_svc(titles: list, labels: list, tests: list, work: Path, minutes: float) -> tuple:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    began = time.perf_counter()
    words = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    model = LinearSVC().fit(words.fit_transform(titles), labels)
    trained_at = time.perf_counter()
    found = model.predict(words.transform(tests))
    return list(found), trained_at - began, time.perf_counter() - trained_at


def sgd(titles: list, labels: list, tests: list, work: Path, minutes: float) -> tuple:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier

    began = time.perf_counter()
    words = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    model = SGDClassifier(alpha=1e-6, max_iter=5, tol=None, n_jobs=2, random_state=0)
    model.fit(words.fit_transform(titles), labels)
    trained_at = time.perf_counter()
    found = model.predict(words.transform(tests))
    return list(found), trained_at - began, time.perf_counter() - trained_at


def fasttext(titles: list, labels: list, tests: list, work: Path, minutes: float, epochs: int = 5) -> tuple:
    """Chinese titles as characters with 3-grams of them; other titles as words with character n-grams."""
    import fasttext as library

    chinese = is_chinese(titles)
    names = sorted(set(labels))
    place = {name: str(number) for number, name in enumerate(names)}

    def line(title: str) -> str:
        return " ".join(title.lower().replace("\n", " ") if chinese else title.lower().split())

    began = time.perf_counter()
    with (work / "ft.txt").open("w") as file:
        for title, label in zip(titles, labels, strict=False):
            file.write(f"__label__{place[label]} {line(title)}\n")
    grams = {"wordNgrams": 3} if chinese else {"wordNgrams": 2, "minn": 2, "maxn": 5}
    model = library.train_supervised(str(work / "ft.txt"), thread=2, lr=0.5, epoch=epochs, verbose=0, **grams)
    trained_at = time.perf_counter()
    found = [
        names[int((model.f.predict(line(title) + "\n", 1, 0.0, "strict") or [(0, "__label__0")])[0][1][9:])]
        for title in tests
    ]
    return found, trained_at - began, time.perf_counter() - trained_at


def is_chinese(titles: list) -> bool:
    return sum(ord(letter) > 0x2E80 for title in titles[:1000] for letter in title) > 1000


PEERS: dict[str, Callable] = {
    "mep3m": mep3m_linear,
    "svc": linear_svc,
    "sgd": sgd,
    "fasttext": fasttext,
    "fasttext25": partial(fasttext, epochs=25),
    "lstm": partial(network, model="lstm"),
    "bilstm": partial(network, model="bilstm"),
    "bert": partial(network, model="bert"),
    "autogluon": autogluon,
}
LABELS = {
    "mep3m": "mep3m linear",
    "svc": "TF-IDF 1-3 + LinearSVC",
    "sgd": "TF-IDF 1-3 + SGDClassifier",
    "fasttext": "fastText, 5 epochs",
    "fasttext25": "fastText, 25 epochs",
    "lstm": "LSTM, Word2vec",
    "bilstm": "BiLSTM, Word2vec",
    "bert": "BERT from scratch, 2 layers of 128",
    "autogluon": "AutoGluon multimodal, the same BERT",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=sorted(PEERS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=2.0)
    arguments = parser.parse_args()
    sys.path[:0] = [str(Path(__file__).parents[1] / "src"), str(Path(__file__).parents[1])]
    sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).parent]
    titles, labels, tests = json.loads((arguments.folder / "in.json").read_text())
    began = time.process_time()
    found, train_s, predict_s = PEERS[arguments.name](
        titles, labels, tests, arguments.folder, arguments.minutes
    )
    result = {"predicted": [str(name) for name in found], "train_s": train_s, "predict_s": predict_s}
    result["cpu_s"] = time.process_time() - began
    (arguments.folder / "out.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
