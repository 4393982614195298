"""Where products come from: which column holds what, and how the bytes are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from mep3m.settings.base import MAX_PIXELS, Settings, Several

#: names of delimiters that a shell or a TOML file has trouble with
DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


def one_character(text: str) -> str:
    """Return the delimiter of a word ('tab') or of itself.

    Raises:
        ValueError: it is more than one character, a quote or a line end.
    """
    delimiter = DELIMITERS.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError("write one character or one of " + ", ".join(w for w in DELIMITERS if w.isalpha()))
    return delimiter


_PASSWORD = re.compile(r"://[^/@?#]*:[^/@?#]*@|[?&](password|passwd|pwd)=", re.IGNORECASE)
Delimiter = Annotated[str, AfterValidator(one_character)]
TableFormat = Literal["csv", "tsv", "jsonl", "parquet"]


class Columns(Settings):
    """Which column of a table holds which part of a product; `None` means the table has none.

    `labels` are the category columns from coarse to fine; `path` is the other way to write them,
    one column with all names joined by `separator`. `platform` is the column with the platform that a
    product comes from. A list in the path column is one path, or with `lists` = "categories" several
    categories: the first one counts.
    """

    old_keys: ClassVar[Mapping[str, str]] = {"source": "platform"}

    id: str | None = None
    title: str | None = None
    image: str | None = None
    ocr: str | None = None
    labels: Several[str] = ()
    path: str | None = None
    separator: Annotated[str, Field(min_length=1)] = ">"
    platform: str | None = None
    lists: Literal["path", "categories"] = "path"

    @model_validator(mode="after")
    def _one_way_to_write_labels(self) -> Columns:
        if self.labels and self.path:
            raise ValueError("give either 'labels' (one column a level) or 'path' (one column), not both")
        twice = next((name for name in self.labels if self.labels.count(name) > 1), None)
        if twice:
            raise ValueError(f"'labels' names '{twice}' twice; name one column a level, coarse to fine")
        return self

    def names(self) -> list[str]:
        """Return the columns that a table must have."""
        single = [self.id, self.title, self.image, self.ocr, *self.labels, self.path, self.platform]
        return list(dict.fromkeys(name for name in single if name is not None))


class TableSettings(Settings):
    """How to read one table: `format` and `encoding` are detected where they are `None`.

    `source` is the platform's name where no column holds it; `None` takes the file's name. `missing` are
    class names that stand for none. `delimiter` stands between the cells of a text table; naming one makes
    quotes count, also in TSV. `skip_lines` lines stand before the header and are not read.
    """

    columns: Columns = Columns()
    format: TableFormat | None = None
    encoding: str | None = None
    source: str | None = None
    missing: Several[str] = ()
    delimiter: Delimiter | None = None
    skip_lines: Annotated[int, Field(ge=0)] = 0


class ImageLimits(Settings):
    """What an image may be; checked before it is decoded."""

    max_bytes: Annotated[int, Field(gt=0)] = 20 * 2**20
    max_pixels: Annotated[int, Field(gt=0)] = MAX_PIXELS
    formats: Several[str] = ("JPEG", "PNG", "GIF", "WEBP", "BMP")


class FetchSettings(Settings):
    """How image URLs are fetched; nothing is fetched unless `enabled`.

    `timeout` and `backoff` are seconds; the wait doubles with every attempt. `hosts` limits the fetch
    to these host names. `allow_private` lets it reach addresses of the own network.
    """

    enabled: bool = False
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 32
    per_host: Annotated[int, Field(ge=1, le=1000)] = 8
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    timeout: Annotated[float, Field(gt=0)] = 20.0
    backoff: Annotated[float, Field(ge=0)] = 0.5
    redirects: Annotated[int, Field(ge=0, le=20)] = 5
    robots: bool = True
    allow_private: bool = False
    hosts: Several[str] = ()
    agent: str = "mep3m"


class ShopColumns(Settings):
    """The columns of a shop's export; of several names given, the first that is there or filled counts.

    Rows with one `id`, or whose `parent` names it, are one product: the first row, or the parent's,
    gives its title. `children` is a column in which a product lists its variants' ids as `sku=…`. `category`
    holds paths joined by `level_separator`, several of them by `path_separator`; names in `roots` are
    left out. `images` are columns with one image or several joined by `image_separator`. What stands in
    `aside` (descriptions, variants) is kept beside the products. `header` names columns by which the
    header line is known, and `after_header` lines behind it are not read. `skip_if_filled` is a column
    that only translations of a row fill.
    """

    id: Several[str]
    title: Several[str]
    parent: Several[str] = ()
    children: str | None = None
    category: Several[str] = ()
    level_separator: str = ">"
    path_separator: str | None = None
    roots: Several[str] = ()
    images: Several[str] = ()
    image_separator: str | None = ","
    aside: Several[str] = ()
    header: Several[str] = ()
    after_header: int = 0
    skip_if_filled: str | None = None
    delimiter: str | None = None


class DatabaseSettings(Settings):
    """A database, its query, and the column by which the rows are read in batches.

    `url` is SQLAlchemy's, without a password: `postgresql+psycopg://reader@db.example/shop`,
    `mysql+pymysql://…`, `sqlite:////data/shop.db`. `password_env` names the environment variable that holds
    the password. `key` is a column of the query, unique and never NULL, that the database can sort by;
    an index on it makes the batches cheap. `query` is the SQL where no file holds it. `batch_rows` are read
    at once and become one shard.
    """

    url: Annotated[str, Field(min_length=1)]
    key: Annotated[str, Field(min_length=1)]
    query: str | None = None
    password_env: str | None = None
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000

    @model_validator(mode="after")
    def _no_password(self) -> DatabaseSettings:
        if _PASSWORD.search(self.url):
            raise ValueError(
                "'url' holds a password, which would be kept in files; take it out, put it into an "
                "environment variable and name that in 'password_env'"
            )
        return self


class SourceEntry(Settings):
    """One `[[sources]]` of a project; paths are relative to the project file.

    `format` is any format that `mep3m ingest --format` takes (detected from the name where it is
    `None`). `image_root` is the folder below which the image column's paths lie, or the archive (or
    folder of archives) that holds them. `taxonomy` is MEP-3M's spreadsheet. `part_bytes` is the size
    of a shard's input; it is smaller where images are taken in, because a shard is the unit of resume.
    A newer export that lacks more than the share `max_withdrawn` of the source's products is held. `missing`
    are class names that stand for none ("N/A").
    `delimiter` and `skip_lines` are those of a text table (`TableSettings`); `sheet` (name or number from
    1) and `header_row` (from 1) those of a spreadsheet, found out where they are `None`. `shop` is the
    column map of a shop's own export (`format = "shop"`), `database` where a query's rows come from
    (`format = "sql"`); `path` is then the file with the query, unless the query stands there.
    """

    old_keys: ClassVar[Mapping[str, str]] = {"images": "image_root"}

    name: str
    path: str
    format: str | None = None
    encoding: str | None = None
    image_root: str | None = None
    columns: Columns = Columns()
    taxonomy: str | None = None
    part_bytes: Annotated[int | None, Field(ge=1)] = None
    limits: ImageLimits = ImageLimits()
    fetch: FetchSettings = FetchSettings()
    max_withdrawn: Annotated[float, Field(ge=0, le=1)] = 0.5
    missing: Several[str] = ()
    delimiter: Delimiter | None = None
    skip_lines: Annotated[int, Field(ge=0)] = 0
    sheet: str | None = None
    header_row: Annotated[int | None, Field(ge=1)] = None
    shop: ShopColumns | None = None
    database: DatabaseSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _query_for_path(cls, values: Any) -> Any:
        """Let a query stand in the place of the path."""
        database = values.get("database") if isinstance(values, dict) else None
        query = database.get("query") if isinstance(database, dict) else getattr(database, "query", None)
        return {"path": "", **values} if query else values
