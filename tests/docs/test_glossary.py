"""One word for each thing: words that the glossary rules out are in no guide, docstring or message."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
#: what the glossary rules out -> what it takes instead; whole words, any case
RULED_OUT = {
    r"homeless": "unmapped",
    r"(?:find|finds|found) no place": "unmapped",
    r"carr(?:y|ies|ied) over": "migrate",
    r"settl(?:e|es|ed|ing)": "resolve",
    r"judg(?:e|es|ed|ing|e?ments?)": "predict",
    r"orders of the tree": "hierarchy strategy",
    r"second opinions?": "name-level head",
    r"namesakes?|crowded": "shared names",
    r"strangers?": "cross-parent",
    r"commonest": "most frequent",
    r"whole road": "end-to-end",
    r"whole_file": "atomic write",
    r"sole_writer": "exclusive lock",
}
#: (file, text around the word) where the word means something else
ALLOWED: set[tuple[str, str]] = set()
PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").glob("*.md")) if page != GLOSSARY)]


def texts(path: Path) -> list[tuple[int, str]]:
    """Return the words of a page, or docstrings and messages of a module, with their lines."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return list(enumerate(text.splitlines(), start=1))
    strings = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    return [(node.lineno, " ".join(node.value.split())) for node in strings if isinstance(node.value, str)]


def ruled_out(path: Path) -> list[str]:
    shown = []
    for word, better in RULED_OUT.items():
        for line, text in texts(path):
            for match in re.finditer(rf"\b(?:{word})\b", text, re.IGNORECASE):
                around = text[max(0, match.start() - 30) : match.end() + 30]
                if not any(path.name == name and piece in around for name, piece in ALLOWED):
                    shown.append(f"{path.name}:{line}: '{match[0]}' in '{around}': write {better}")
    return shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_uses_a_word_that_the_glossary_rules_out(page: Path) -> None:
    assert ruled_out(page) == []


def test_no_docstring_and_no_message_does() -> None:
    modules = sorted((ROOT / "src" / "mep3m").rglob("*.py"))
    assert [said for module in modules for said in ruled_out(module)] == []


def test_the_rule_finds_a_word(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("The commonest\nnames were Settled.\n", encoding="utf-8")
    assert [said.partition(":")[2][0] for said in ruled_out(page)] == ["2", "1"]


def test_the_glossary_is_short_and_names_every_rule() -> None:
    rows = re.findall(
        r"^\| (?!word)(.+?) \| (.+?) \| (.*?)\|$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert 20 <= len(rows) <= 40
    out = " ".join(row[2] for row in rows)
    assert [word for word in RULED_OUT if not re.search(word, out)] == []
    words = " ".join(row[0] + row[1] for row in rows)
    assert [better for better in RULED_OUT.values() if better not in words] == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.stem.startswith("guide-")], ids=lambda page: page.stem
)
def test_a_guide_cites_no_decision_and_needs_no_data_of_ours(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"decisions? \d{3}", text) == []
    assert "../shared" not in text
