"""Project files on the pages are pasted as they stand: the README's is built, every other one is read."""

import re
from pathlib import Path

import pytest

from mep3m.settings.project import Project, read_toml
from tests.cli.runner import ran

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCE = {"name": "my_shop", "path": "export.csv"}


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    ("page", "number"), [(page, n) for page in PAGES for n in range(len(blocks(page)))], ids=str
)
def test_a_piece_of_a_project_file_has_settings_that_there_are(
    page: Path, number: int, tmp_path: Path
) -> None:
    path = tmp_path / "mep3m.toml"
    path.write_text(blocks(page)[number], encoding="utf-8")
    Project.parse({"name": "pasted", "sources": [SOURCE], **read_toml(path)}, f"{page.name}, block {number}")


def test_the_project_file_of_the_readme_is_built_as_it_stands(tmp_path: Path) -> None:
    shops = tmp_path / "shops"
    (pasted,) = blocks(ROOT / "README.md")
    assert ran("simulate", shops, "--products", "200", "--seed", "1").code == 0  # as the page says
    project = shops / "pasted.toml"
    project.write_text(
        pasted + '\n[ocr]\nbackend = "none"\n', encoding="utf-8"
    )  # reading images takes minutes
    built = ran("build", project, "--out", tmp_path / "built")
    assert built.code in (0, 1), built.err
    assert "家用电器" in built.out
