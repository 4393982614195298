"""`mep3m ingest`, `mep3m status`, `mep3m retry`: catalogues into a store, and what became of each row."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from mep3m.cli.shared import NEW_FILE, NEW_FOLDER, Share, json_option, print_json, renamed_option
from mep3m.errors import UsageError
from mep3m.sources.format_names import FORMATS

#: options with the name of their field of `SourceEntry`
_AS_GIVEN = (
    "format", "encoding", "image_root", "taxonomy", "missing", "delimiter", "skip_lines",
    "sheet", "header_row",
)  # fmt: skip
_COLUMNS = ("id", "title", "image", "ocr", "labels", "path", "separator", "platform", "lists")


@click.command(
    name="ingest",
    epilog="\b\nExamples:\n"
    "  mep3m ingest annotations.json --format mep3m --taxonomy dataset_info.xlsx --store store/\n"
    "  mep3m ingest shop.csv --title name --labels dept,category --image photo --image-root photos --store s",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--store", "folder", required=True, type=NEW_FOLDER, help="Folder of the store.")
@click.option("--format", type=click.Choice(tuple(FORMATS)), help="Default: what the file's name says.")
@click.option("--name", help="Name of the platform where no column has it; default: the file's name.")
@click.option(
    "--encoding", help="Default: UTF-8, UTF-16 or GB18030 where it is sure; any other has to be named."
)
@click.option("--delimiter", help="Between the cells of a text table: one character, or tab; quotes count.")
@click.option("--skip-lines", type=click.IntRange(min=0), help="Lines before the header of a text table.")
@click.option("--sheet", help="Sheet of a spreadsheet, by name or number.  [default: found by its columns]")
@click.option("--header-row", type=click.IntRange(min=1), help="Row of a spreadsheet that names the columns.")
@click.option("--url", help="Database of a query in FILE (.sql), without a password.")
@click.option("--key", metavar="COL", help="Unique column by which a query's rows are read in batches.")
@click.option("--password-env", metavar="NAME", help="Environment variable with the database's password.")
@click.option("--id", "id_", metavar="COL", help="Column with the platform's product id.")
@click.option("--title", metavar="COL", help="Column with the title.")
@click.option("--labels", metavar="COL,COL", help="Category columns, coarse to fine.")
@click.option("--path", metavar="COL", help="One column with the whole category path.")
@click.option("--separator", help="Between the names in the path column.  [default: >]")
@click.option(
    "--lists",
    type=click.Choice(("path", "categories")),
    help="What a list in the path column is: one path, or several categories.  [default: path]",
)
@click.option("--missing", metavar="NAME", multiple=True, help="Class name that stands for none; repeatable.")
@click.option("--image", metavar="COL", help="Column with the image's path or URL.")
@click.option("--ocr", metavar="COL", help="Column with the text on the image.")
@renamed_option(
    "--platform", old="--source", metavar="COL", help="Column with the platform that a product comes from."
)
@renamed_option(
    "--image-root",
    old="--images",
    type=click.Path(),
    help="Folder the image files are relative to, an archive, or a folder of archives.",
)
@click.option("--taxonomy", type=click.Path(), help="MEP-3M's dataset_info.xlsx.")
@click.option("--fetch", is_flag=True, help="Download images that are URLs.")
@click.option("--fetch-host", multiple=True, help="Fetch from these hosts only; repeatable.")
@click.option("--allow-private", is_flag=True, help="Let --fetch reach addresses of the own network.")
@click.option(
    "--max-withdrawn",
    type=Share(),
    help="Share of the products that a newer export may lack; more is held.  [default: 0.5]",
)
@click.option("--workers", type=int, default=2, show_default=True, help="Processes.")
@click.option("--engine", default="local", show_default=True, help="local or ray.")
@click.option("--replace", is_flag=True, help="Build the store anew where it holds something else.")
@json_option
def ingest(
    file: Path, folder: Path, workers: int, engine: str, replace: bool, as_json: bool, **options: Any
) -> None:
    """Read the catalogue FILE (or folder) into a store.

    Run it again after an interruption and it goes on; run it with a newer export and only what changed
    is processed, while products that are gone are marked. Rows that cannot be read are kept with
    their reason (see 'mep3m status').
    """
    from mep3m.ingest.request import answered, note_answer

    started = time.perf_counter()
    known = not (replace or options["url"])  # a database has to be asked whether it has changed
    manifest = answered(folder, file, options) if known else None
    if manifest is None:
        from mep3m.engine import bar, make_engine
        from mep3m.ingest.run import ingest as run

        entry = _entry(file, options)
        _say_what_was_chosen(entry)
        manifest = run([entry], Path(), folder, make_engine(engine, workers), bar, replace=replace).manifest
        note_answer(folder, file, options)
    summary = {
        "store": str(folder),
        **{name: manifest[name] for name in ("rows", "rejects", "dropped")},
        "shards": len(manifest["shards"]),
        "update": manifest.get("update"),
        "encodings": manifest.get("encodings", {}),
        "notes": manifest.get("notes", []),
        "seconds": round(time.perf_counter() - started, 3),
    }
    if as_json:
        print_json(summary)
    else:
        click.echo(f"{summary['rows']:,} products in {folder} ({summary['seconds']:.1f} s)")
        for name, encoding in summary["encodings"].items():
            click.echo(f"{name} is read as {encoding}")
        for note in summary["notes"]:
            click.echo(f"note: {note}")
        if summary["update"]:
            click.echo(", ".join(f"{count:,} {name}" for name, count in summary["update"].items()))
        if summary["rejects"]:
            click.echo(f"{summary['rejects']:,} refused or failed; 'mep3m status {folder}' says why")
    click.get_current_context().exit(1 if summary["rejects"] else 0)


@click.command(
    epilog="\b\nExamples:\n"
    "  mep3m status store/\n"
    "  mep3m status store/ --sql \"SELECT file, line, reason FROM ledger WHERE state = 'failed'\""
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--ledger", type=NEW_FILE, help="Write the whole ledger as Parquet.")
@click.option("--sql", help="Query the view 'ledger' and print the rows as JSON lines.")
@json_option
def status(folder: Path, ledger: Path | None, sql: str | None, as_json: bool) -> None:
    """Count what is done, dropped, failed and waiting in a store, and say why.

    FOLDER is a store or holds stores. The ledger has one row for every source row and stage: stage,
    source, product, file, line, shard, row, state, reason. The view 'extras' lists what products of a
    shop's export have beside their columns: further images, categories, descriptions, variants.
    """
    from mep3m.store.ledger import Ledger

    book = Ledger.open(folder)
    if ledger is not None:
        book.save(ledger)
    if sql is not None:
        _print_query(book.connection, sql)
        return
    counts, reasons = book.counts(), book.reasons()
    if as_json:
        states: dict[str, int] = {}
        for row in counts:
            states[row["state"]] = states.get(row["state"], 0) + row["rows"]
        print_json({"store": str(folder), "states": states, "stages": counts, "reasons": reasons})
        return
    for row in counts:
        click.echo(f"{row['stage']:<12} {row['source'] or '':<20} {row['state']:<8} {row['rows']:>12,}")
    if reasons:
        click.echo("\nwhy:")
    for row in reasons:
        click.echo(f"{row['rows']:>12,}  {row['stage']} {row['state']}: {row['reason']}")


@click.command(epilog="\b\nExample:\n  mep3m retry store/")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def retry(folder: Path, as_json: bool) -> None:
    """Try again what failed in the store FOLDER, and only that.

    A row corrected in its file becomes a product, an image that was missing is taken in.
    """
    from dataclasses import asdict

    from mep3m.engine import bar
    from mep3m.ingest.retry import retry as run

    counts = run(folder, bar)
    if as_json:
        print_json({**asdict(counts), "still_failing": counts.still_failing})
    else:
        click.echo(
            f"{counts.tried:,} failures tried: {counts.rows:,} rows and {counts.images:,} images are in now, "
            f"{counts.still_failing:,} still fail"
        )
    click.get_current_context().exit(1 if counts.still_failing else 0)


def _entry(file: Path, options: dict[str, Any]) -> Any:
    """Return the settings of one source from the options."""
    from mep3m.settings.sources import SourceEntry

    given = {name: value for name, value in options.items() if value not in (None, (), False)}
    given["id"] = given.pop("id_", None)
    labels = given.get("labels")
    given["labels"] = [name.strip() for name in labels.split(",")] if labels else None
    columns = {name: given[name] for name in _COLUMNS if given.get(name) is not None}
    fetch: dict[str, Any] = {
        "enabled": "fetch" in given,
        "allow_private": "allow_private" in given,
        "hosts": given.get("fetch_host", ()),
    }
    entry: dict[str, Any] = {
        "name": given.get("name") or file.name.split(".")[0],
        "path": str(file),
        "columns": columns,
        "fetch": fetch,
        **{name: given[name] for name in _AS_GIVEN if name in given},
    }
    if options.get("max_withdrawn") is not None:  # 0 is a value
        entry["max_withdrawn"] = options["max_withdrawn"]
    if "url" in given:
        entry["database"] = {name: given[name] for name in ("url", "key", "password_env") if name in given}
    return SourceEntry.parse(entry, "mep3m ingest")


def _say_what_was_chosen(entry: Any) -> None:
    """Print, to a person, what a source found out by itself: the sheet, the header row."""
    from mep3m.sources.catalogue import open_source

    described = getattr(open_source(entry), "described", None)
    for note in described[1] if described else ():
        click.echo(note, err=True)


def _print_query(connection: Any, sql: str) -> None:
    import duckdb
    import orjson

    if not sql.strip(" ;\n"):
        raise UsageError("--sql is empty; write for example --sql 'SELECT * FROM ledger LIMIT 5'")
    try:
        answer = connection.execute(sql)
        names = [column[0] for column in answer.description or []]
        rows = answer.fetchall() if names else []
    except duckdb.Error as error:
        raise UsageError(f"--sql: {error}") from None
    for row in rows:
        click.echo(orjson.dumps(dict(zip(names, row, strict=True)), default=str))
