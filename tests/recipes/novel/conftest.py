"""A shelf of products in plain colours: three groups of four, three and one, five pictures each."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mep3m.dataset.reading import Opened, open_products
from mep3m.settings.sources import Columns

COLUMNS = Columns(image="file", labels=("kind", "product"))
#: the smallest network there is, trained for no time
QUICK = {"pixels": "16", "arguments": '{"width": 8}', "epochs": "1", "batch": "16"}
GROUPS = {"tea": 4, "rice": 3, "salt": 1}


def write_table(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    lines = ["\t".join(row) for row in [("file", "kind", "product"), *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def shelf_rows(root: Path, seed: int, each: int = 5) -> list[tuple[str, str, str]]:
    """Draw pictures of each product, in its own colour, and return a row for each."""
    colours, noise = np.random.default_rng(7), np.random.default_rng(seed)
    rows = []
    for kind, count in GROUPS.items():
        for n in range(count):
            colour = colours.integers(0, 256, 3)
            for i in range(each):
                pixels = np.clip(colour + noise.normal(0, 12, (24, 24, 3)), 0, 255).astype(np.uint8)
                file = f"{kind}{n}-{seed}-{i}.png"
                Image.fromarray(pixels).save(root / file)
                rows.append((file, kind, f"{kind} {n}"))
    return rows


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures, `shelf.tsv` to learn from and `test.tsv` with others of the same."""
    root = tmp_path_factory.mktemp("shelf")
    write_table(root / "shelf.tsv", shelf_rows(root, 1))
    write_table(root / "test.tsv", shelf_rows(root, 2, each=3))
    return root


def opened(path: Path) -> Opened:
    return open_products(path, COLUMNS)
