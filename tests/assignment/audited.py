"""A run and tables of audited rows: sure titles, unsure ones, and none of them shared with training."""

import random
from collections.abc import Sequence
from pathlib import Path

from mep3m.assignment.run import Run
from mep3m.dataset.reading import open_products
from mep3m.recipes.audit import AuditRows, read_audit
from mep3m.recipes.classify import train_run
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns

COLUMNS = Columns(title="title", labels=("dept", "kind"))
KINDS = {
    "苹果": ("食品", "苹果"),
    "香蕉": ("食品", "香蕉"),
    "手机壳": ("数码", "手机壳"),
    "耳机": ("数码", "耳机"),
}


def rows(count: int, seed: int) -> list[tuple[str, str, str]]:
    """Return titles with their labels: a tenth name no kind, and one in 200 is labelled wrongly."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        word = draw.choice(list(KINDS))
        labels = KINDS[word]
        said = "好物" if draw.random() < 0.1 else word
        if draw.random() < 0.005:
            labels = draw.choice(list(KINDS.values()))
        found.append((f"{said} {draw.getrandbits(40):x}", *labels))
    return found


def write(path: Path, table: Sequence[tuple[str, ...]], header: str = "title\tdept\tkind") -> Path:
    """Write a table of tab-separated cells."""
    path.write_text("\n".join([header, *("\t".join(row) for row in table)]) + "\n", encoding="utf-8")
    return path


def train(folder: Path, count: int = 400) -> Run:
    """Train on some rows, and return the run; the table lies beside it."""
    table = write(folder / "items.tsv", rows(count, 1))
    train_run(open_products(table, COLUMNS), COLUMNS, None, RunSettings(), folder / "run")
    return Run.open(folder / "run")


def audit_of(run: Run, table: Path, unchecked: bool = False) -> AuditRows:
    """Read a table as `mep3m guarantee` does."""
    return read_audit(run, run.read(table, ids=False), unchecked)
