"""`mep3m align edit`, `remap` and `diff`: versions of a category tree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from mep3m.cli.shared import (
    FILE,
    NEW_FILE,
    NEW_FOLDER,
    engine_options,
    json_option,
    login_name,
    print_json,
)
from mep3m.errors import NotFoundError, UsageError
from mep3m.store.append_log import now

if TYPE_CHECKING:
    from mep3m.taxonomy import Taxonomy


@click.command(
    epilog="\b\nExamples:\n"
    "  mep3m align edit merged --edits tree.edits.jsonl --rename c1a2b3c4 移动电源 'Power banks'\n"
    "  mep3m align edit merged --edits tree.edits.jsonl --merge c1a2b3c4 c99aa001 --reason 'same thing'\n"
    "  mep3m align edit merged --edits tree.edits.jsonl --split c1a2b3c4 parts.tsv"
)
@click.argument("tree", type=FILE)
@click.option("--edits", type=NEW_FILE, required=True, help="The file that the edit is appended to.")
@click.option("--rename", nargs=3, metavar="ID ZH EN", help="New names; '' keeps one.")
@click.option("--move", nargs=2, metavar="ID PARENT", help="Below another parent; '' is the first level.")
@click.option("--merge", nargs=2, metavar="ID INTO", help="Into another category.")
@click.option("--split", nargs=2, metavar="ID TABLE", help="By a table: id, name_zh, name_en, source, path.")
@click.option("--archive", metavar="ID", help="No longer used, with everything below it.")
@click.option("--reason", default="", help="Why; it is shown to whoever still uses the old id.")
@click.option("--by", default=login_name, show_default="login name", help="Who edits.")
@json_option
def edit(tree: Path, edits: Path, as_json: bool, **options: Any) -> None:
    """Record one change of the TREE (a store, or a taxonomy in JSON), after those recorded before.

    The tree itself is not written: 'align apply --edits FILE' replays the edits on every new merge,
    'align remap --edits FILE' brings the labels of a store up to date.
    """
    from mep3m.alignment.edits.diff import diff
    from mep3m.alignment.edits.edit import make, replay
    from mep3m.alignment.edits.history import read_history, record_edit

    taxonomy, _, broken = replay(_taxonomy(tree), read_history(edits) if edits.exists() else [])
    if broken:
        raise UsageError(f"{edits} does not fit {tree}: {broken[0]}")
    changed, record = make(taxonomy, _edit(options), options["by"], now()[:10])
    record_edit(edits, record)
    changes = diff(taxonomy, changed, [record])
    if as_json:
        print_json({"version": changed.version, "changes": changes, "edits": str(edits)})
    else:
        for change in changes:
            click.echo(f"{change.kind:9s}{change.id}  {change.text}")
        click.echo(f"version {record.before} -> {record.after}, recorded in {edits}")


def _edit(options: dict[str, Any]) -> Any:
    from mep3m.alignment.edits.edit import Edit, Kind
    from mep3m.alignment.edits.history import read_parts

    given: list[Kind] = [kind for kind in get_args(Kind) if options[kind]]
    if len(given) != 1:
        raise UsageError("give exactly one of --rename, --move, --merge, --split, --archive")
    reason = options["reason"]
    if options["rename"]:
        category, zh, en = options["rename"]
        return Edit("rename", category, name_zh=zh or None, name_en=en or None, reason=reason)
    if options["split"]:
        category, table = options["split"]
        return Edit("split", category, parts=read_parts(Path(table)), reason=reason)
    if options["archive"]:
        return Edit("archive", options["archive"], reason=reason)
    category, target = options[given[0]]
    return Edit(given[0], category, target=target, reason=reason)


@click.command(epilog="\b\nExample:\n  mep3m align remap merged --edits tree.edits.jsonl --out merged2")
@click.argument("store", type=FILE)
@click.option("--edits", type=FILE, required=True, help="Recorded edits of the store's tree.")
@click.option("--out", type=NEW_FOLDER, required=True, help="The new store.")
@engine_options
@json_option
@click.pass_context
def remap(ctx: click.Context, /, store: Path, edits: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Bring the labels of STORE up to date with recorded edits of its tree, into a new store.

    Rows whose category is gone keep the level above; they are listed in the quarantine of the new
    store with the reason (exit code 1).
    """
    from mep3m.alignment.edits.history import read_history
    from mep3m.engine import bar, make_engine
    from mep3m.stages.apply_edits import ApplyEdits
    from mep3m.stages.base import run_stage
    from mep3m.store import Store

    records = tuple(read_history(edits))
    engine = make_engine(options["engine"], options["workers"])
    made = run_stage(ApplyEdits(records), Store.open(store), out, engine, bar)
    coarser = made.rejects().num_rows
    if as_json:
        print_json({"rows": made.rows, "edits": len(records), "coarser": coarser, "out": str(out)})
    else:
        click.echo(
            f"{made.rows:,} rows through {len(records)} edits; {coarser:,} have a coarser label -> {out}"
        )
    ctx.exit(1 if coarser else 0)


@click.command(
    epilog="\b\nExamples:\n  mep3m align diff merged merged2\n"
    "  mep3m align diff old.json new.json --edits tree.edits.jsonl --model runs/bert"
)
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("--edits", type=FILE, help="Recorded edits, which say where removed ids went.")
@click.option("--model", type=FILE, help="A trained model: say which of its classes follow or break.")
@json_option
@click.pass_context
def diff(
    ctx: click.Context, /, old: Path, new: Path, edits: Path | None, model: Path | None, as_json: bool
) -> None:
    """Say what changed from the OLD taxonomy to the NEW one (stores, or taxonomies in JSON).

    With --model, exit code 1 says that classes of the model have no successor.
    """
    from mep3m.alignment.edits.diff import diff as difference
    from mep3m.alignment.edits.diff import model_classes, what_breaks
    from mep3m.alignment.edits.history import read_history

    before, after = _taxonomy(old), _taxonomy(new)
    records = read_history(edits) if edits else []
    changes = difference(before, after, records)
    touched = what_breaks(model_classes(model, before), after, records) if model else {}
    broken = [category for category, (following, _) in touched.items() if following is None]
    if as_json:
        classes = [{"id": key, "now": now, "why": why} for key, (now, why) in touched.items()]
        print_json({"old": before.version, "new": after.version, "changes": changes, "model": classes})
    else:
        click.echo(f"{len(before):,} categories ({before.version}) -> {len(after):,} ({after.version})")
        for change in changes:
            click.echo(f"{change.kind:9s}{change.id}  {change.text}")
        for category, (following, why) in touched.items():
            click.echo(
                f"model    {category}  " + (f"is now {following}: {why}" if following else f"gone: {why}")
            )
    ctx.exit(1 if broken else 0)


def _taxonomy(path: Path) -> Taxonomy:
    """Return the taxonomy of a store, of a folder with taxonomy.json, or of a JSON file."""
    from mep3m.store.layout import TAXONOMY
    from mep3m.taxonomy import Taxonomy

    file = path / TAXONOMY if path.is_dir() else path
    if not file.is_file():
        raise NotFoundError(f"{path} is no store, and no taxonomy in JSON")
    return Taxonomy.load(file)
