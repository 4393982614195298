"""What comes in: products with what `mep3m assign` said of each, read and checked before anything is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from pydantic import BaseModel, ValidationError

from mep3m.assignment.run import Run
from mep3m.dataset.reading import Opened, open_all, open_kept, pictures_of, store_folder
from mep3m.dataset.splits import duplicate_groups
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.exports.rows import ending
from mep3m.settings.sources import TableFormat
from mep3m.store.images import ContentImages, FolderImages
from mep3m.store.store import Store

#: what is kept of an answer
_KEPT = ("path", "names", "confidence", "decision", "reason", "top", "prediction_set", "promise", "kept")


class _ToldChoice(BaseModel):
    """A category that an answer names as probable."""

    path: list[str]
    names: list[str]
    probability: float


class _ToldAnswer(BaseModel):
    """What the desk reads of a line: a file may have been edited, or written by something else."""

    id: str
    platform: str | None
    title: str | None
    path: list[str]
    decision: str
    top: list[_ToldChoice] | None
    prediction_set: list[list[str]] | None
    kept: str | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A product that came in; `duplicates` names its duplicate group."""

    platform: str
    own_id: str
    title: str | None
    ocr: str | None
    picture: str | None
    image: str | None
    answer: dict[str, Any]
    duplicates: str
    labels: tuple[str, ...] = ()

    @property
    def decision(self) -> str:
        """What the model's answer was: filed, review, none; `review` where it was not asked."""
        return str(self.answer.get("decision", "review"))

    @property
    def labelled(self) -> bool:
        """Whether a label of people stands in the answer: such a product is no case of the model's."""
        return bool(self.answer.get("kept"))


@dataclass(frozen=True)
class ProductTable:
    """Where the products are that were answered, and how they are read."""

    path: Path
    columns: dict[str, Any] = field(default_factory=dict)
    image_root: Path | None = None
    table: TableFormat | None = None
    encoding: str | None = None

    def open(self, run: Run, labels: bool = False) -> Opened:
        """Read the products with the columns of the run, or those that are named."""
        if self.path.is_dir() and not pictures_of(self.path):
            store = Store.open(store_folder(self.path))
            return open_kept(store) if labels else open_all(store)
        return run.read(
            self.path, labels, self.columns, self.image_root, self.table, ids=False, encoding=self.encoding
        )


def fingerprint_of(file: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        NotFoundError: there is none.
        UsageError: it can be read only once.
    """
    if not file.exists():
        raise NotFoundError(f"{file} does not exist; 'mep3m assign RUN TABLE --out {file}' writes it")
    if not file.is_file():  # it would be empty when it is read the second time
        raise UsageError(
            f"{file} is no file on disk but a folder or a pipe; write the answers into a .jsonl file"
        )
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_answers(file: Path, run: Run) -> Iterator[dict[str, Any]]:
    """Yield the answers of a file in JSON lines.

    Raises:
        UsageError: the name ends in something else, or another model or tree than the run's answered.
        FormatError: a line is no answer.
    """
    ending(file, (".jsonl",))
    tree = run.classifier.tree.version
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                one = orjson.loads(line)
                _ToldAnswer.model_validate(one)
                said = one["model"], one["taxonomy"]
                kept = {"id": one["id"], "platform": one["platform"] or "", "title": one["title"]}
                kept["answer"] = {name: one[name] for name in _KEPT}
            except (KeyError, TypeError, ValueError) as error:
                raise FormatError(
                    f"{file}, line {number} is no answer of 'mep3m assign' ({_why(error)}); "
                    "name a file of JSON lines that it wrote"
                ) from None
            if said != (run.version, tree):
                raise UsageError(
                    f"{file}, line {number}: model {said[0]} with tree {said[1]} answered, and the run "
                    f"here ({run.folder}) is {run.version} with tree {tree}; let this run answer "
                    "('mep3m assign'), name --edits if it answered by an edited tree, or open the desk on "
                    "the run that did"
                )
            yield kept


def _why(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return repr(error)
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def with_answers(file: Path, run: Run, table: Path | None, opened: Opened | None) -> list[Incoming]:
    """Return the products of a file of answers, with what the opened table has of each.

    Raises:
        UsageError: an answer has no product in the table, or one with another title.
    """
    answers = list(read_answers(file, run))
    if opened is None:
        return _bare(answers)
    products = {(one.platform, one.own_id): one for one in products_of(opened)}
    found = []
    for one in answers:
        product = products.get((one["platform"], one["id"]))
        if product is None or product.title != one["title"]:
            other = "has no such product" if product is None else f"has '{product.title}' under this id"
            raise UsageError(
                f"{file} answers for '{one['id']}' ('{one['title']}'), and {table} {other}; name the "
                "table that was answered, with the same --id and --title"
            )
        values = {name: getattr(product, name) for name in Incoming.__slots__}
        found.append(Incoming(**values | {"answer": one["answer"]}))
    return found


def products_of(opened: Opened) -> list[Incoming]:
    """Return the products of a table or store, without answers."""
    names = ["id", "source", "source_id", "title", "ocr", "image", "image_ref", "labels"]
    rows = opened.products.select(names).to_pylist()
    groups = duplicate_groups(opened.products)
    in_store = isinstance(opened.images, ContentImages)
    return [
        Incoming(
            platform="" if row["id"] == row["source_id"] else row["source"],
            own_id=row["source_id"],
            title=row["title"],
            ocr=row["ocr"],
            picture=f"{row['image'][:3]}/{row['image']}" if in_store and row["image"] else row["image_ref"],
            image=row["image"] if in_store else row["image_ref"],
            answer={},
            duplicates=str(group),
            labels=tuple(label["category"] for label in row["labels"] or () if label),
        )
        for row, group in zip(rows, groups, strict=True)
    ]


def root_of(opened: Opened) -> Path | None:
    """Return the folder that pictures are relative to."""
    return opened.images.root.absolute() if isinstance(opened.images, ContentImages | FolderImages) else None


def _bare(answers: list[dict[str, Any]]) -> list[Incoming]:
    """Return products of which the answers alone are known."""
    names = {"title": [one["title"] for one in answers], "id": [one["id"] for one in answers]}
    columns = {name: pa.array(values, pa.string()) for name, values in names.items()}
    titles = pa.table(columns | {"group": pa.nulls(len(answers), pa.string())})
    groups: Any = duplicate_groups(titles) if answers else []
    return [
        Incoming(one["platform"], one["id"], one["title"], None, None, None, one["answer"], str(group))
        for one, group in zip(answers, groups, strict=True)
    ]
