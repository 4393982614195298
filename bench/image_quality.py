"""Image, text and both, by model: train on a grouped 80/20 split of real sets and score on the rest.

    python -m bench.image_quality --out quality.json [--only small-cnn,linear] [--sets fashion] [--seeds 0]

Each run is the command line itself (`mep3m train`, `mep3m evaluate`), so seconds are all-in. All three
levels of a set are trained in one run. Runs that are in the result file already are not repeated;
`plain timm` is the script a user would write without mep3m (`bench/plain_timm.py`).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from mep3m.dataset.splits import split_products

DATA = Path(os.environ.get("MEP3M_DATA", "../shared/data"))
#: the paper's networks at a size a CPU can train: said beside every figure
SMALL = ("pixels=32", "epochs=5")


@dataclass(frozen=True)
class Set:
    """A real set: its folder, label columns from coarse to fine, and its title column."""

    folder: str
    labels: tuple[str, ...]
    title: str


SETS = {
    "fashion": Set("img_fashion_9583", ("masterCategory", "subCategory", "articleType"), "title"),
    "flipkart": Set("img_flipkart_1050", ("l1", "l2", "l3"), "product_name"),
    "grocery": Set("img_grocery_store", ("group", "coarse", "fine"), "title"),
}

#: model -> (modality, options)
MODELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "linear": ("text", ()),
    "small-cnn": ("image", ()),
    "late-fusion": ("image+text", ()),
    "plain timm": ("image", ()),
    "bilstm": ("text", ("epochs=5",)),
    "lstm": ("text", ("epochs=5",)),
    "resnet50": ("image", SMALL),
    "vgg19": ("image", SMALL),
    "inception-v3": ("image", ("pixels=80", "epochs=5")),
    "vgg+bilstm": ("image+text", SMALL),
    "tfn": ("image+text", SMALL),
    "lmf": ("image+text", SMALL),
    "joint": ("image+text", ()),
}


def rows_of(name: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the rows for training and for testing, each with id, title, image and labels."""
    chosen = SETS[name]
    root = DATA / chosen.folder
    if name == "grocery":
        return grocery(root, "train"), grocery(root, "val")
    with (root / "labels.tsv").open(encoding="utf-8") as file:
        read = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = []
    for row in read:
        number = row.get("id") or row["uniq_id"]
        image = row.get("image") or f"images/{number}.jpg"
        labels = {level: row[level] for level in chosen.labels}
        rows.append({"id": number, "title": row[chosen.title], "image": image, **labels})
    groups = [hashlib.sha256((root / row["image"]).read_bytes()).hexdigest() for row in rows]
    table = pa.table(
        {
            "id": [row["id"] for row in rows],
            "title": [row["title"] for row in rows],
            "group": groups,
        }
    )
    split = split_products(table, "grouped", 0.2, seed=0)
    train, test = split.rows([row["id"] for row in rows])
    return [rows[i] for i in train], [rows[i] for i in test]


def grocery(root: Path, part: str) -> list[dict[str, str]]:
    """Return one part of the grocery set; its folder names are the labels, and it has no titles."""
    rows = []
    for line in (root / f"{part}.txt").read_text().splitlines():
        image = line.split(",")[0].strip()
        names = Path(image).parts[1:-1]
        labels = {"group": names[0], "coarse": names[1], "fine": names[-1]}
        rows.append({"id": image, "title": "", "image": image, **labels})
    return rows


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        writer.writeheader()
        writer.writerows(rows)


def tables(name: str, work: Path) -> tuple[Path, Path]:
    """Write the two tables of a set once."""
    train, test = work / f"{name}-train.tsv", work / f"{name}-test.tsv"
    if not test.exists():
        parts = rows_of(name)
        write(train, parts[0])
        write(test, parts[1])
    return train, test


def call(arguments: list[str]) -> dict[str, Any]:
    """Run a command that prints JSON and return it."""
    done = subprocess.run([sys.executable, *arguments], stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}")
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def one(name: str, model: str, seed: int, work: Path) -> dict[str, Any]:
    """Train and score one model; return its levels and the seconds of training."""
    train, test = tables(name, work)
    root = DATA / SETS[name].folder
    labels = ",".join(SETS[name].labels)
    run = work / f"{name}-{model.replace(' ', '-')}-{seed}"
    began = time.perf_counter()
    if model == "plain timm":
        result = call(["-m", "bench.plain_timm", str(train), str(test), str(root), labels, str(seed)])
        return {"levels": result["levels"], "seconds": round(time.perf_counter() - began)}
    modality, options = MODELS[model]
    command = ["-m", "mep3m", "train", str(train), "--title", "title", "--labels", labels, "--image", "image"]
    command += ["--image-root", str(root), "--id", "id", "--modality", modality, "--model", model]
    command += ["--seed", str(seed), "--out", str(run), "--json"]
    for option in options:
        command += ["--set", option]
    call(command)
    seconds = round(time.perf_counter() - began)
    scores = evaluated(run, test)
    result = {"levels": scores["levels"], "seconds": seconds, "options": options}
    if model == "late-fusion":
        # its image part is small-cnn on the same rows with the same seed: no need to train it twice
        shutil.copy(run / "run.json", run / "image" / "run.json")
        result["small-cnn"] = {"levels": evaluated(run / "image", test)["levels"], "seconds": seconds}
    return result


def evaluated(run: Path, test: Path) -> dict[str, Any]:
    return call(["-m", "mep3m", "evaluate", str(run), "--data", str(test), "--json"])


def show(results: dict[str, Any]) -> None:
    print("| set | model | seed | level | n | top-1 | top-5 | macro F1 | AP macro | seconds to train |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for key, result in sorted(results.items()):
        name, model, seed = key.split("|")
        for row in result["levels"]:
            figures = " | ".join(
                f"{row[k]:.4f}" if row.get(k) is not None else "-"
                for k in ("top1", "top5", "macro_f1", "ap_macro")
            )
            place = f"| {name} | {model} | {seed} | {row['level']} | {row['n']}"
            print(f"{place} | {figures} | {result['seconds']} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default=",".join(MODELS))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", default="0")
    options = parser.parse_args()
    work = options.out.with_suffix(".work")
    work.mkdir(parents=True, exist_ok=True)
    results = json.loads(options.out.read_text()) if options.out.exists() else {}
    for model in options.only.split(","):
        for name in options.sets.split(","):
            for seed in options.seeds.split(","):
                key = f"{name}|{model}|{seed}"
                if key in results or (name == "grocery" and MODELS[model][0] != "image"):
                    continue
                results[key] = one(name, model, int(seed), work)
                if "small-cnn" in results[key]:
                    results.setdefault(f"{name}|small-cnn|{seed}", results[key].pop("small-cnn"))
                options.out.write_text(json.dumps(results, indent=1))
    show(results)


if __name__ == "__main__":
    main()
