"""The formats of catalogues by name, and what a file's ending says; it imports none of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

#: format -> "module:function", a function of (entry, path) that returns the source
FORMATS: dict[str, str] = {
    "csv": "mep3m.sources.tables:open_table",
    "tsv": "mep3m.sources.tables:open_table",
    "jsonl": "mep3m.sources.tables:open_table",
    "parquet": "mep3m.sources.tables:open_table",
    "spreadsheet": "mep3m.sources.spreadsheets.spreadsheet:open_spreadsheet",
    **dict.fromkeys(
        ("shopify", "woocommerce", "magento", "taobao-csv", "amazon-flat-file", "shop"),
        "mep3m.sources.formats.shops:open_shop",
    ),
    "sql": "mep3m.sources.formats.sql:open_sql",
    "mep3m": "mep3m.sources.mep3m.annotations:open_mep3m",
    "folder": "mep3m.sources.formats.folder:open_folder",
    "webdataset": "mep3m.sources.formats.webdataset:open_webdataset",
    "merchant": "mep3m.sources.formats.merchant:open_merchant",
    "jsonld": "mep3m.sources.formats.jsonld:open_jsonld",
    "rpc": "mep3m.sources.formats.rpc:open_rpc",
}
#: ending in small letters -> format
ENDINGS: dict[str, str] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "spreadsheet",
    ".xlsm": "spreadsheet",
    ".xlsb": "spreadsheet",
    ".xls": "spreadsheet",
    ".ods": "spreadsheet",
    ".sql": "sql",
    ".xml": "merchant",
    ".tar": "webdataset",
    ".html": "jsonld",
    ".htm": "jsonld",
}


def named_format(path: PurePath) -> str | None:
    """Return the format that a file's ending says, `.gz` looked through; `None` where it says none."""
    name = path.with_suffix("") if path.suffix == ".gz" else path
    return ENDINGS.get(name.suffix.lower())


def says_nothing(path: PurePath, allowed: Iterable[str]) -> str:
    """Return the message about a file whose name does not say one of the allowed formats."""
    return f"{path}: the name does not say the format; name one with --format ({', '.join(sorted(allowed))})"
