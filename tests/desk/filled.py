"""A desk on the small run of fruit and phones, with products that it is not sure of."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mep3m.assignment.output import AnswerForm
from mep3m.assignment.run import Run
from mep3m.desk.intake.incoming import ProductTable
from mep3m.desk.intake.take import Arrival, Draw, take
from mep3m.desk.reviewing.reviewing import Reviewing, opened_reviewing
from mep3m.recipes.filing.assign import AnswerSettings

#: titles that the run is not sure of: half fruit, half phone
UNSURE = [
    f"苹果 {word} {number}"
    for word in ("手机 壳", "整箱 手机", "香蕉 壳", "小米 新鲜")
    for number in range(6)
]
SURE = [f"红富士苹果 5斤 好{number}" for number in range(6)]


@dataclass
class Filled:
    """A desk folder, and how to bring more products to it."""

    folder: Path
    run: Run

    def table(self, titles: list[str], name: str = "new.tsv", first: int = 0) -> ProductTable:
        path = self.folder.parent / name
        rows = "".join(f"N{first + number}\t{title}\n" for number, title in enumerate(titles))
        path.write_text(f"sku\ttitle\n{rows}", encoding="utf-8")
        return ProductTable(path, {"id": "sku", "title": "title"})

    def answers(self, table: ProductTable, name: str = "new.jsonl", least: float = 0.9) -> Path:
        opened = table.open(self.run)
        told = AnswerSettings(self.run.folder, min_confidence=least).open().answers(opened.products, None)
        out = self.folder.parent / name
        AnswerForm.of(out, 2, False, False).write_part(told, out)
        return out

    def take(
        self,
        reviewing: Reviewing,
        titles: list[str],
        draw: Draw | None = None,
        first: int = 0,
        least: float = 0.9,
    ) -> dict:
        table = self.table(titles, f"new{first}.tsv", first)
        answers = self.answers(table, f"new{first}.jsonl", least)
        batch = Arrival.of_answers(answers, self.run, table)
        return take(reviewing, batch, draw or Draw(share=0, two=0), self.run.classifier.tree, None)


@pytest.fixture
def filled(run_folder: Path, tmp_path: Path) -> Filled:
    folder = Path(shutil.copytree(run_folder, tmp_path / "run"))
    return Filled(folder, Run.open(folder))


@pytest.fixture
def reviewing(filled: Filled) -> Iterator[Reviewing]:
    """An open desk with `UNSURE` in its review, decided by one person each."""
    with opened_reviewing(filled.folder) as opened:
        filled.take(opened, UNSURE)
        yield opened


@pytest.fixture
def asked_of_two(filled: Filled) -> Iterator[Reviewing]:
    """The same, where two people decide each product."""
    with opened_reviewing(filled.folder) as opened:
        filled.take(opened, UNSURE, Draw(share=0, two=1))
        yield opened


def items(reviewing: Reviewing, queue: str = "review") -> list[int]:
    rows = reviewing.database.read.execute("SELECT id FROM items WHERE queue = ? ORDER BY id", (queue,))
    return [row["id"] for row in rows]


def state(reviewing: Reviewing, item: int) -> str:
    return str(reviewing.database.read.execute("SELECT state FROM items WHERE id = ?", (item,)).fetchone()[0])


def category(reviewing: Reviewing, *path: str) -> int:
    return reviewing.categories.by_path[path].id


def answer_of(reviewing: Reviewing, item: int) -> dict:
    row = reviewing.database.read.execute("SELECT answer FROM items WHERE id = ?", (item,)).fetchone()
    return dict(json.loads(row[0]))
