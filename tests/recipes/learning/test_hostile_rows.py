"""Rows and folders as careless or hostile people have them: learned as what they are, or refused."""

import json
import shutil
from pathlib import Path

import pytest

from mep3m.assignment.run import Run
from mep3m.taxonomy import PATH_SEPARATOR
from tests.cli.runner import Ran, ran
from tests.recipes.learning.titles import NEW, write

GRAPES = tuple(row for row in NEW if row[2] == "葡萄")
ODD = ("葡萄 > 红", "../../x", "\"';--<b>", "👩‍👩‍👧", "=1+1", "%s{0}\\n", "null", "0", "名" * 300)


def table(path: Path, *rows: tuple[str, str, str], head: str = "title\tl1\tl2") -> Path:
    path.write_text("\n".join([head, *map("\t".join, rows)]) + "\n", encoding="utf-8")
    return path


def learned(run: Path, data: Path, out: Path, *more: object) -> Ran:
    return ran("learn", run, data, "--out", out, "--json", *more)


def refused(done: Ran, said: str, out: Path, code: int = 2) -> None:
    assert (done.code, done.out) == (code, ""), done.err
    assert said in done.err
    assert "Traceback" not in done.err
    assert not out.exists()
    assert not list(out.parent.glob(".*.learning"))


def test_names_with_odd_signs_are_names(run_folder: Path, tmp_path: Path) -> None:
    """They come back as they were, through the file, the answer and the next increment."""
    rows = [(f"稀奇{n} 水果{n} 第{k}号", "食品", name) for n, name in enumerate(ODD) for k in range(2)]
    done = learned(run_folder, table(tmp_path / "odd.tsv", *rows), tmp_path / "two")
    assert done.code == 0, done.err
    names = {one["path"][1] for one in done.json["learned"]}
    assert {name.replace("\u200d", "") for name in names} == {name.replace("\u200d", "") for name in ODD}
    assert Run.open(tmp_path / "two").learned == {("食品", name) for name in names}
    asked = table(tmp_path / "asked.tsv", *[(f"{row[0]} 新", "", "") for row in rows[::2]])
    answered = ran("assign", tmp_path / "two", asked, "--min-confidence", "0", "--out", tmp_path / "a.jsonl")
    assert answered.code == 0, answered.err
    paths = [
        tuple(json.loads(line)["path"]) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()
    ]
    assert sum(path[-1] in names for path in paths) > len(ODD) / 2
    more = learned(tmp_path / "two", write(tmp_path / "new.tsv", NEW, range(2)), tmp_path / "three")
    assert more.code == 0, more.err
    assert Run.open(tmp_path / "two").learned < Run.open(tmp_path / "three").learned


def test_a_name_with_the_sign_between_levels_is_one_category(run_folder: Path, tmp_path: Path) -> None:
    """'a > b' below '食品' is not b below a below '食品', nor are both one."""
    rows = [(f"红提子 {n}", "食品", f"葡萄{PATH_SEPARATOR}红") for n in range(3)]
    rows += [(f"连衣裙 {n}", f"食品{PATH_SEPARATOR}葡萄", "红") for n in range(3)]
    done = learned(run_folder, table(tmp_path / "t.tsv", *rows), tmp_path / "two")
    assert done.code == 0, done.err
    assert len(done.json["learned"]) == 2
    tree = Run.open(tmp_path / "two").classifier.tree
    assert tree.index(("食品", "葡萄 > 红")) != tree.index(("食品 > 葡萄", "红"))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            (("skirt a", "食品", "Skirt"), ("skirt b", "食品", "skirt")),
            "'食品 > Skirt' and '食品 > skirt' differ",
        ),
        ((("skirt a", "Wear", "Skirt"), ("tie b", "wear", "Tie")), "'Wear' and 'wear' differ"),
        ((("straße", "食品", "Straße"), ("strasse", "食品", "STRASSE")), "differ in case or spaces alone"),
    ],
)
def test_two_spellings_are_a_slip(
    rows: tuple[tuple[str, str, str], ...], said: str, run_folder: Path, tmp_path: Path
) -> None:
    refused(learned(run_folder, table(tmp_path / "t.tsv", *rows), tmp_path / "out"), said, tmp_path / "out")


def test_another_spelling_of_what_was_learned_before_is_a_slip_too(run_folder: Path, tmp_path: Path) -> None:
    first = table(tmp_path / "1.tsv", ("grape one", "食品", "Grape"), ("grape two", "食品", " Grape  "))
    done = learned(run_folder, first, tmp_path / "two")
    assert done.code == 0, done.err
    assert [one["rows"] for one in done.json["learned"]] == [2]  # spaces around a name are none of it
    for name in ("GRAPE", "grape", "Ｇrape"):
        again = table(tmp_path / "2.tsv", ("grape three", "食品", name))
        done = learned(tmp_path / "two", again, tmp_path / "out")
        wanted = "exist already" if name == "Ｇrape" else "'食品 > Grape' and '食品 >"
        refused(done, wanted, tmp_path / "out")


def test_rows_that_show_nothing_count_for_none(run_folder: Path, tmp_path: Path) -> None:
    rows = [*(row for n in range(3) for row in [(f"新鲜葡萄 {n}", "食品", "葡萄")]), ("", "食品", "葡萄")]
    rows += [("   ", "食品", "葡萄"), ("🍇", "食品", "葡萄")]
    data = table(tmp_path / "t.tsv", *rows)
    done = learned(run_folder, data, tmp_path / "two")
    assert done.code == 0, done.err
    assert 3 <= done.json["learned"][0]["rows"] <= 4  # a sign that no other title has may show nothing
    few = learned(run_folder, data, tmp_path / "out", "--shots", 6)
    refused(
        few,
        "products of '食品 > 葡萄' show the model title that it can read; at least 6 have to",
        tmp_path / "out",
    )
    none = learned(run_folder, table(tmp_path / "n.tsv", *rows[-3:-1]), tmp_path / "out")
    refused(none, "0 products of '食品 > 葡萄' show the model title", tmp_path / "out")


def test_other_columns_in_another_order_are_the_same_rows(run_folder: Path, tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.tsv", NEW, range(3))
    lines = [line.split("\t") for line in plain.read_text("utf-8").splitlines()]
    turned = [f"{l2}\tx{n}\t{title}\t{l1}" for n, (title, l1, l2) in enumerate(lines)]
    turned[0] = "l2\tprice\ttitle\tl1"
    (tmp_path / "turned.tsv").write_text("\n".join(turned) + "\n", encoding="utf-8")
    for name in ("plain", "turned"):
        done = learned(run_folder, tmp_path / f"{name}.tsv", tmp_path / name)
        assert done.code == 0, done.err
    one, other = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("plain", "turned"))
    assert one == other


def test_a_table_without_the_labels_of_training_names_them(run_folder: Path, tmp_path: Path) -> None:
    data = table(tmp_path / "t.tsv", ("葡萄", "食品", "葡萄"), head="title\tkind\tname")
    done = learned(run_folder, data, tmp_path / "out")
    refused(done, "l1", tmp_path / "out", code=done.code)
    assert done.code in (1, 2)
    assert learned(run_folder, data, tmp_path / "out", "--labels", "kind,name").code == 0


@pytest.mark.parametrize("text", ["", "title\tl1\tl2\n", "title\tl1\tl2\n\t\t\n", "\x00\x01\x02"])
def test_a_table_of_nothing(text: str, run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text(text, encoding="utf-8")
    done = learned(run_folder, tmp_path / "t.tsv", tmp_path / "out")
    refused(done, "error: ", tmp_path / "out", code=done.code)
    assert done.code in (1, 2)


def test_no_folder_is_written_over_or_into(run_folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "new.tsv", GRAPES, range(2))
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    version = Run.open(run).version
    done = learned(run, data, run)
    assert (done.code, done.out) == (2, "")
    assert "exists already" in done.err
    refused(learned(run, data, run / "two"), "lies inside", run / "two")
    (tmp_path / "link").symlink_to(run, target_is_directory=True)
    refused(learned(run, data, tmp_path / "link" / "two"), "name a folder beside it", run / "two")
    assert Run.open(run).version == version  # a promise made for it still is one for it
    refused(learned(run, data, data / "out"), f"'{data}' is a file", tmp_path / "none")
    sealed = Path("/proc/self/two")  # nothing can be made there, not even by root
    refused(learned(run, data, sealed), "/proc/self", sealed, code=learned(run, data, sealed).code)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classifier.json", "{"),
        ("classifier.json", "[]"),
        ("run.json", "{}"),
        ("run.json", "null"),
        ("weights.safetensors", "x"),
        ("examples.safetensors", "x"),
        ("card.json", "{"),
        ("trained_on.safetensors", "x"),
    ],
)
def test_a_damaged_run_teaches_nothing(name: str, content: str, run_folder: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    (run / name).write_text(content)
    done = learned(run, write(tmp_path / "new.tsv", GRAPES, range(2)), tmp_path / "out")
    refused(done, str(run / name), tmp_path / "out", code=1)
