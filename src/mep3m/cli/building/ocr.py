"""`mep3m ocr`: read the text in the images of a folder or a store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mep3m.cli.shared import NEW_FILE, given_options, json_option, print_json
from mep3m.engine import bar
from mep3m.errors import NotFoundError
from mep3m.settings.ocr import BACKENDS, OcrSettings, PoolSettings


@click.command(
    epilog="\b\nExamples:\n"
    "  mep3m ocr photos/ --out lines.jsonl --report examples.html\n"
    "  mep3m ocr store/ --out lines.jsonl --workers 2 --json"
)
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=NEW_FILE, help="JSON lines: one object an image.")
@click.option("--backend", type=click.Choice(list(BACKENDS)), help="The reader.")
@click.option("--detector-side", type=int, help="Longest side the text detector sees, in pixels.")
@click.option("--min-confidence", type=float, help="Drop lines below this, 0 to 1.")
@click.option("--single-confidence", type=float, help="Drop lines of a single character below this.")
@click.option("--clean", type=click.Choice(["paper", "spaces", "none"]), help="Cleaning of the text.")
@click.option("--upright/--no-upright", default=None, help="Also read lines that are upside down.")
@click.option("--weights", type=click.Path(path_type=Path), help="Folder with EasyOCR's weight files.")
@click.option("--workers", type=int, help="Processes; 0 is one a CPU.")
@click.option("--seconds-per-image", type=float, help="Give an image up after this long.")
@click.option("--max-megapixels", type=float, help="Refuse larger images.")
@click.option("--process-memory-mb", type=int, help="Replace a process that grows beyond this.")
@click.option("--images-per-process", type=int, help="Replace a process after this many images.")
@click.option("--cache", type=NEW_FILE, help="Readings by image hash; default: beside OUT.")
@click.option("--report", type=NEW_FILE, help="Also write an HTML page of examples.")
@json_option
def ocr(
    source: Path, out: Path, cache: Path | None, report: Path | None, as_json: bool, **options: Any
) -> None:
    """Read the text in every image of SOURCE, a folder of images or a store.

    Interrupted at any point, the same command goes on. Images that cannot be read are in the
    output with `error`, and running again tries only those.
    """
    from mep3m.sources.formats.folder import UNREAD
    from mep3m.stages.ocr.folder import SUFFIXES, write_readings
    from mep3m.stages.ocr.read import ImageFile, image_files
    from mep3m.stages.ocr.stage import default_cache, store_images
    from mep3m.store import Store
    from mep3m.store.layout import Layout, stores_below
    from mep3m.store.walk import walk

    reading, running = (given_options(options, kind.model_fields) for kind in (OcrSettings, PoolSettings))
    settings = OcrSettings.parse(reading, "mep3m ocr"), PoolSettings.parse(running, "mep3m ocr")
    if not source.is_dir():
        raise NotFoundError(f"{source} is not a folder; name a folder of images or a store")
    store = Store.open(source) if Layout(source).begun else None
    kept = default_cache(store) if store else out.with_name(out.name + ".readings.sqlite")

    def files() -> Iterator[ImageFile]:
        return store_images(store) if store else image_files(source, SUFFIXES)

    unread = [] if store else [file.name for file in image_files(source, UNREAD - SUFFIXES)]
    if unread:
        count = f"{len(unread):,} images are not read ({unread[0]}"
        click.echo(f"note: {count}{', ...' if unread[1:] else ''}); convert them to JPEG or PNG", err=True)
    for link in () if store else sorted(path for path in walk(source) if path.is_dir()):
        click.echo(f"note: {link} is a link that leads out of {source}; its images are not read", err=True)
    total = sum(1 for _ in files())
    if not total:
        if store is None and stores_below(source):
            Store.open(source)  # says which stores are in the folder
        raise NotFoundError(f"{source} holds no images (endings: {', '.join(sorted(SUFFIXES))})")
    with bar("ocr", total, "images") as advance:
        counts = write_readings(files(), out, cache or kept, settings, advance)
    if report is not None:
        from mep3m.report.ocr_examples import write_ocr_page

        write_ocr_page(out, store.images.file if store else source.joinpath, report)
    summary = {**asdict(counts), "unread": len(unread), "out": str(out)}
    if as_json:
        print_json(summary)
    else:
        share = counts.with_text / counts.images
        click.echo(
            f"{counts.images:,} images, {counts.with_text:,} with text ({share:.1%}), "
            f"{counts.lines:,} lines, {counts.promotional:,} promotional, {counts.failed:,} failed -> {out}"
        )
    click.get_current_context().exit(1 if counts.failed else 0)
