"""Text training at size: generated Chinese titles, mep3m beside fastText and scikit-learn.

python -m bench.train_text --titles 500000 --classes 300 --fasttext VENV/bin/python --out OUT.json
"""

import argparse
import json
import statistics
from pathlib import Path

import numpy as np

from bench._peers import LABELS, run_peer


def draw_titles(count: int, classes: int, seed: int) -> tuple[list[str], list[str]]:
    """Draw titles of 6-10 words: some of the class, some of its family, the rest of all shops.

    Classes are Zipf-distributed and come in families of five that share words; 2 % of the labels are wrong.
    """
    random = np.random.default_rng(seed)
    lexicon = np.random.default_rng(7)
    letters = np.array([chr(0x4E00 + place) for place in lexicon.permutation(3500)])

    def words(number: int) -> np.ndarray:
        return np.array(["".join(lexicon.choice(letters, size)) for size in lexicon.integers(2, 5, number)])

    own, family, shared = words(classes * 25), words(-(-classes // 5) * 60), words(4000)
    weight = 1 / np.arange(1, classes + 1) ** 0.7
    label = random.choice(classes, count, p=weight / weight.sum())
    titles = []
    for kind in label:
        parts = [
            own[kind * 25 + (random.random(random.integers(1, 4)) ** 2 * 25).astype(int)],
            family[kind // 5 * 60 + (random.random(2) ** 2 * 60).astype(int)],
            shared[(random.random(random.integers(3, 6)) ** 2 * 4000).astype(int)],
        ]
        row = np.concatenate(parts)
        random.shuffle(row)
        titles.append("".join(row) + str(random.integers(1, 999)))
    wrong = random.random(count) < 0.02
    label[wrong] = random.integers(0, classes, int(wrong.sum()))
    return titles, [f"c{kind:03d}" for kind in label]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=300)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--limit", type=float, default=900.0, help="seconds a peer may take")
    parser.add_argument("--peers", default="mep3m,fasttext,sgd,svc")
    parser.add_argument("--fasttext", help="python of an environment with fasttext-wheel")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    titles, labels = draw_titles(arguments.titles + 20_000, arguments.classes, 0)
    train, test = (titles[:-20_000], labels[:-20_000]), (titles[-20_000:], labels[-20_000:])
    rows = []
    print(f"{arguments.titles:,} titles, {arguments.classes} classes, 20,000 test titles")
    print(
        "| model | train s | predict s | CPU s | accuracy | macro F1 |\n|---|---|---|---|---|---|", flush=True
    )
    for name in arguments.peers.split(","):
        python = {"python": arguments.fasttext} if name.startswith("fasttext") else {}
        if python == {"python": None}:
            continue
        results = [run_peer(name, train, test[0], arguments.limit, **python) for _ in range(arguments.runs)]
        rows.append(summary(name, results, test[1]))
        print(line(rows[-1]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=1))


def summary(name: str, results: list[dict], truth: list[str]) -> dict:
    from sklearn.metrics import f1_score

    good = [result for result in results if "failed" not in result]
    if not good:
        return {"model": LABELS[name], "failed": results[0]["failed"]}
    found = good[0]["predicted"]
    return {
        "model": LABELS[name],
        "train_s": statistics.median(result["train_s"] for result in good),
        "predict_s": statistics.median(result["predict_s"] for result in good),
        "cpu_s": statistics.median(result["cpu_s"] for result in good),
        "accuracy": float(np.mean(np.array(found) == np.array(truth))),
        "macro_f1": float(f1_score(truth, found, average="macro", zero_division=0)),
    }


def line(row: dict) -> str:
    if "failed" in row:
        return f"| {row['model']} | {row['failed']} | | | | |"
    scores = f"{row['accuracy']:.4f} | {row['macro_f1']:.4f}"
    seconds = " | ".join(f"{row[name]:.1f}" for name in ("train_s", "predict_s", "cpu_s"))
    return f"| {row['model']} | {seconds} | {scores} |"


if __name__ == "__main__":
    main()
