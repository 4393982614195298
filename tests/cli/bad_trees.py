"""Trees, labels, reviews and golds that are wrong: the second half of docs/bad-input.md.

`python -m tests.sources.bad_input > docs/bad-input.md` writes the whole page.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from mep3m.product import Label, Product, to_table
from mep3m.store import Plan, StoreWriter
from mep3m.taxonomy import Category, Taxonomy
from tests.cli.runner import Ran, ran

#: what is wrong, the command that meets it, its exit code, words of what it says
Case = tuple[str, str, int, str]
Rows = list[tuple[str, ...]]

TREE = Taxonomy(
    tuple(
        Category(key, name, None, parent)
        for key, name, parent in [
            ("f", "食品", None), ("t", "茶", "f"), ("g", "绿茶", "t"), ("h", "家居", None), ("l", "灯", "h"),
            ("m", "灯", "h"), ("b", "书", None),
        ]
    )
)  # fmt: skip
GOOD: Rows = [("食品", "茶", "绿茶"), ("食品", "茶", "红茶"), ("家居", "灯", "台灯"), ("书", "", "")]
TABLES: dict[str, Rows] = {
    "good": [],
    "two-parents": [("家居", "茶", "绿茶")],
    "gap": [("食品", "", "绿茶")],
    "swapped": [("茶", "食品", "")],
    "elsewhere": [("家居", "茶", "")] * 60,
    "unknown": [("玩具", "积木", "")] * 90,
    "one-path": [("食品", "", ""), ("食品", "茶", ""), ("食品", "茶", "绿茶")] * 2,
}
COLUMNS = "--title title --labels l1,l2,l3"
TRAIN = f"--modality text --set epochs=1 {COLUMNS}"
REVIEW = "subject_id\tpredicate_id\tobject_id\tsubject_source\tobject_source\tmep3m_decision\n"


def review(*rows: str) -> str:
    """Return a review of the tables left and right; a row is 'left predicate right decision'."""
    cells = (row.split() for row in rows)
    return REVIEW + "".join(f"{a}\tskos:{p}\t{b}\tleft\tright\t{said}\n" for a, p, b, said in cells)


FILES: dict[str, str] = {
    "left.tsv": "id\tpath\n1\t家电\n11\t家电 > 电视\n12\t家电 > 空调\n2\t手机\n",
    "right.tsv": "id\tpath\n1\t电器\n11\t电器 > 平板电视\n12\t电器 > 空调\n2\t数码\n",
    "nothing.tsv": "",
    "three.tsv": "title\tl1\tl2\tl3\n绿茶\t食品\t茶\t\n台灯\t家居\t灯\t\n小说\t书\t\t\n",
    "unread.tsv": "title\n!!!\n\u200b\n茶 绿茶 食品\n",
    "header.tsv": "id\tpath\n",
    "no-name.tsv": "id\tpath\n1\t家电 > \n2\t手机\n",
    "two-places.tsv": "id\tpath\n1\t家电\n1\t手机\n",
    "twins.tsv": "id\tpath\n1\t家电\n2\t家电\n",
    "links.tsv": review("11 exactMatch 11 accept"),
    "unknown-id.tsv": review("99 exactMatch 11 accept"),
    "both.tsv": review("11 exactMatch 11 accept", "11 exactMatch 11 reject"),
    "predicate.tsv": review("11 wrongMatch 11 accept"),
    "decision.tsv": review("11 exactMatch 11 yess"),
    "below-two.tsv": review("11 broadMatch 1 accept", "11 broadMatch 2 accept"),
    "one-shop.tsv": review("11 exactMatch 11 accept", "12 exactMatch 11 accept"),
    "cycle.tsv": review("1 broadMatch 12 accept", "12 exactMatch 12 accept"),
    "gold-unknown.tsv": "left_id\tright_id\n11\t11\n11\t99\n",
    "gold-relation.tsv": "left_id\tright_id\trelation\n11\t11\tsame\n",
    "gold-twice.tsv": "left_id\tright_id\trelation\n11\t11\texact\n11\t11\tnarrower\n",
}
PROPOSE = "--right right.tsv --out p"
APPLY = "--left left.tsv --right right.tsv --out tree"
SCORE = "align score links.tsv --left left.tsv --right right.tsv --gold"
CASES: list[Case] = [
    ("table: a name below two parents", f"train two-parents.tsv {TRAIN} --out x", 0, "several parents"),
    ("table: a leaf at the first level", f"train good.tsv {TRAIN} --out x", 0, ""),
    ("table: an empty level above a name", f"train gap.tsv {TRAIN} --out x", 0, ""),
    ("table: parent and child change places", f"train swapped.tsv {TRAIN} --out x", 0, ""),
    ("store: the tree has a cycle", "train cycle --out x", 1, "form a cycle"),
    ("store: an id with two parents", "train two --out x", 1, "occurs twice"),
    ("store: a parent that is not there", "train orphan --out x", 1, "which does not exist"),
    ("store: the tree is not JSON", "train broken --out x", 1, "is not a taxonomy file"),
    ("store: labels that contradict its tree", "train against --set epochs=1 --out x", 0, "contradict"),
    ("evaluate: a name below another parent", "evaluate run --data elsewhere.tsv", 0, "another parent"),
    ("evaluate: no label is a class", "evaluate run --data unknown.tsv", 0, "no label of"),
    ("evaluate: a name with two meanings", f"evaluate ids --data good.tsv {COLUMNS}", 2, "name several"),
    ("evaluate: another version of the tree", "evaluate ids --data later", 0, "is not the run's"),
    ("evaluate: a tree without a common id", "evaluate ids --data foreign", 1, "none of its"),
    ("train: labels on one path", f"train one-path.tsv {TRAIN} --out x", 2, "all labels lie on one path"),
    ("train: three rows", f"train three.tsv {TRAIN} --out x", 0, "too few products to hold any out"),
    ("train: another run is there", f"train good.tsv {TRAIN} --seed 3 --out run", 2, "other settings;"),
    ("assign: nothing to read", "assign run unread.tsv --out x.jsonl", 0, "show the model nothing"),
    ("assign: a name that says no format", "assign run good.tsv --out x.txt", 2, "end it in .jsonl, .csv"),
    ("assign: a run that is not there", "assign gone good.tsv --out x.jsonl", 2, "does not exist"),
    ("assign: the tree has a cycle", "assign ids cycle --out x.jsonl", 1, "form a cycle"),
    ("align: an empty file", f"align propose --left nothing.tsv {PROPOSE}", 1, "no header line"),
    ("align: a header only", f"align propose --left header.tsv {PROPOSE}", 1, "no category"),
    ("align: an empty name", f"align propose --left no-name.tsv {PROPOSE}", 1, "an empty name"),
    ("align: an id in two places", f"align propose --left two-places.tsv {PROPOSE}", 1, "places"),
    ("align: one path under two ids", f"align propose --left twins.tsv {PROPOSE}", 0, "both are"),
    ("align: one platform only", "align propose --store good --out p", 2, "two sources or more"),
    ("review: an id that is not there", f"align apply unknown-id.tsv {APPLY}", 1, "no category '99'"),
    ("review: accepted and rejected", f"align apply both.tsv {APPLY}", 1, "accepted and rejected"),
    ("review: a wrong predicate", f"align apply predicate.tsv {APPLY}", 1, "write one of skos:exactMatch"),
    ("review: a decision that is no word", f"align apply decision.tsv {APPLY}", 1, "(allowed: accept"),
    ("review: a category below two", f"align apply below-two.tsv {APPLY}", 1, "below two"),
    ("review: two of one shop become one", f"align apply one-shop.tsv {APPLY}", 1, "of one platform"),
    ("review: the links make a cycle", f"align apply cycle.tsv {APPLY}", 1, "make a cycle"),
    ("gold: an id that is not there", f"{SCORE} gold-unknown.tsv", 1, "right_id '99' is not in the table"),
    ("gold: a wrong relation", f"{SCORE} gold-relation.tsv", 1, "write exact, broader or narrower"),
    ("gold: one pair, two relations", f"{SCORE} gold-twice.tsv", 1, "with another relation"),
]  # fmt: skip


def store(folder: Path, tree: Taxonomy, paths: list[tuple[str, ...]]) -> None:
    """Write a store of 60 products that are labelled with these paths of ids in turn."""
    rows = [
        Product(f"s:{n}", "s", str(n), path, title=f"{'-'.join(path)} {n * 7919 % 1000}",
                labels=tuple(Label(key, "given", "s") for key in path))
        for n in range(60) for path in [paths[n % len(paths)]]
    ]  # fmt: skip
    writer = StoreWriter.begin(folder, Plan("align", {"folder": folder.name}, ("x",)))
    writer.write(0, to_table(rows))
    writer.finish(tree)


def damaged(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Write a good store whose tree somebody has changed."""
    store(folder, TREE, [("f", "t", "g"), ("h", "l"), ("b",)])
    file = folder / "taxonomy.json"
    file.write_bytes(orjson.dumps(change(orjson.loads(file.read_bytes()))))


def moved(rows: list[dict[str, Any]], category: str, parent: str) -> list[dict[str, Any]]:
    return [{**row, "parent": parent} if row["id"] == category else row for row in rows]


def prepare(folder: Path) -> None:
    """Write everything that the cases name, and two trained runs: on names, and on ids of a store."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, more in TABLES.items():
        rows = more if len(more) > 5 else [*GOOD * 20, *more]
        lines = ["\t".join((f"{' '.join(row)} {n * 7919 % 1000}", *row)) for n, row in enumerate(rows)]
        text = "title\tl1\tl2\tl3\n" + "\n".join(lines) + "\n"
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8")
    for name in ("good", "later", "foreign"):
        damaged(folder / name, list)
    damaged(folder / "cycle", lambda rows: moved(rows, "f", "g"))
    damaged(folder / "two", lambda rows: [*rows, *[row for row in moved(rows, "t", "h") if row["id"] == "t"]])
    damaged(folder / "orphan", lambda rows: moved(rows, "t", "nowhere"))
    damaged(folder / "broken", lambda rows: "no list")
    store(folder / "against", TREE, [("h", "t"), ("f", "l"), ("b",)])
    later = Taxonomy((*TREE.categories, Category("n", "新", None, "h")))
    shutil.rmtree(folder / "later")
    store(folder / "later", later, [("f", "t", "g"), ("h", "n"), ("b",)])
    shutil.rmtree(folder / "foreign")
    store(folder / "foreign", Taxonomy((Category("x", "甲"), Category("y", "乙"))), [("x",), ("y",)])
    for data, out, columns in (("good.tsv", "run", COLUMNS), ("good", "ids", "")):
        words = f"train {data} --modality text --set epochs=1 {columns} --out {out}".split()
        assert inside(folder, words).code == 0


@contextlib.contextmanager
def at(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def inside(folder: Path, words: list[str]) -> Ran:
    """Run a command in a folder, so that what it says names no other place; what another made there goes."""
    shutil.rmtree(folder / "x", ignore_errors=True)
    for made in ("p", "x.jsonl"):
        (folder / made).unlink(missing_ok=True)
    with at(folder):
        return ran(*words)


def said(found: Ran) -> str:
    """Return what a person reads on standard error, without progress."""
    return " ".join(line.strip() for line in found.err.splitlines() if line.strip() and "/s]" not in line)


def table() -> str:
    """Return the second half of docs/bad-input.md."""
    lines = [
        "## Trees, labels, reviews, golds, answers",
        "",
        "What is wrong, the command that meets it, its exit code (0: done, and said; 1: refused as a whole,",
        "or done with the rest; 2: wrong use), and what is said. Checked by `tests/cli/test_bad_trees.py`.",
        "",
        "| what | command | code | what is said |",
        "|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name))
        for what, command, code, _ in CASES:
            text = (
                said(inside(Path(name), command.split())).replace("|", "\\|")
                or "nothing: it is taken as it is"
            )
            shown = text if len(text) < 260 else text[:257] + "..."
            lines.append(f"| {what} | `{' '.join(command.split()[:2])}` | {code} | {shown} |")
    return "\n".join(lines) + "\n"
