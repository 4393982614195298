"""Filing at size: products a second of `mep3m assign`, beside predictions of scikit-learn and fastText.

    python -m bench.assign --titles 1000000 --fasttext VENV/bin/python

Titles are those of `bench.train_text`. `assign` reads a TSV with ids and writes an answer for each (path,
probabilities, decision, alternatives, versions); `predict` is mep3m's model alone on titles in memory, and
scikit-learn's and fastText's predictions are of that kind too: they read no table and write none.
scikit-learn's takes tf-idf of characters (1 to 3, 200,000 features at most), vectorising included. Seconds
are those of the CPU, the start of the process included, so that a busy machine does not matter.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._peers import table as table_of
from bench.train_text import draw_titles
from mep3m.assignment.run import Run
from mep3m.dataset.reading import open_products
from mep3m.recipes.classify import train_run
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns

FASTTEXT = """
import json, sys, time, fasttext
folder, titles = sys.argv[1], sys.argv[2]
model = fasttext.train_supervised(folder + "/ft.txt", epoch=5, lr=0.5, wordNgrams=1, minn=1, maxn=3, dim=100,
    bucket=2000000, thread=1)
rows = [line.rstrip("\\n") for line in open(titles, encoding="utf-8")]
began = time.process_time()
for start in range(0, len(rows), 8192):
    model.predict(rows[start : start + 8192])
print(json.dumps({"seconds": time.process_time() - began}))
"""


def write(path: Path, titles: list[str], labels: list[str] | None = None) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("sku\ttitle" + ("\tlabel" if labels else "") + "\n")
        for number, title in enumerate(titles):
            file.write(f"n{number}\t{title}" + (f"\t{labels[number]}" if labels else "") + "\n")
    return path


def timed_assign(run: Path, table: Path, out: Path, more: list[str]) -> tuple[float, float]:
    """Return CPU seconds and peak MiB of a process of its own."""
    words = ["assign", str(run), str(table), "--id", "sku", "--out", str(out), *more]
    before = _used()
    done = subprocess.run(
        [sys.executable, "-c", "from mep3m.cli import main; main()", *words], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return _used() - before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def scikit_learn(learn: tuple[list[str], list[str]], titles: list[str]) -> float:
    """Return the CPU seconds of vectorising and predicting, without those of learning."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier

    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), max_features=200_000, min_df=2)
    model = SGDClassifier(max_iter=5, tol=None).fit(vectors.fit_transform(learn[0]), learn[1])
    began = time.process_time()
    for start in range(0, len(titles), 8192):
        model.predict(vectors.transform(titles[start : start + 8192]))
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=1_000_000)
    parser.add_argument("--learn", type=int, default=20_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--peers", type=int, default=100_000, help="titles that peers predict")
    parser.add_argument("--fasttext", help="python of an environment with fasttext-wheel")
    arguments = parser.parse_args()
    learn = draw_titles(arguments.learn, arguments.classes, 0)
    drawn, _ = draw_titles(min(arguments.titles, 100_000), arguments.classes, 1)
    titles = (drawn * -(-arguments.titles // len(drawn)))[: arguments.titles]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        columns = Columns(id="sku", title="title", labels=("label",))
        train_run(open_products(write(folder / "learn.tsv", *learn), columns), columns, None, RunSettings(),
            folder / "run")  # fmt: skip
        run = Run.open(folder / "run")
        said = f"{len(titles):,} titles, {arguments.classes} classes"
        print(f"{said}\n| what | products a CPU second | peak MiB |\n|---|---|---|", flush=True)
        for size in (len(titles) // 10, len(titles)):
            table = write(folder / "new.tsv", titles[:size])
            for kind in ("jsonl", "parquet"):
                seconds, peak = timed_assign(folder / "run", table, folder / f"o.{kind}", [])
                print(f"| assign, {kind}, {size:,} | {size / seconds:,.0f} | {peak:,.0f} |", flush=True)
        few = write(folder / "few.tsv", titles[:10_000])
        seconds, _ = timed_assign(folder / "run", few, folder / "o.jsonl", ["--why"])
        print(f"| assign --why, jsonl, 10,000 | {10_000 / seconds:,.0f} | |", flush=True)
        asked = titles[: arguments.peers]
        products = table_of(asked)
        run.classifier.predict(products.slice(0, 100))
        began = time.process_time()
        for start in range(0, len(asked), 8192):
            run.classifier.predict(products.slice(start, 8192))
        print(f"| mep3m predict | {len(asked) / (time.process_time() - began):,.0f} | |", flush=True)
        print(f"| scikit-learn predict | {len(asked) / scikit_learn(learn, asked):,.0f} | |", flush=True)
        if arguments.fasttext:
            spaced = "\n".join(f"__label__{label} {title}" for title, label in zip(*learn, strict=True))
            (folder / "ft.txt").write_text(spaced + "\n", encoding="utf-8")
            (folder / "asked.txt").write_text("\n".join(asked) + "\n", encoding="utf-8")
            command = [arguments.fasttext, "-c", FASTTEXT, str(folder), str(folder / "asked.txt")]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            seconds = json.loads(done.stdout.splitlines()[-1])["seconds"]
            print(f"| fastText predict | {len(asked) / seconds:,.0f} | |", flush=True)


if __name__ == "__main__":
    main()
