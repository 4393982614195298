"""Wrong input of every kind, and what mep3m makes of it: the table of docs/bad-input.md.

python -m tests.sources.bad_input > docs/bad-input.md
"""

import gzip
import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.engine import make_engine
from mep3m.errors import Mep3mError
from mep3m.ingest.run import ingest
from mep3m.settings.sources import SourceEntry
from tests.cli import bad_trees
from tests.ingest.shop import picture
from tests.sources.mep3m.test_annotations import record
from tests.sources.texts import GERMAN, JAPANESE, KOREAN, SIMPLIFIED, TRADITIONAL

FEED = "<rss><channel>{}</channel></rss>"
ITEM = "<item><g:id>1</g:id><title/><g:title>Oak&nbsp;shelf</g:title></item>"
PRODUCT = '<script type="application/ld+json">{"@type": "Product", "sku": "1", "category": %s}</script>'
Case = tuple[str, str, bytes, dict[str, Any], str]
COLUMNS = {"id": "id", "title": "title", "labels": ["a", "b"], "image": "image"}
HEAD = "id,title,a,b,image\n"
GOOD = "1,咖啡,食品,饮料,\n"


def csv(name: str, body: str | bytes, words: str, **entry: Any) -> Case:
    """A case in a CSV file whose first row is good."""
    content = body if isinstance(body, bytes) else (HEAD + GOOD + body).encode()
    return (name, "shop.csv", content, {"columns": COLUMNS, **entry}, words)


def image(name: str, content: bytes | None, words: str, reference: str = "p.png") -> Case:
    """A case in which a row's image is wrong; `None` makes no image file."""
    entry = {"columns": COLUMNS, "images": "pictures", "_image": content}
    return (name, "shop.csv", (HEAD + GOOD + f"2,茶,食品,饮料,{reference}\n").encode(), entry, words)


def array(name: str, middle: str | bytes, words: str) -> Case:
    """A case inside MEP-3M's array, between two good records."""
    raw = middle if isinstance(middle, bytes) else middle.encode()
    first, last = (json.dumps(record(i), ensure_ascii=False).encode() for i in (1, 2))
    return (name, "a.json", b"[" + first + b", " + raw + b", " + last + b"]", {}, words)


def _zip(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        bundle.writestr("p.png", content)
    return out.getvalue()


XML = '<?xml version="1.0"?>{}<rss><channel><item><id>1</id><title>{}</title></item>{}</channel></rss>'
ENTITY = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
LAUGHS = "<!DOCTYPE rss [" + '<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 9)
) + "]>"  # fmt: skip


def titles(name: str, encoding: str, texts: list[str], words: str) -> Case:
    """A case in a table of real names in one encoding."""
    body = "id\ttitle\n" + "".join(f"{i}\t{text}\n" for i, text in enumerate(texts[:10]))
    return (name, "shop.tsv", body.encode(encoding), {"columns": {"id": "id", "title": "title"}}, words)


def parquet(name: str, column: pa.Array, words: str) -> Case:
    """A case in a column of categories in Parquet."""
    out = io.BytesIO()
    pq.write_table(pa.table({"id": [str(i) for i in range(len(column))], "path": column}), out)
    return (name, "s.parquet", out.getvalue(), {"columns": {"id": "id", "path": "path"}}, words)


def paths(name: str, path: str, words: str) -> Case:
    """A case in a column of whole paths."""
    content = f"id\tpath\n1\tHome > Oak\n2\t{path}\n".encode()
    return (name, "shop.tsv", content, {"columns": {"id": "id", "path": "path"}}, words)


def coco(name: str, words: str, **change: Any) -> Case:
    """A case in a COCO file of one image."""
    good: dict[str, Any] = {
        "images": [{"id": "1", "file_name": "1.jpg"}],
        "annotations": [{"image_id": 1, "category_id": 5}],
        "categories": [{"id": 5, "name": "tea", "supercategory": "none"}],
    }
    return (name, "r.json", json.dumps({**good, **change}).encode(), {"format": "rpc"}, words)


#: cases' settings that repeat
BY_ID: dict[str, Any] = {"columns": {"id": "id"}}
BROKEN_LD = b'<script type="application/ld+json">{</script>'
PACKED = gzip.compress((HEAD + GOOD * 99).encode())[:-30]
MIXED = "".join(f"{i},{text.split()[0]},食品,饮料,\n" for i, text in enumerate(SIMPLIFIED[:9], 2)).encode(
    "gb18030"
)
MIXED = HEAD.encode() + MIXED + f"99,{KOREAN[0]},{KOREAN[1]},a,\n".encode("euc_kr")
IN_GBK = (HEAD + GOOD).encode() + "2,婴儿奶粉,a,b,\n".encode("gbk")

CASES: list[Case] = [
    csv("empty file", b"", "it is empty"),
    csv("header line only", HEAD.encode(), "taken in"),
    csv("a column of the map is missing", b"id,titel,a,b,image\n1,x,y,z,\n", "did you mean 'titel'"),
    csv("row with too few fields", "2,茶\n", "2 fields, the header has 5"),
    csv("row with too many fields", "2,茶,食品,饮料,,x,y\n", "7 fields, the header has 5"),
    csv("quote that is never closed", '2,"茶,食品,饮料,\n3,糖,食品,零食,\n', "opened and never closed"),
    csv("line break inside quotes", '2,"茶\n叶",食品,饮料,\n', "taken in"),
    csv("id used twice", "1,茶,食品,饮料,\n", "already used by shop.csv, line 2"),
    csv("row without an id", ",茶,食品,饮料,\n", "taken in"),
    csv("row without a title and without labels", "2,,,,\n", "taken in"),
    csv("label below an empty one", "2,茶,,饮料,\n", "taken in"),
    csv("NUL character in a field", "2,茶\x00,食品,饮料,\n", "NUL character"),
    csv("one line in another encoding", IN_GBK, "not utf-8"),
    csv("whole file in GB18030", (HEAD + "1,婴儿奶粉,食品,饮料,\n").encode("gb18030"), "taken in"),
    csv("UTF-8 with a byte order mark", (HEAD + GOOD).encode("utf-8-sig"), "taken in"),
    csv("UTF-16 with a byte order mark", (HEAD + GOOD).encode("utf-16"), "taken in"),
    csv("UTF-16 without a byte order mark", (HEAD + GOOD).encode("utf-16-le"), "save it as UTF-8"),
    titles("ten names in GB18030", "gb18030", SIMPLIFIED, "taken in"),
    titles("ten names in Big5", "big5", TRADITIONAL, "it reads as big5"),
    titles("ten names in Shift JIS", "shift_jis", JAPANESE, "it reads as shift_jis"),
    titles("ten names in EUC-JP", "euc_jp", JAPANESE, "it reads as euc_jp"),
    titles("ten names in EUC-KR", "euc_kr", KOREAN, "it reads as euc_kr"),
    titles("ten names in Windows-1252", "cp1252", GERMAN, "--encoding"),
    titles("three names in Windows-1253", "cp1253", ["Πράσινο τσάι", "Ελαιόλαδο παρθένο", "Τραπέζι ξύλινο"],
        "it reads as cp1253: '0 Πράσινο τσάι'"),
    csv("web page under a table's name", b"<!DOCTYPE html><html><h1>503, busy</h1></html>", "is a web page"),
    csv("feed under a table's name", b'<?xml version="1.0"?><rss/>', "is XML, not a table"),
    csv("Korean line among Chinese ones", MIXED, "does not read as Chinese in gb18030"),
    csv("encoding set that the byte order mark contradicts", (HEAD + GOOD).encode("utf-8-sig"),
        "leave the setting out", encoding="big5"),
    csv("lone carriage return in a cell", "2,茶\r叶,食品,饮料,\n", "carriage return (CR)"),
    csv("lone carriage return in a row with quotes", '2,"茶",食品\r,饮料,\n', "carriage return (CR)"),
    csv("line ends of a classic Macintosh", (HEAD + GOOD).replace("\n", "\r").encode(), "taken in"),
    csv("lone carriage return in the header", HEAD.replace("tle", "t\rle").encode() + GOOD.encode() * 9,
        "has no header line"),
    csv("quoted line break in the header", (HEAD.replace("title", '"title\n"') + GOOD).encode(), "taken in"),
    csv("row of empty cells", ",,,,\n , ,,,\n", "taken in"),
    csv("column named twice", b"id,title,a,b,image,title\n1,x,y,z,,\n", "names the column 'title' twice"),
    paths("path with an empty name inside", "Home > > Shelves", "an empty name between two others"),
    paths("path with an empty name at its end", "Home > Shelves >", "taken in"),
    csv("encoding that does not exist", GOOD, "encoding 'klingon' is unknown", encoding="klingon"),
    csv("binary file named .csv", b"PK\x03\x04" + bytes(500), "binary file"),
    csv("line of 9 MB", "2," + "x" * 9 * 2**20 + ",食品,饮料,\n", "longer than 8,388,608 bytes"),
    csv("unknown setting", GOOD, "did you mean 'encoding'", encodign="utf-8"),
    csv("unknown format", GOOD, "did you mean 'csv'", format="cvs"),
    csv("labels and path both mapped", GOOD, "not both", columns={"labels": ["a"], "path": "b"}),
    csv("image folder that does not exist", GOOD, "does not exist", images="nowhere"),
    ("file name that says no format", "shop.dat", b"id\n1\n", {}, "name one with --format"),
    ("damaged gzip", "shop.csv.gz", PACKED, {"columns": COLUMNS}, "damaged"),
    ("JSON lines: broken line", "s.jsonl", b'{"id": 1}\n{"id": \n', BY_ID, "not JSON"),
    ("JSON lines: a list, not an object", "s.jsonl", b'{"id": 1}\n[1]\n', BY_ID, "not an object"),
    ("JSON lines: an object as a title", "s.jsonl", b'{"id": {"x": 1}}\n', BY_ID, "is an object"),
    ("JSON lines: a list as a title", "s.jsonl", b'{"id": 1, "t": ["a", "b"]}\n',
     {"columns": {"id": "id", "title": "t"}}, "is a list of 2, not one text"),
    ("JSON lines: an object as a category", "s.jsonl", b'{"id": 1, "c": [{"id": 5, "name": "Home"}]}\n',
     {"columns": {"id": "id", "path": "c"}}, "name one of its keys instead: 'c.id', 'c.name'"),
    ("JSON lines: the key of an object as a category", "s.jsonl", b'{"id": 1, "c": [{"name": "Home"}]}\n',
     {"columns": {"id": "id", "path": "c.name"}}, "taken in"),
    ("JSON lines: a gap in a list of names", "s.jsonl", b'{"id": 1, "c": ["Home", null, "Oak"]}\n',
     {"columns": {"id": "id", "path": "c"}}, "an empty name above a deeper one"),
    ("JSON lines: null after the names", "s.jsonl", b'{"id": 1, "c": ["Home", null]}\n',
     {"columns": {"id": "id", "path": "c"}}, "taken in"),
    ("JSON lines: several categories", "s.jsonl", b'{"id": 1, "c": [["Home", "Oak"], ["Sale"]]}\n',
     {"columns": {"id": "id", "path": "c"}}, "a further category of the product"),
    ("JSON array named .jsonl", "s.jsonl", b'[{"id": 1}]', BY_ID, "one JSON array"),
    ("Parquet cut off", "s.parquet", b"PAR1 and no end", BY_ID, "not a Parquet file"),
    parquet("Parquet: list of lists as a path", pa.array([[["Home", "Oak"]]]), "taken in"),
    parquet("Parquet: objects as a path", pa.array([[{"name": "Home"}]]), "name one of its keys"),
    parquet("Parquet: null inside a path", pa.array([["Home", None, "Oak"]]), "an empty name above"),
    array("MEP-3M: record that is not JSON", '{"title": "x" "OCR": 1}', "not JSON"),
    array("MEP-3M: record without its closing brace", '{"title": "x"', "not JSON"),
    array("MEP-3M: string that never ends", '{"title": "x', "not JSON"),
    array("MEP-3M: title is a list", '{"title": ["x"]}', "'title' is a list"),
    array("MEP-3M: bytes that are not UTF-8", b'{"title": "\xff"}', "not JSON"),
    array("MEP-3M: half of a surrogate pair", '{"title": "\\ud800"}', "not JSON"),
    array("MEP-3M: field of 9 MB", '{"title": "' + "x" * 9 * 2**20 + '"}', "too long"),
    array("MEP-3M: record with nothing in it but an unknown field", '{"colour": "red"}', "taken in"),
    ("MEP-3M: file cut off", "a.json", json.dumps([record(1), record(2)]).encode()[:-40], {}, "not JSON"),
    ("MEP-3M: an array without objects", "a.json", b"[1, 2]", {"format": "mep3m"}, "holds no record"),
    ("MEP-3M: an object, not an array", "a.json", b'{"a": 1}', {"format": "mep3m"}, "not a JSON array"),
    ("MEP-3M: file in GBK", "a.json", ("[" + '{"a": "奶粉"}\n' * 9).encode("gbk"), {}, "not UTF-8"),
    image("image file missing", None, "no such image file"),
    image("image of 0 bytes", b"", "empty"),
    image("image cut off", picture(1, "JPEG", (80, 80))[:-300], "broken"),
    image("web page instead of an image", b"<!DOCTYPE html><p>", "a web page"),
    image("TIFF named .png", picture(1, "TIFF"), "not an image of an allowed type"),
    image("image of 49 million pixels", picture(1, "PNG", (7000, 7000)), "49,000,000 pixels"),
    image("image path with ..", None, "leaves its folder", "../secret.png"),
    image("absolute image path", None, "leaves its folder", "/etc/passwd"),
    ("feed: XML breaks off", "f.xml", XML.format("", "茶", "<item>").encode()[:-25], {}, "XML is broken"),
    ("feed: entity that reads a file", "f.xml", XML.format(ENTITY, "&x;", "").encode(), {}, "taken in"),
    ("feed: entities that unfold to gigabytes", "f.xml", XML.format(LAUGHS, "&a8;", "").encode(), {}, ""),
    ("feed: prefix that is not declared, an empty title, &nbsp;", "f.xml", FEED.format(ITEM).encode(), {},
     "taken in"),
    ("feed: blank line before the declaration", "f.xml", b"\n" + XML.format("", "x", "").encode(), {},
     "taken in"),
    ("feed in UTF-16", "f.xml", FEED.format("<item><id>1</id></item>").encode("utf-16"), {}, "taken in"),
    ("feed: attributes with prefixes that are not declared", "f.xml",
        FEED.format(ITEM.replace("<item>", '<item x:y="1">')).encode(), {}, "1 taken in"),
    ("COCO: an id that lost its last digits", "i.json",
        b'{"images": [{"id": 1e22, "file_name": "a.jpg"}], "annotations": [], "categories": []}',
        {"format": "rpc"}, "keeps 15 digits only"),
    ("COCO: no images", "i.json", b'{"images": [], "annotations": [], "categories": []}', {"format": "rpc"},
        "its list 'images' is empty"),
    ("feed: a web page instead of it", "f.xml", b"<!DOCTYPE html><html><body><h1>503</h1></body></html>", {},
     "is no feed with products"),
    ("feed: elements of another kind", "f.xml", b"<products><product/><product/></products>", {},
     "but <product>, <products>"),
    ("saved page: several categories", "p.html", (PRODUCT % '["Home > Oak", "Sale"]').encode(), {},
     "a further category"),
    ("saved page: an address as category", "p.html", (PRODUCT % '"https://a.example/c"').encode(), {},
     "taken in"),
    ("saved page without a product", "p.html", b"<html><p>hello</p></html>", {}, "no schema.org Product"),
    ("saved page with broken JSON-LD", "p.html", BROKEN_LD, {}, "not JSON"),
    ("WebDataset: tar cut off", "w.tar", bytes(300), {}, "cannot be read"),
    coco("COCO: ids as texts and as numbers", "taken in"),
    coco("COCO: a box that reaches out of its image", "reaches out of its image of 60 x 40 pixels",
         images=[{"id": "1", "file_name": "1.jpg", "width": 60, "height": 40}],
         annotations=[{"image_id": 1, "category_id": 5, "bbox": [50, 0, 20, 20]}]),
    coco("COCO: a box that is none", "the box [1, 2, 3] is none",
         annotations=[{"image_id": 1, "category_id": 5, "bbox": [1, 2, 3]}]),
    coco("COCO: annotation of no image", "about the image '7'",
         annotations=[{"image_id": 7, "category_id": 5}]),
    ("RPC: categories missing", "r.json", b'{"images": [], "annotations": []}', {}, "lacks the lists"),
    ("archive of images is damaged", "shop.csv", (HEAD + "2,茶,a,b,p.png\n").encode(),
     {"columns": COLUMNS, "images": "pictures/i.zip", "_zip": _zip(picture(1))[:60]}, "cannot be read"),
]  # fmt: skip


def outcome(case: Case, folder: Path) -> tuple[str, str]:
    """Return ('error' | 'refused' | 'taken in', the message) of one case; `folder` is empty."""
    _, file, content, entry, _ = case
    (folder / "pictures").mkdir(parents=True)
    settings = {key: value for key, value in entry.items() if not key.startswith("_")}
    (folder / file).write_bytes(content)
    if entry.get("_image") is not None:
        (folder / "pictures/p.png").write_bytes(entry["_image"])
    if "_zip" in entry:
        (folder / "pictures/i.zip").write_bytes(entry["_zip"])
    try:
        one = SourceEntry.parse({"name": "shop", "path": file, **settings}, "mep3m.toml [[sources]]")
        store = ingest([one], folder, folder / "store", make_engine())
    except Mep3mError as error:
        return "error", str(error).replace(f"{folder}/", "")
    rejects = store.rejects().to_pylist()
    if rejects:
        row = rejects[0]
        reason = row["reason"].replace(f"{folder}/", "")
        return "refused", f"{row['file']}, line {row['line']}: {reason}; {store.rows} taken in"
    return "taken in", f"{store.rows} taken in"


def table() -> str:
    """Return the first half of docs/bad-input.md."""
    lines = [
        "# Bad input: what happens",
        "",
        "One line a kind. *error*: the run stops at once with this message, exit code 2 or 1. *refused*:",
        "the row (or its image) goes to quarantine with file, line and reason, everything else is taken",
        "in, exit code 1; `mep3m retry` takes it up once it is repaired. Written by",
        "`python -m tests.sources.bad_input`, checked by `tests/sources/test_bad_input.py`.",
        "",
        "| input | outcome | what was said |",
        "|---|---|---|",
    ]
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            kind, message = outcome(case, Path(folder))
        said = message.replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {case[0]} | {kind} | {said if len(said) < 220 else said[:217] + '...'} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n{bad_trees.table()}")
