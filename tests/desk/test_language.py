"""What readers are told, in their language: numbers that agree, and sentences of the library."""

import ast
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import mep3m
from mep3m.alignment.learned.proposer import TOLD
from mep3m.desk.accounts.people import ROLES
from mep3m.desk.language import Translator, language_of, sentences
from mep3m.stages.quality.stage import REASONS

PACKAGE = Path(mep3m.__file__).parent
#: what refuses something on a page, by how it is called, and the place of its sentence
RAISED = {"UsageError": 0, "NotFoundError": 0, "FormatError": 0, "StoreError": 0, "ModelError": 0,
          "DecidedMeanwhileError": 0, "UnreadableImageError": 0, "HTTPException": 1, "wrong": 1}  # fmt: skip
#: what pages call; of the desk all that no command alone uses
SPEAKING = [
    "alignment/keeping/queue.py", "alignment/review/contract.py", "assignment/promise.py",
    "assignment/readable.py", "imaging/decode.py", "recipes/audit.py", "service/service.py", "database.py",
]  # fmt: skip
SILENT = {"folder.py", "people.py", "sheet.py", "take.py", "incoming.py", "controls.py"}
zh, en = Translator("zh"), Translator("en")


def said(node: ast.expr) -> str | None:
    """Return a sentence of the source, with 7 in every place."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in node.values)
    return None


def raised() -> Iterator[str]:
    """Yield every sentence that the modules behind the pages refuse something with."""
    desk = [path for path in sorted((PACKAGE / "desk").rglob("*.py")) if path.name not in SILENT]
    for path in [*desk, *(PACKAGE / name for name in SPEAKING)]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            place = RAISED.get(node.func.id)
            if place is not None and len(node.args) > place and (text := said(node.args[place])):
                yield text


def test_every_refusal_of_a_page_has_its_chinese() -> None:
    found = set(raised())
    assert len(found) > 60
    assert {text for text in found if zh.told(text) == text} == set()


@pytest.mark.parametrize(
    "text",
    [
        *REASONS,
        *ROLES,
        *(f"{name.replace('left', '京东').replace('right', 'tb')} 0.71" for name in TOLD.values()),
        "unlike the products of every known category (so is 0.41% of known products)",
        "no category below '手机' has a probability of 0.9",
        "filing is stopped: promise.json.stop exists",
        "nothing to read: there is no title; the model does not read the image",
        "this model reads the title and the OCR text, not the image: give the title or the OCR text of the "
        "product",
        "rows 1,200; labels change on 3 (1,200 mapped)",
        "left open for a person: a 'x' exact b 'y': the links and the shops' own trees make a cycle: z; "
        "reject one of these rows",
        "tree of jd",
        "undo at the desk",
        "sheet anna.xlsx",
        "line 7 of review.sssom.tsv was changed meanwhile: it is now accept by anna; look at it and decide "
        "again",
        "40 audited rows do not prove a precision of 0.9; 12 more rows might",
    ],
)
def test_what_the_library_says_is_said_in_chinese(text: str) -> None:
    told = zh.told(text)
    assert told != text
    assert any(letter >= "\u4e00" for letter in told)
    assert en.told(text) == text


def test_parts_are_told_each() -> None:
    text = "nothing to read: there is no title; the model does not read the image"
    assert zh.told(text) == "没有可读的内容：没有标题；模型不读取图片"


def test_what_stands_in_a_place_stays_as_it_is() -> None:
    assert zh.told("'{x}%s' fell back: its audited filings were not as precise as promised").startswith(
        "“{x}%s”"
    )
    assert zh.told("the dataset has no product 'left'") == "数据集中没有商品“left”"  # a name, and no side
    assert zh.told("a sentence that nobody has written") == "a sentence that nobody has written"


@pytest.mark.parametrize(
    ("n", "shown"), [(0, "0 products"), (1, "1 product"), (2, "2 products"), (12345, "12,345 products")]
)
def test_number_and_noun_agree(n: int, shown: str) -> None:
    assert en("{n} {n:product|products}", n=n) == shown
    assert zh("{n} {n:product|products}", n=n) == f"{n:,} 件商品"


@pytest.mark.parametrize("part", ["'", "x '", ": ", "; ", " (", "a 'x' exact "])
def test_no_text_takes_long(part: str) -> None:
    begun = time.process_time()
    for length in (990, 10_000, 1_000_000):
        zh.told((part * length)[:length])
    assert time.process_time() - begun < 2


def test_no_two_sentences_are_one() -> None:
    """Every pattern is found by what it says: none is hidden by another one."""
    for pattern, names, other in sentences("zh"):
        text = "".join(part for part in pattern.pattern.split("(?P<"))
        assert set(names) <= set(pattern.groupindex), text
        other.format(**dict.fromkeys(names, "x"))


def test_only_an_admin_is_told_where_files_lie() -> None:
    folder = Path("/srv/shops of anna/data")
    hidden = Translator("en", hidden=folder)
    text = "/srv/shops of anna/data/demo/review.sssom.tsv: no decision is recorded that could be undone"
    assert hidden.told(text) == "demo/review.sssom.tsv: no decision is recorded that could be undone"
    assert en.told(text) == text
    assert hidden.place(folder / "demo" / "promise.json") == "demo/promise.json"
    assert hidden.told("no room at /mnt/large/disk/x.json: decide at /review/conflicts") == (
        "no room at x.json: decide at /review/conflicts"
    )
    assert (
        Translator("en", hidden=Path("/")).told("/demo/promise.json is gone") == "/demo/promise.json is gone"
    )


@pytest.mark.parametrize(
    ("query", "cookie", "accepts", "language"),
    [
        ("zh", "en", "en", "zh"),
        ("", "zh", "en", "zh"),
        ("xx", "", "zh-CN,zh;q=0.9", "zh"),
        ("xx", "zh", "en", "zh"),
        ("", "", "de", "en"),
    ],
)
def test_a_reader_s_choice_counts_before_the_browser_s(
    query: str, cookie: str, accepts: str, language: str
) -> None:
    from starlette.requests import Request

    headers = [(b"accept-language", accepts.encode()), (b"cookie", f"lang={cookie}".encode())]
    scope = {"type": "http", "headers": headers, "query_string": f"lang={query}".encode()}
    assert language_of(Request(scope)) == language
