"""Products of a table, a store or a folder of pictures into a file of vectors; a stopped run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mep3m.dataset.reading import Opened, open_pictures, open_products, pictures_of, store_folder
from mep3m.engine.progress import Progress, silent
from mep3m.errors import UsageError
from mep3m.exports.rows import ending
from mep3m.models.linear.latent import LatentText
from mep3m.representations.encode import encode
from mep3m.representations.records import PARTS, Encoder
from mep3m.representations.vector_file import ENDINGS, vector_file
from mep3m.representations.weights import is_latent, open_encoders
from mep3m.settings.sources import Columns, TableFormat
from mep3m.store.filesystem import exclusive_lock
from mep3m.store.rejects import Reject

#: products that are encoded and written at a time
BATCH = 2048
#: what a row shows an encoder, and its ids
READ = ["id", "source", "source_id", "title", "ocr", "image", "image_ref"]
#: the options that name the columns of a table
_OPTIONS = {"image": "--image", "title": "--title"}


@dataclass
class Embedded:
    """What became of the products of one file of vectors."""

    out: str
    width: int = 0
    #: facts of the encoders, in the order of their parts in a vector
    encoders: list[dict[str, Any]] = field(default_factory=list)
    #: the folder of the encoder of titles that was learned for this file
    text_encoder: str | None = None
    written: int = 0
    #: rows with nothing to read, which have no vector
    left_out: int = 0
    #: rows with a vector that lack one of two modalities, by its name
    without: dict[str, int] = field(default_factory=dict)
    #: rows that could not be read from the table
    refused: int = 0
    unreadable_images: int = 0
    #: the first row that is left out, and the first image that could not be read
    first_left_out: str | None = None
    first_unreadable: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def open_for_vectors(
    data: Path,
    modality: str,
    columns: Columns,
    image_root: Path | None = None,
    table: TableFormat | None = None,
    encoding: str | None = None,
) -> Opened:
    """Read products from a table, a store, the folder of a build, a picture or a folder of pictures.

    Rows that a stage has dropped are left out.

    Raises:
        UsageError: the column of a modality is not named, or titles are asked of pictures.
        NotFoundError: there is no such path or column.
    """
    parts = PARTS[modality]
    if pictures_of(data) and not columns.names():
        if parts != ("image",):
            raise UsageError(f"{data} has pictures and no titles; use --modality image")
        return open_pictures(data)
    missing = [_OPTIONS[part] for part in parts if getattr(columns, part) is None]
    if data.is_file() and missing:
        raise UsageError(
            f"{data} is a table: name its column{'s' * (len(missing) > 1)} with {' and '.join(missing)}"
        )
    opened = open_products(
        store_folder(data) if data.is_dir() else data, columns, image_root, table, encoding
    )
    kept = opened.products.filter(pc.is_null(opened.products["dropped"]))
    return Opened(kept, opened.images, opened.rejects, opened.taxonomy)


def embed(
    opened: Opened,
    modality: str,
    out: Path,
    weights: Sequence[str] = (),
    seed: int = 0,
    progress: Progress = silent,
) -> Embedded:
    """Write a vector of unit length for every product that shows anything, in the order of the rows.

    Beside `out` stand `NAME.cache`, what networks have computed so far, by content and weights (a run that is
    repeated or goes on reads it; it may be deleted), and `NAME.text`, the encoder of titles where one was
    learned: a folder that `weights` takes for other products.

    Raises:
        UsageError: the name of `out` has another ending, or no row shows anything.
        StoreError: another run is writing into the cache.
    """
    ending(out, ENDINGS)
    cache, text = out.with_suffix(".cache"), out.with_suffix(".text")
    products = opened.products.select(READ)
    told = Embedded(str(out), refused=len(opened.rejects))
    with exclusive_lock(cache):
        encoders = open_encoders(modality, weights, products["title"], seed, cache)
        for encoder in encoders:
            if isinstance(encoder, LatentText) and not any(is_latent(Path(one)) for one in weights):
                encoder.save(text)
                told.text_encoder = str(text)
        told.width = sum(encoder.width for encoder in encoders)
        told.encoders = [{"part": one.part, "width": one.width, **one.facts()} for one in encoders]
        _write(opened, products, modality, encoders, told, progress)
    return told


def _write(
    opened: Opened,
    products: pa.Table,
    modality: str,
    encoders: Sequence[Encoder],
    told: Embedded,
    progress: Progress,
) -> None:
    """Encode and write all rows, counting in `told`."""
    platforms = bool(pc.any(pc.not_equal(products["id"], products["source_id"])).as_py())
    names = {"id": products["source_id"]} | ({"platform": products["source"]} if platforms else {})
    listed = pa.table(names)
    facts = {"modality": modality, "encoders": told.encoders}
    with (
        vector_file(Path(told.out), list(names), told.width, facts) as write,
        progress("embed", products.num_rows, "products") as advance,
    ):
        for start in range(0, products.num_rows, BATCH):
            rows, own = products.slice(start, BATCH), listed.slice(start, BATCH)
            made = encode(rows, opened.images, modality, encoders)
            has = made.told.any(1)
            _count(told, made.told, own["id"], made.rejects, PARTS[modality])
            if has.any():
                write(own.filter(pa.array(has)), made.vectors[has])
            advance(rows.num_rows)
        if not told.written:
            why = f" ({told.first_unreadable})" if told.first_unreadable else ""
            raise UsageError(
                f"no row has a readable {' or '.join(PARTS[modality])}{why}: no vector was written"
            )


def _count(
    told: Embedded,
    parts: NDArray[np.bool_],
    ids: pa.ChunkedArray,
    rejects: Sequence[Reject],
    names: Sequence[str],
) -> None:
    has = parts.any(1)
    told.written += int(has.sum())
    told.left_out += int((~has).sum())
    if told.first_left_out is None and not has.all():
        told.first_left_out = ids[int(np.argmin(has))].as_py()
    for place, name in enumerate(names if len(names) > 1 else ()):
        told.without[name] = told.without.get(name, 0) + int((has & ~parts[:, place]).sum())
    told.unreadable_images += len(rejects)
    if told.first_unreadable is None and rejects:
        told.first_unreadable = f"{rejects[0].value}: {rejects[0].reason}"
