"""Every example in a command's help is run as it stands, in a folder that holds what it names."""

import importlib
import io
import json
import re
import shlex
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import click
import pytest
from PIL import Image

from mep3m.alignment.records import Proposal
from mep3m.alignment.review.sssom import write_sssom
from mep3m.cli import COMMANDS
from mep3m.cli.shared import DefaultGroup
from mep3m.product import Label, to_table
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.json_files import write_json
from mep3m.taxonomy import Category, Taxonomy
from tests.alignment.shops import products, proposals
from tests.cli.conftest import FIRST
from tests.cli.runner import ran
from tests.recipes.novel.conftest import shelf_rows
from tests.recipes.novel.conftest import write_table as write_shelf
from tests.sources.mep3m.test_annotations import HEADER, record, sheet

KINDS = {"tea": "tea leaf", "rice": "rice grain", "lamp": "lamp bulb"}
#: examples that are not run here, and why
NOT_RUN = {
    "mep3m serve runs/text --port 8000": "it does not end; tests/service starts it",
    "mep3m desk demo --port 8000": "it does not end; tests/desk opens it",
    "mep3m desk promise run --precision 0.8 --out promise.json": (
        "people audit first; tests/desk/outcome/test_auditing.py does"
    ),
    "mep3m export-onnx run model.onnx": "tests/cli/test_networks.py exports what it trained",
    "mep3m watch record promise.json audit.csv": "a person fills in the sheet; tests/cli/test_watch.py does",
    "mep3m represent shelf.tsv --image file --labels kind,product --seeds 5": (
        "five seeds of a large network; tests/cli/test_represent.py runs one"
    ),
    "mep3m checkout demo --out lane": "minutes; tests/checkout/test_lane.py draws a smaller one",
    "mep3m demo --out demo": "1,200 products; tests/recipes builds smaller worlds",
}
#: what a person types at an example that asks
TYPED = {"--ask": "a\nq\n", "people add": "correct horse\n" * 2}
#: what stands for a number in an example, so that it takes seconds
SMALLER = {"--products 1000": "--products 12", "epochs=8": "epochs=2", "--minutes 10": "--set epochs=1"}
SMALLER |= {"--images 20": "--images 1"}
SMALLER |= {"--scenes 200": "--scenes 2 --epochs 1", "--out scored": "--out scored --photos 1"}
#: examples after which something is refused, open or without a place: that is exit code 1
LEFT_OVER = ("align apply", "align migrate", "align diff old", "align remap", "align map")


def named() -> dict[str, click.Command]:
    """Return every command and those below it, at any depth, by the words that call it."""
    todo = [
        (name, getattr(importlib.import_module(m), name.replace("-", "_")))
        for name, (m, _) in COMMANDS.items()
    ]
    found: dict[str, click.Command] = {}
    while todo:
        name, command = todo.pop(0)
        found[name] = command
        if isinstance(command, click.Group):
            context = click.Context(command)
            below = {sub: command.get_command(context, sub) for sub in command.list_commands(context)}
            todo += [(f"{name} {sub}", one) for sub, one in below.items() if one is not None]
    return found


def command_of(example: str) -> str:
    """Return the words of an example that call its command; a group may have a command that goes without."""
    known, called = named(), ""
    for word in example.split()[1:]:
        group = known.get(called)
        if f"{called} {word}".strip() in known:
            called = f"{called} {word}".strip()
        elif isinstance(group, DefaultGroup):
            return f"{called} {group.default}"
        else:
            break
    return called


def examples() -> list[str]:
    """Return the examples of every command's help."""
    found = []
    for command in (one for one in named().values() if not isinstance(one, click.Group)):
        text = f"{command.epilog or ''}\n{command.help or ''}"
        found += re.findall(r"^\s*(?:Example: )?(mep3m .*)$", text, re.MULTILINE)
    return found


def picture(colour: str) -> bytes:
    image = Image.effect_noise((80, 80), 60).convert("RGB")
    image.paste(colour, (20, 20, 60, 60))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def write_store(folder: Path, step: str = "ingest") -> None:
    """Write the two shops of `tests.alignment.shops`, labelled in a tree of three categories below one."""
    ids = ("c1a2b3c4", "c99aa001", "c3")
    leaves = (Category(key, f"类{n}", f"Class {n}", "all") for n, key in enumerate(ids))
    tree = Taxonomy((Category("all", "全部"), *leaves))
    rows = [
        replace(row, labels=tuple(Label(key, "given", row.source) for key in ("all", ids[n % 3])))
        for n, row in enumerate(products())
    ]
    writer = StoreWriter.begin(folder, Plan(step, {"folder": folder.name}, ("part",)))
    writer.write(0, to_table(rows))
    writer.finish(tree)


def write_tables(folder: Path) -> None:
    codes = iter(sha256(str(n).encode()).hexdigest()[:12] for n in range(99))  # no two titles are alike
    lines = [f"{next(codes)} {words}\t{kind[0]}\t{kind}" for _ in range(12) for kind, words in KINDS.items()]
    for name in ("items.tsv", "test.tsv"):
        (folder / name).write_text("title\tl1\tl2\n" + "\n".join(lines) + "\n")
    audited = [f"{n:x}q {words}\t{kind[0]}\t{kind}" for n in range(100) for kind, words in KINDS.items()]
    (folder / "audit.tsv").write_text("title\tl1\tl2\n" + "\n".join(audited) + "\n")
    learned = [
        f"{next(codes)} {words}\t{words[0]}\t{words}" for words in ("cup mug", "vase pot") for _ in range(4)
    ]
    for name in ("new.tsv", "new-test.tsv"):
        (folder / name).write_text("title\tl1\tl2\n" + "\n".join(learned) + "\n")
    pairs = [f"{words} {n},{kind}" for n in range(12) for kind, words in KINDS.items()]
    (folder / "items.csv").write_text("name,kind\n" + "\n".join(pairs) + "\n")
    (folder / "password.txt").write_text("correct horse\n")
    (folder / "new.csv").write_text("title\ngreen tea leaf\n")
    (folder / "shop.csv").write_text("name,dept,category,photo\n绿茶,食品,茶,1.png\n", encoding="utf-8")
    for key in "ab":
        paths = sorted({" > ".join(row.source_path) for row in products() if row.source == key})
        table = "id\tpath\tcount\n" + "".join(f"{path}\t{path}\t3\n" for path in paths)
        for name in (f"{key}.tsv", "shop1.tsv" if key == "a" else "shop2.tsv"):
            (folder / name).write_text(table, encoding="utf-8")
    (folder / "gold.tsv").write_text("left_id\tright_id\n家电 > 电视\t电器 > 平板电视\n", encoding="utf-8")
    (folder / "parts.tsv").write_text("id\tname_zh\tname_en\np1\t甲\tOne\np2\t乙\tTwo\n", encoding="utf-8")
    (folder / "first.toml").write_text(FIRST, encoding="utf-8")
    goods = "".join(f"P{n},tea cup number {n},Home,Cups\n" for n in range(4))
    (folder / "products.csv").write_text("sku,title,category_1,category_2\n" + goods)
    (folder / "anna.csv").write_text("id,category\n1,tea\n")
    google = "# Google_Product_Taxonomy_Version: 2021-09-21\n1 - Home\n2 - Home > Cups\n"
    (folder / "google.txt").write_text(google)
    (folder / "annotations.json").write_text(json.dumps([record(1)]), encoding="utf-8")
    sheet(folder / "dataset_info.xlsx", [HEADER, [7, "母婴", 301, "奶粉", False, False]])
    candy = {"class_id": "5", "class_name": "食品", "sub_class_id": "304", "sub_class_name": "糖果/巧克力"}
    (folder / "candy.json").write_text(json.dumps([record(1), record(2, **candy)]), encoding="utf-8")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the examples name."""
    folder = tmp_path_factory.mktemp("examples")
    write_tables(folder)
    write_shelf(folder / "shelf.tsv", shelf_rows(folder, 1))
    (folder / "photos").mkdir()
    (folder / "photos" / "1.png").write_bytes(picture("red"))
    photos = [f"{n}.png,{('red', 'blue')[n % 2]}" for n in range(6)]
    (folder / "photos.csv").write_text("photo,kind\n" + "\n".join(photos) + "\n")
    for n in range(6):
        (folder / f"{n}.png").write_bytes(picture(("red", "blue")[n % 2]))
    (folder / "new.jpg").write_bytes(picture("blue"))
    for colour in ("red", "blue", "green", "black", "gold", "teal", "brown", "purple"):
        (folder / "products" / colour).mkdir(parents=True)
        (folder / "products" / colour / "1.png").write_bytes(picture(colour))
    (folder / "till").mkdir()
    (folder / "till" / "1.png").write_bytes(picture("red"))
    for name in ("stores/raw", "demo/3-dedupe", "demo/dataset", "shops", "new"):
        write_store(folder / name)
    for name in ("merged", "merged2", "built/5-align"):
        write_store(folder / name, "align")
    Store.open(folder / "merged").taxonomy.save(folder / "old.json")
    Store.open(folder / "merged").taxonomy.save(folder / "new.json")
    write_json(folder / "runs" / "bert" / "classifier.json", {"tree": [["c1a2b3c4"], ["gone"]]})
    source = 'name = "a"\n[[sources]]\nname = "shop"\npath = "../items.tsv"\n[sources.columns]\n'
    (folder / "shops" / "mep3m.toml").write_text(source + 'title = "title"\nlabels = ["l1", "l2"]\n')
    for name in ("links.sssom.tsv", "old.sssom.tsv", "new.sssom.tsv"):
        proposals(folder / name)
    return folder


def long_review(folder: Path) -> None:
    """Write a review of rows 8 to 37."""
    pairs = [Proposal(f"l{n}", f"r{n}", "exact", 0.5, False, {}, "", f"l{n}", f"r{n}") for n in range(30)]
    write_sssom(folder / "links.sssom.tsv", pairs)


def prepare(folder: Path, example: str) -> None:
    """Do what a person has done before the example."""
    run = ("--title", "title", "--labels", "l1,l2", "--set", "epochs=1", "--out", "run")
    links = "links.sssom.tsv"
    promise = ("guarantee", "run", "--audit", "audit.tsv", "--out", "promise.json")
    filed = [
        ("train", "items.tsv", *run),
        promise,
        ("assign", "run", "items.tsv", "--promise", "promise.json", "--out", "filed.jsonl"),
    ]
    answered = ("assign", "run", "new.csv", "--out", "filed.jsonl", "--min-confidence", "1")
    waiting = [
        ("train", "items.tsv", *run),
        answered,
        ("desk", "take", "run", "filed.jsonl", "--table", "new.csv", "--share", "0", "--two", "0"),
    ]
    person = ("desk", "people", "add", "demo", "--name", "anna", "--password-file", "password.txt")
    steps: dict[str, list[tuple[str, ...]]] = {
        "assign run": [("train", "items.tsv", *run)],
        "evaluate run": [("train", "items.tsv", *run)],
        "guarantee check": [("train", "items.tsv", *run), promise],
        "desk take": waiting[:2],
        "checkout score": [("checkout", "draw", "products", "--out", "scenes", "--images", "1")],
        "desk export": [*waiting, ("review", "import", "run", "anna.csv")],
        "review": waiting,
        "desk people list": [person],
        "desk people remove": [person],
        "keys list": [("keys", "add", "keys.json", "--name", "shop")],
        "keys remove": [("keys", "add", "keys.json", "--name", "shop")],
        "watch draw": filed,
        "watch drift": filed,
        "watch": filed,
        "guarantee": [("train", "items.tsv", *run)],
        "learn run": [("train", "items.tsv", *run)],
        "align apply links.sssom.tsv --left": [
            ("align", "propose", "--left", "a.tsv", "--right", "b.tsv", "--out", links)
        ],
        "align apply": [("align", "review", links, "--accept", "8-11")],
        "align migrate": [("align", "review", "old.sssom.tsv", "--accept", "8")],
        "align redo": [("align", "review", links, "--accept", "8"), ("align", "undo", links)],
        "export mep3m": [("ingest", "candy.json", "--format", "mep3m", "--store", "mep3m")],
        "embed new.csv": [
            ("embed", "items.tsv", "--title", "title", "--modality", "text", "--out", "vectors.parquet")
        ],
        "align map": [("align", "map", "products.csv", "--to", "google.txt", "--out", "upload.tsv")],
        "align undo links": [("align", "review", links, "--accept", "8")],
        "align review links.sssom.tsv --take": [("align", "review", links, "--blind", "for_wang.tsv")],
    }
    edit = ("align", "edit", "merged", "--edits", "tree.edits.jsonl", "--archive", "c3")
    for name in ("align undo tree", "align diff old", "align remap"):
        steps[name] = [edit]
    for name in ("ocr store/", "retry", "status"):
        steps[name] = [
            (
                "ingest",
                "shop.csv",
                "--title",
                "name",
                "--image",
                "photo",
                "--images",
                "photos",
                "--store",
                "store",
            )
        ]
    done = next((steps[name] for name in steps if example.startswith(f"mep3m {name}")), [])
    if "--accept 1" in example or "--ask" in example:
        long_review(folder)
    if example.startswith("mep3m simulate"):
        shutil.rmtree(folder / "shops")
    if example.startswith("mep3m align remap"):
        shutil.rmtree(folder / "merged2")
    for step in done:
        assert ran(*step).code in (0, 1), step


def words_in(place: Path, whole: Path, example: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Go to a copy of the folder with all that the example reads; return its words, in a small size."""
    monkeypatch.chdir(shutil.copytree(whole, place))
    prepare(place, example)
    for large, small in SMALLER.items():
        example = example.replace(large, small)
    return shlex.split(example)[1:]


def typed_at(example: str) -> str | None:
    """Return what a person types at an example, if it asks."""
    return next((text for word, text in TYPED.items() if word in example), None)


def test_every_command_has_an_example_and_what_is_not_run_is_one() -> None:
    assert {example.split()[1] for example in examples()} == set(COMMANDS)
    assert set(NOT_RUN) <= set(examples())
    assert len(examples()) == len(set(examples()))


def test_no_help_shows_the_marks_that_lay_it_out() -> None:
    """Click takes a backspace for 'keep these lines'; from a raw string it is two visible signs."""
    for command in named().values():
        assert "\\" not in command.get_help(click.Context(command)), command.name


@pytest.mark.parametrize("example", [example for example in examples() if example not in NOT_RUN])
def test_an_example_does_what_it_says(
    whole: Path, tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = words_in(tmp_path / "place", whole, example, monkeypatch)
    found = ran(*words, text=typed_at(example))
    left_over = example.startswith(tuple(f"mep3m {name}" for name in LEFT_OVER))
    assert found.code in ((0, 1) if left_over else (0,)), found
    assert "rror:" not in found.err
    if "--json" in words:
        assert found.json
    for option in ("--out", "--store", "--report", "--blind", "--edits"):
        if option in words and "--dry-run" not in words:
            assert Path(words[words.index(option) + 1]).exists()
