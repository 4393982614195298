"""A run of each kind learns by its command: a network of titles, and a late fusion; what each asks for."""

import json
from pathlib import Path

import pytest

from mep3m.assignment.run import Run
from mep3m.models.late_fusion import LateFusion
from tests.cli.runner import ran
from tests.models import catalogue
from tests.models.catalogue import PATHS, picture
from tests.recipes.learning.titles import NEW, OLD, write

TITLES = ("--title", "title", "--labels", "l1,l2")
TINY = (
    "embedding=8",
    "text.hidden=8",
    "tokeniser=characters",
    "epochs=3",
    "batch=16",
    "learning_rate=0.02",
    "word2vec=false",
)
SETS = [word for one in TINY for word in ("--set", one)]
PIXELS = ("pixels=32", "image_model=small-cnn", 'arguments={"width": 8}', "epochs=3", "batch=8")


def test_a_network_of_titles_asks_for_rows_that_it_knows_and_learns_with_them(tmp_path: Path) -> None:
    known = write(tmp_path / "items.tsv", OLD, range(5))
    done = ran("train", known, *TITLES, "--model", "bilstm", *SETS, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    new, test = (
        write(tmp_path / "new.tsv", NEW, range(5)),
        write(tmp_path / "t.tsv", (*OLD, *NEW), range(9, 11)),
    )
    command = ("learn", tmp_path / "run", new, "--test", test, "--out", tmp_path / "two", "--json")
    refused = ran(*command)
    assert (refused.code, refused.out) == (2, "")
    assert "name rows of its classes with --known, or train it again" in refused.err
    unbound = ran(*command, "--known", known, "--forget", "0.01")
    assert (unbound.code, unbound.out) == (2, "")
    assert "keeps no held-out rows, so that nothing tells how much it forgets" in unbound.err
    done = ran(*command, "--known", known)
    assert done.code == 0, done.err
    told = done.json
    assert told["history"][0]["forget"] is None
    assert {tuple(one["path"]) for one in told["learned"]} == {("服装", "裙子"), ("食品", "葡萄")}
    assert told["rows"] == {"old": 32, "new": 8, "unseen": 0}
    assert told["all"] == pytest.approx((32 * told["old"] + 8 * told["new"]) / 40)
    assert told["new"] > 0.5
    # what it keeps of old classes lies in the new run, which asks for nothing any more
    again = write(tmp_path / "more.tsv", [("羽绒服 冬", "服装", "羽绒")], range(4))
    more = ran("learn", tmp_path / "two", again, "--out", tmp_path / "three", "--json")
    assert more.code == 0, more.err
    assert more.json["history"][0]["classes"] == told["learned"]
    wrong = ran(*command[:-3], "--out", tmp_path / "x", "--known", new)
    assert wrong.code == 2
    assert "none of the known products (--known) has a class of the run as its label" in wrong.err
    assert not (tmp_path / "x").exists()


def pictured(folder: Path, names: dict[str, str], numbers: range) -> Path:
    """Write a table of titles and pictures; of the last row of each class the picture is broken."""
    catalogue.COLOURS.setdefault("salt", (20, 40, 180))
    lines = ["title\timage\tl1\tl2"]
    for n in numbers:
        for name, kind in names.items():
            broken = n == numbers[-1]
            (folder / f"{name}{n}.png").write_bytes(b"broken" if broken else picture(name, n))
            lines.append(f"fine {name} no {n}\t{name}{n}.png\t{kind}\t{name}")
    table = folder / f"{numbers.start}.tsv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


def test_each_part_of_a_late_fusion_learns_and_a_broken_picture_leaves_the_title(tmp_path: Path) -> None:
    known = pictured(tmp_path, {name: kind for kind, name in PATHS}, range(10))
    sets = [word for one in PIXELS for word in ("--set", one)]
    columns = (*TITLES, "--image", "image", "--modality", "image+text")
    done = ran("train", known, *columns, *sets, "--out", tmp_path / "run")
    assert done.code == 1, done.err  # broken pictures
    new = pictured(tmp_path, {"salt": "food"}, range(100, 106))
    done = ran("learn", tmp_path / "run", new, "--known", known, "--out", tmp_path / "two", "--json")
    assert done.code == 1, done.err
    assert done.json["unreadable_images"] == 1
    assert done.json["learned"] == [{"id": "salt", "path": ["food", "salt"], "rows": 6}]
    two = Run.open(tmp_path / "two")
    assert isinstance(two.classifier, LateFusion)
    kept = {name: part.kept.counts[-1] for name, part in two.classifier.parts.items()}  # type: ignore[attr-defined]
    assert kept == {"image": 5, "text": 6}
    asked = pictured(tmp_path, {"salt": "food", "tea": "food"}, range(200, 203))
    answered = ran(
        "assign", tmp_path / "two", asked, "--min-confidence", "0", "--out", tmp_path / "a.jsonl", "--json"
    )
    assert answered.code == 1, answered.err
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(one["decision"] != "filed" for one in lines if one["path"][-1] == "salt")
    assert sum(one["path"] == ["food", "salt"] for one in lines[::2]) >= 2
