"""The formats of catalogues by name, and what a file's ending says; imports nothing, so that all can ask."""

from __future__ import annotations

#: format -> "module:function", a function of (entry, path) that returns the source
FORMATS: dict[str, str] = {
    "csv": "mep3m.sources.tables:open_table",
    "tsv": "mep3m.sources.tables:open_table",
    "jsonl": "mep3m.sources.tables:open_table",
    "parquet": "mep3m.sources.tables:open_table",
    "mep3m": "mep3m.sources.mep3m:open_mep3m",
    "folder": "mep3m.sources.shops.folder:open_folder",
    "webdataset": "mep3m.sources.shops.webdataset:open_webdataset",
    "merchant": "mep3m.sources.shops.merchant:open_merchant",
    "jsonld": "mep3m.sources.shops.jsonld:open_jsonld",
    "rpc": "mep3m.sources.shops.rpc:open_rpc",
}
#: ending in small letters -> format
ENDINGS: dict[str, str] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xml": "merchant",
    ".tar": "webdataset",
    ".html": "jsonld",
    ".htm": "jsonld",
}
