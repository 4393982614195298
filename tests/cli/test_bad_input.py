"""Every command on missing, empty, foreign or damaged input: one message, a code, no traceback."""

from pathlib import Path

import pytest

from mep3m.product import Label, Product, to_table
from mep3m.store import Plan, StoreWriter
from mep3m.taxonomy import Category, Taxonomy
from tests.alignment.shops import proposals
from tests.cli.runner import ran

#: words that the fixture replaces by paths of its folder
WORDS = {
    "NONE": "no/such/thing",
    "EMPTY": "empty.file",
    "HOLLOW": "hollow.csv",
    "FOLDER": "a.folder",
    "BYTES": "bytes.bin",
    "JSON": "list.json",
    "TABLE": "table.csv",
    "STORE": "store",
    "LINKS": "links.tsv",
    "TREE": "tree.json",
    "OUT": "out",
    "OUT.jsonl": "out.jsonl",
    "BELOW": "table.csv/out",
    "RUN": "run",
    "SPLIT": "split.json",
    "EDITS": "tree.edits.jsonl",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / WORDS["EMPTY"]).write_bytes(b"")
    (folder / WORDS["HOLLOW"]).write_bytes(b"")
    (folder / WORDS["FOLDER"]).mkdir()
    (folder / WORDS["BYTES"]).write_bytes(bytes(range(128, 256)) * 4)
    (folder / WORDS["JSON"]).write_text("[1, 2]")
    lines = [f"红茶 {n},tea\n台灯 {n},lamp\n" for n in range(20)]
    (folder / WORDS["TABLE"]).write_text("name,kind\n" + "".join(lines), encoding="utf-8")
    tree = Taxonomy((Category("1", "食品"), Category("11", "茶", parent="1")))
    tree.save(folder / WORDS["TREE"])
    writer = StoreWriter.begin(folder / WORDS["STORE"], Plan("ingest", {}, ("x",)))
    rows = [
        Product(f"s:{n}", "s", str(n), ("食品", "茶"), title=f"茶 {n}", labels=(Label("1", "given", "s"),))
        for n in range(3)
    ]
    writer.write(0, to_table(rows))
    writer.finish(tree)
    proposals(folder / WORDS["LINKS"])
    (folder / WORDS["EDITS"]).write_bytes(b"")
    columns = ("--title", "name", "--labels", "kind")
    table = folder / WORDS["TABLE"]
    assert ran("train", table, *columns, "--set", "epochs=1", "--out", folder / WORDS["RUN"]).code == 0
    assert ran("split", table, *columns, "--out", folder / WORDS["SPLIT"]).code == 0
    return folder


def command(place: Path, line: str) -> list[str]:
    named = {**WORDS, "FOLDER/x": "a.folder/x"}
    return [str(place / named[word]) if word in named else word for word in line.split()]


CASES = [
    # a path that does not exist
    ("align propose --left NONE --right NONE --out OUT", 2, "is not a file"),
    ("align propose --store NONE --out OUT", 1, "holds no store"),
    ("align score NONE --gold NONE", 2, "is not a file"),
    ("align review NONE", 2, "is not a file"),
    ("align apply NONE --store STORE --out OUT", 2, "is not a file"),
    ("align apply LINKS --store NONE --out OUT", 1, "holds no store"),
    ("align apply LINKS --store STORE --first-level NONE --out OUT", 2, "is not a file"),
    ("align migrate NONE LINKS --out OUT", 2, "is not a file"),
    ("align diff NONE TREE", 2, "is no store, and no taxonomy in JSON"),
    ("align edit NONE --edits OUT --rename 1 --name-zh x", 2, "is no store, and no taxonomy in JSON"),
    ("align remap NONE --edits EDITS --out OUT", 1, "holds no store"),
    ("align undo NONE", 2, "is not a file"),
    ("assign NONE TABLE --out OUT.jsonl", 2, "is not a classifier folder"),
    ("build NONE --out OUT", 2, "no project file"),
    ("dedupe NONE --title x", 1, "holds no store"),
    ("evaluate NONE --data TABLE", 2, "is not a classifier folder"),
    ("export-onnx NONE OUT", 2, "is not a classifier folder"),
    ("ingest NONE --store OUT", 2, "does not exist"),
    ("ocr NONE --out OUT", 2, "is not a folder"),
    ("retry NONE", 1, "holds no store"),
    ("serve NONE", 2, "is not a classifier folder"),
    ("split NONE --title name --out OUT", 2, "does not exist"),
    ("stats NONE", 1, "holds no store"),
    ("status NONE", 1, "holds no store"),
    ("train NONE --title name --labels kind --out OUT", 2, "does not exist"),
    # an empty folder
    ("align propose --store FOLDER --out OUT", 1, "holds no store"),
    ("align propose --left FOLDER --right FOLDER --out OUT", 2, "is not a file"),
    ("align review FOLDER", 2, "is not a file"),
    ("align diff FOLDER TREE", 2, "is no store, and no taxonomy in JSON"),
    ("build FOLDER --out OUT", 2, "no project file"),
    ("dedupe FOLDER --title x", 1, "holds no store"),
    ("evaluate FOLDER --data TABLE", 1, "is not a classifier folder"),
    ("export-onnx FOLDER OUT", 1, "is not a classifier folder"),
    ("ocr FOLDER --out OUT", 2, "holds no images"),
    ("stats FOLDER", 1, "holds no store"),
    ("status FOLDER", 1, "holds no store"),
    ("train FOLDER --out OUT", 1, "holds no store"),
    ("train FOLDER --title name --labels kind --out OUT", 2, "columns can be named for a table only"),
    # an empty file
    ("align review EMPTY", 1, "no header line"),
    ("align score LINKS --gold EMPTY", 1, "no header line"),
    ("align diff EMPTY TREE", 1, "is not a taxonomy file"),
    ("build EMPTY --out OUT", 2, "'sources' is missing"),
    ("train EMPTY --title name --labels kind --out OUT", 2, "the name does not say the format"),
    ("train HOLLOW --title name --labels kind --out OUT", 1, "has no header line: it is empty"),
    ("ingest HOLLOW --title name --store OUT", 1, "has no header line: it is empty"),
    ("split HOLLOW --title name --out OUT", 1, "has no header line: it is empty"),
    # bytes that are no text
    ("align review BYTES", 1, "is neither UTF-8, UTF-16 nor GB 18030"),
    ("align propose --left BYTES --right BYTES --out OUT", 1, "is neither UTF-8, UTF-16 nor GB 18030 text"),
    ("align diff BYTES TREE", 1, "is not a taxonomy file"),
    ("build BYTES --out OUT", 2, "is not TOML in UTF-8"),
    # JSON, but of something else
    ("align diff JSON TREE", 1, "is not a taxonomy file"),
    ("align edit JSON --edits OUT --rename 1 --name-zh x", 1, "is not a taxonomy file"),
    ("train TABLE --title name --labels kind --split-file JSON --out OUT", 1, "is not a split"),
    # a column, an option or a value that is not there
    ("train TABLE --title nam --labels kind --out OUT", 2, "did you mean 'name'"),
    ("train TABLE --title name --labels king --out OUT", 2, "did you mean 'kind'"),
    ("train STORE --title name --out OUT", 2, "for a table only; leave out: title"),
    ("train STORE --out STORE", 2, "holds a store; choose another folder for the classifier"),
    ("split STORE --labels l1,l2 --out OUT", 2, "for a table only; leave out: labels"),
    ("evaluate RUN --data STORE --id x", 2, "for a table only; leave out: id"),
    ("assign RUN STORE --platform x --out OUT.jsonl", 2, "for a table only; leave out: platform"),
    ("train TABLE --out OUT", 2, "at least --title or --image"),
    ("train TABLE --title name --labels kind --model lineal --out OUT", 2, "did you mean 'linear'"),
    ("train TABLE --title name --labels kind --set epochs --out OUT", 2, "write NAME=VALUE"),
    ("train TABLE --title name --labels kind --set epohcs=2 --out OUT", 2, "did you mean 'epochs'"),
    ("train TABLE --title name --labels kind --set epochs=0 --out OUT", 2, "is not allowed"),
    ("train TABLE --title name --labels kind --level 9 --out OUT", 2, "the levels 1 to 1"),
    ("train TABLE --title name --labels kind --valid-share 2 --out OUT", 2, "valid_share = 2"),
    ("train TABLE --title name --labels kind --subset tee --out OUT", 2, "did you mean 'tea'"),
    ("split TABLE --title name --test-share 1.5 --out OUT", 2, "between 0 and 1"),
    ("split TABLE --title name --kind platform --out OUT", 2, "needs the platforms to test on"),
    ("split TABLE --title name --kind platform --test-platforms x --out OUT", 2, "from the platform 'x'"),
    ("simulate OUT --platforms 1", 2, "platforms = 1"),
    ("simulate OUT --products 0", 2, "products = 0"),
    ("simulate FOLDER --products 10 --workers 0 --no-images", 2, "workers = 0"),
    ("demo --out OUT --products 0", 2, "products = 0"),
    ("dedupe STORE", 2, "--title, --image"),
    ("dedupe STORE --title x --out OUT", 2, "either a product to look up"),
    ("dedupe STORE --title x --image-distance 9", 2, "image_distance = 9"),
    ("status STORE --sql SELECT", 2, "--sql"),
    ("status STORE --sql ;", 2, "--sql is empty"),
    ("ingest TABLE --store OUT --title nam", 2, "did you mean 'name'"),
    ("ingest TABLE --store OUT --title name --labels kind --path kind", 2, "not both"),
    ("ingest TABLE --store FOLDER/x --title name --engine lokal", 2, "did you mean 'local'"),
    ("ingest TABLE --store OUT --title name --workers 0", 2, "workers = 0"),
    ("ingest TABLE --store OUT --title name --encoding no-such", 2, "no-such"),
    ("align propose --left TABLE --out OUT", 2, "--left FILE and --right FILE, or --store DIR"),
    ("align propose --store STORE --out OUT", 2, "two sources or more; found those of s"),
    ("align review LINKS --accept 99", 2, "no row begins at line 99"),
    ("align review LINKS --accept x", 2, "names no lines"),
    ("ocr FOLDER --out OUT --detector-side 1", 2, "detector_side = 1"),
    ("ocr FOLDER --out OUT --min-confidence 2", 2, "min_confidence = 2"),
    ("evaluate RUN --data TABLE --labels king", 2, "did you mean 'kind'"),
    ("evaluate RUN --data NONE", 2, "does not exist"),
    ("evaluate RUN --data HOLLOW", 1, "has no header line: it is empty"),
    ("evaluate RUN --data BYTES", 2, "the name does not say the format"),
    ("evaluate RUN --data TABLE --split-file NONE", 2, "does not exist"),
    ("evaluate RUN --data TABLE --split-file TREE", 1, "is not a split"),
    ("assign RUN NONE --out OUT.jsonl", 2, "does not exist"),
    ("assign RUN TABLE --title nam --out OUT.jsonl", 2, "did you mean 'name'"),
    ("assign RUN TABLE --min-confidence high --out OUT.jsonl", 2, "'high' is not a valid float"),
    ("assign TABLE TABLE --out OUT.jsonl", 1, "is not a classifier folder"),
    ("serve RUN --port 70000", 2, "70000 is not in the range 0<=x<=65535"),
    ("serve RUN --port eighty", 2, "'eighty' is not a valid integer"),
    ("serve RUN --host 256.0.0.1", 2, "choose another --host or --port"),
    ("serve TABLE", 1, "is not a classifier folder"),
    ("export-onnx TABLE OUT", 1, "is not a classifier folder"),
    ("dedupe STORE --image NONE", 2, "is not a file; name an image"),
    ("dedupe STORE --image FOLDER", 2, "is not a file; name an image"),
    ("dedupe STORE --image TABLE", 1, "this is not an image"),
    ("train TABLE --title name --labels kind --image name --image-root NONE --out OUT", 2, "image folder"),
    ("evaluate RUN --data TABLE --image-root TABLE", 2, "image folder"),
    ("dedupe STORE --title x --near-title 0", 2, "near_title = 0"),
    ("stats TABLE", 1, "holds no store"),
    ("status TABLE", 1, "holds no store"),
    ("retry TABLE", 1, "holds no store"),
    ("retry STORE", 1, "does not remember its input"),
    ("align undo RUN", 2, "is no store that 'align apply' or 'align remap' wrote"),
    ("align undo STORE", 2, "was written by 'ingest'"),
    ("align remap STORE --edits NONE --out OUT", 2, "is not a file; 'mep3m align edit"),
    ("align apply LINKS --store STORE --edits NONE --out OUT", 2, "is not a file; 'mep3m align edit"),
    ("align diff TREE TREE --edits NONE", 2, "is not a file; 'mep3m align edit"),
    ("align diff TREE TREE --model FOLDER", 2, "is not a classifier folder"),
    ("align edit TREE --edits OUT", 2, "give exactly one of --rename"),
    ("align edit TREE --edits OUT --archive 12", 2, "the taxonomy has no category '12' (did you mean"),
    ("align edit TREE --edits OUT --split 11 NONE", 2, "is not a file"),
    ("align edit TREE --edits OUT --move 11 11", 1, "cycle"),
    ("align review LINKS --accept 8 --reject 8", 2, "named twice"),
    ("align review LINKS --line x", 2, "names no lines"),
    ("align review LINKS --take NONE", 2, "is not a file"),
    ("align apply LINKS --store STORE --out OUT --depth 0", 2, "depth = 0"),
    ("align apply LINKS --out OUT", 2, "say what to apply it to"),
    ("align apply LINKS --store STORE", 2, "say where the result goes"),
    ("align score BYTES --gold LINKS", 1, "is neither UTF-8, UTF-16 nor GB 18030"),
    ("build TABLE --out OUT", 2, "is not TOML"),
    # a place where the result cannot go, said before any work is done
    ("align propose --left TABLE --right TABLE --out FOLDER", 2, "is a directory"),
    ("align propose --left TABLE --right TABLE --out BELOW", 2, "table.csv' is a file"),
    ("align apply LINKS --store STORE --out TABLE", 2, "is a file"),
    ("align apply LINKS --store STORE --dry-run --html FOLDER", 2, "is a directory"),
    ("align review LINKS --blind FOLDER", 2, "is a directory"),
    ("align migrate LINKS LINKS --out FOLDER", 2, "is a directory"),
    ("align edit TREE --edits FOLDER --archive 11", 2, "is a directory"),
    ("align remap STORE --edits TREE --out TABLE", 2, "is a file"),
    ("assign RUN TABLE --out FOLDER", 2, "is a directory"),
    ("assign RUN TABLE --out BELOW", 2, "table.csv' is a file"),
    ("build JSON --out TABLE", 2, "is a file"),
    ("demo --out TABLE", 2, "is a file"),
    ("dedupe STORE --out TABLE", 2, "is a file"),
    ("dedupe STORE --out STORE", 2, "write into another folder"),
    ("align remap STORE --edits EDITS --out STORE", 2, "write into another folder"),
    ("evaluate RUN --data TABLE --card FOLDER", 2, "is a directory"),
    ("export-onnx RUN FOLDER", 2, "is a directory"),
    ("ingest TABLE --title name --store TABLE", 2, "is a file"),
    ("ingest TABLE --title name --store BELOW", 2, "table.csv' is a file"),
    ("ocr FOLDER --out FOLDER", 2, "is a directory"),
    ("ocr FOLDER --out OUT --report BELOW", 2, "table.csv' is a file"),
    ("ocr FOLDER --out OUT --cache FOLDER", 2, "is a directory"),
    ("simulate TABLE", 2, "is a file"),
    ("simulate BELOW", 2, "table.csv' is a file"),
    ("split TABLE --title name --out FOLDER", 2, "is a directory"),
    ("stats STORE --report TABLE", 2, "is a file"),
    ("stats STORE --report BELOW", 2, "table.csv' is a file"),
    ("status STORE --ledger FOLDER", 2, "is a directory"),
    ("train TABLE --title name --labels kind --out TABLE", 2, "is a file"),
    ("train TABLE --title name --labels kind --out BELOW", 2, "table.csv' is a file"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "message"), CASES, ids=[case[0] for case in CASES])
def test_bad_input_is_one_message_and_a_code(place: Path, line: str, code: int, message: str) -> None:
    before = sorted(path.relative_to(place) for path in place.rglob("*"))
    found = ran(*command(place, line))
    assert found.code == code, found
    assert message in found.err
    assert "Traceback" not in found.err
    assert found.out == ""
    errors = [text for text in found.err.splitlines() if text.lower().startswith("error: ")]
    assert len(errors) == 1
    made = {path.relative_to(place) for path in place.rglob("*")} - set(before)
    assert not made, f"a refused command left {made}"
