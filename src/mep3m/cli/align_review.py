"""`mep3m align review`, `apply`, `undo`, `carry`, `edit`, `follow`, `diff`: what people decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from mep3m.cli.show import NEW_FILE, NEW_FOLDER, engine_options, json_option, login_name, print_json
from mep3m.errors import Mep3mError, NotFoundError, UsageError

if TYPE_CHECKING:
    from mep3m.stages.align.proposal import Side
    from mep3m.stages.merge.decisions import Decision
    from mep3m.stages.merge.journal import Review
    from mep3m.stages.merge.stage import ApplyReview
    from mep3m.taxonomy import Taxonomy

FILE = click.Path(path_type=Path)
ANSWERS = {"a": "accept", "r": "reject", "u": "unsure"}


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")


@click.command(
    epilog="\b\nExamples:\n"
    "  mep3m align review links.sssom.tsv\n"
    "  mep3m align review links.sssom.tsv --accept 12-20,31 --reject 25 --reviewer li\n"
    "  mep3m align review links.sssom.tsv --accept 14 --name-zh 移动电源 --name-en 'Power banks'\n"
    "  mep3m align review links.sssom.tsv --ask --reviewer li\n"
    "  mep3m align review links.sssom.tsv --blind for_wang.tsv --seed 7\n"
    "  mep3m align review links.sssom.tsv --take for_wang.tsv"
)
@click.argument("review_file", metavar="FILE", type=FILE)
@click.option("--accept", help="Lines to accept: 12 or 12,15 or 12-20.")
@click.option("--reject", help="Lines to reject.")
@click.option("--unsure", help="Lines to mark as unsure.")
@click.option("--clear", help="Lines to open again.")
@click.option("--name-zh", help="New Chinese name for the accepted line.")
@click.option("--name-en", help="New English name for the accepted line.")
@click.option("--relation", type=click.Choice(["exact", "narrower", "broader"]), help="Change the relation.")
@click.option("--reviewer", default=login_name, show_default="login name", help="Who decides.")
@click.option("--line", "lines", multiple=True, help="Ask about these lines in the terminal.")
@click.option("--ask", is_flag=True, help="Ask about every open line, the most uncertain first.")
@click.option("--blind", type=NEW_FILE, help="Write the open rows here without scores, shuffled.")
@click.option("--seed", default=0, show_default=True, help="Order of the blind copy.")
@click.option("--take", type=FILE, help="Bring in the decisions of a copy.")
@click.option("--limit", default=20, show_default=True, help="Open rows to list.")
@json_option
@click.pass_context
def review(ctx: click.Context, /, review_file: Path, as_json: bool, **options: Any) -> None:
    """Show what is decided and open in a review FILE, and decide.

    FILE is an SSSOM table from 'align propose'. Edit it in any editor or spreadsheet (columns
    mep3m_decision: accept, reject, unsure; mep3m_new_name_zh, mep3m_new_name_en, reviewer_label),
    or decide here by line. Everything is logged beside the file and 'align undo FILE' takes it back.
    """
    from mep3m.stages.merge.decisions import contradictions, most_uncertain, progress
    from mep3m.stages.merge.journal import blind, open_review, parse_lines, take

    when = _now()
    opened, by_hand = open_review(review_file, when)
    changed = _decide(opened, options, when)
    if options["take"]:
        from mep3m.stages.merge.decisions import read_review

        changed += take(opened, read_review(options["take"])[0], when)
    asked = [line for text in options["lines"] for line in parse_lines(text)]
    if options["ask"] and not asked:
        asked = [decision.line for decision in most_uncertain(opened.decisions)]
    changed += _ask(opened, asked, options["reviewer"])
    if options["blind"]:
        blind(opened, options["seed"]).write(options["blind"])
    problems = contradictions(opened.decisions)
    waiting = most_uncertain(opened.decisions)
    if as_json:
        print_json(
            {
                "progress": progress(opened.decisions),
                "changed": changed,
                "by_hand": by_hand,
                "problems": [{"kind": p.kind, "lines": p.lines, "text": p.text} for p in problems],
                "open": [_row(decision) for decision in waiting],
            }
        )
    else:
        _print_review(opened, by_hand + changed, waiting[: options["limit"]])
        for problem in problems:
            click.echo(f"problem: {problem}", err=True)
    ctx.exit(1 if problems else 0)


def _decide(opened: Review, options: dict[str, Any], when: str) -> int:
    """Carry out --accept, --reject, --unsure and --clear as one batch; return the rows changed."""
    from mep3m.stages.align.sssom import PREDICATES
    from mep3m.stages.merge.journal import decide, parse_lines

    words = {"accept": "accept", "reject": "reject", "unsure": "unsure", "clear": ""}
    changes: dict[int, dict[str, str]] = {}
    for option, word in words.items():
        for line in parse_lines(options[option]) if options[option] else []:
            place = opened.index(line)
            if place in changes:
                raise UsageError(f"line {line} is named twice; decide it once")
            changes[place] = {"mep3m_decision": word}
            if option == "accept" and options["relation"]:
                changes[place]["predicate_id"] = PREDICATES[options["relation"]]
    names = {f"mep3m_new_{key}": options[key] for key in ("name_zh", "name_en") if options[key]}
    if names or options["relation"]:
        accepted = parse_lines(options["accept"]) if options["accept"] else []
        if not accepted or (names and len(accepted) != 1):
            raise UsageError("a new name or relation needs --accept; a name needs exactly one line")
        changes[opened.index(accepted[0])].update(names)
    if changes:
        decide(opened, changes, options["reviewer"], when, "command line")
    return len(changes)


def _ask(opened: Review, lines: Sequence[int], reviewer: str) -> int:
    """Ask about each line; every answer is kept at once, so an interruption loses nothing."""
    from mep3m.stages.merge.journal import decide

    changed = 0
    places = [opened.index(line) for line in lines]
    for number, place in enumerate(places, start=1):
        decision = opened.decisions[place]
        words = opened.sheet.rows[place].get("comment", "")
        click.echo(f"[{number}/{len(places)}] line {decision.line}: {decision.link}")
        if words:
            click.echo(f"    {words}")
        keys = click.Choice(["a", "r", "u", "n", "s", "q"])
        answer = click.prompt("    accept, reject, unsure, new name, skip, quit", type=keys, default="s")
        if answer == "q":
            break
        cells = {"mep3m_decision": ANSWERS.get(answer, "accept")}
        if answer == "n":
            cells["mep3m_new_name_zh"] = click.prompt("    Chinese name", default="", show_default=False)
            cells["mep3m_new_name_en"] = click.prompt("    English name", default="", show_default=False)
        if answer != "s":
            decide(opened, {place: cells}, reviewer, _now(), "asked")
            changed += 1
    return changed


def _row(decision: Decision) -> dict[str, Any]:
    return {"line": decision.line, "link": decision.link, "probability": decision.probability}


def _print_review(opened: Review, changed: int, waiting: Sequence[Decision]) -> None:
    from mep3m.stages.merge.decisions import progress

    counts = progress(opened.decisions)
    total = len(opened.decisions)
    said = ", ".join(f"{counts[verdict]:,} {verdict}" for verdict in counts)
    click.echo(
        f"{opened.path}: {total:,} rows: {said}" + (f"; {changed:,} newly recorded" if changed else "")
    )
    for decision in waiting:
        sure = "" if decision.probability is None else f"{decision.probability:.2f}  "
        click.echo(f"  line {decision.line}: {sure}{decision.link}")


def _sources(command: Any) -> Any:
    """Add the options that say where a merge's categories and decisions come from."""
    options = [
        click.option("--store", type=FILE, help="The store whose rows get the labels."),
        click.option("--left", type=FILE, help="Table of the left platform's categories."),
        click.option("--right", type=FILE, help="Table of the right platform's categories."),
        click.option("--left-source", default="left", help="The left platform's name in the store."),
        click.option("--right-source", default="right", help="The right platform's name in the store."),
        click.option("--first-level", type=FILE, help="Hand-made first level: .toml or a table."),
        click.option("--previous", type=FILE, help="An earlier result, whose ids are kept."),
        click.option("--edits", type=FILE, help="Recorded edits of the tree ('align edit')."),
        click.option("--reviewer", help="Who decided, where the file does not say."),
        click.option("--unreviewed", help="accept: also what only the method accepted. [default: skip]"),
        click.option("--accept-above", type=float, help="... from this probability on. [default: 0.99]"),
        click.option(
            "--allow-joins", is_flag=True, default=None, help="Let a merge join one platform's own."
        ),
        click.option("--join-inner/--keep-inner", default=None, help="Join inner categories of one name."),
        click.option("--depth", type=int, help="Levels of the merged tree. [default: 3]"),
        click.option("--unmapped", help="Labels of rows without a place: clear, keep. [default: clear]"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command(
    epilog="\b\nExamples:\n"
    "  mep3m align apply links.sssom.tsv --store shops --first-level first.toml --dry-run\n"
    "  mep3m align apply links.sssom.tsv --store shops --first-level first.toml --out merged\n"
    "  mep3m align apply links.sssom.tsv --left a.tsv --right b.tsv --out tree"
)
@click.argument("review_file", metavar="FILE", type=FILE)
@_sources
@click.option("--out", type=NEW_FOLDER, help="The new store (or, without --store, a folder for the tree).")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--html", type=NEW_FILE, help="Write the impact report here, too.")
@engine_options
@json_option
@click.pass_context
def apply(ctx: click.Context, /, review_file: Path, as_json: bool, **options: Any) -> None:
    """Merge the categories as FILE says, and give every row its labels in the merged tree.

    The rows of --store are written to the new store --out; the first stays as it is, and every row
    keeps its shop's own path. Contradictions are listed with their lines, and then nothing is
    written. Exit code 1: some categories found no place (they are listed).
    """
    from mep3m.stages.merge.impact import as_html, as_text, compare_after, impact
    from mep3m.stages.merge.journal import open_review
    from mep3m.stages.merge.stage import store_counts
    from mep3m.store import Store

    if options["store"] is None and options["left"] is None:
        raise UsageError("say what to apply it to: --store DIR, or the tables --left FILE and --right FILE")
    if options["out"] is None and not options["dry_run"]:
        raise UsageError("say where the result goes: --out DIR, or --dry-run to see what would happen")
    opened, _ = open_review(review_file, _now())
    stage = _stage(opened.decisions, options)
    store = Store.open(options["store"]) if options["store"] else None
    counts = store_counts(store) if store else stage.table_counts()
    merged, broken = stage.result(counts)
    report = impact(counts, merged, stage.review.decisions, broken)
    if not options["dry_run"]:
        after = _write(stage, store, options)
        report["after"] = compare_after(report, after) if after else []
        if report["after"]:
            raise Mep3mError("the rows differ from the report: " + "; ".join(report["after"]))
    if options["html"]:
        options["html"].write_text(f"<!doctype html><meta charset=utf-8>{as_html(report)}", encoding="utf-8")
    if as_json:
        print_json({**report, "out": None if options["dry_run"] else str(options["out"])})
    else:
        click.echo("\n".join(as_text(report)))
        click.echo("nothing written (--dry-run)" if options["dry_run"] else f"written    {options['out']}")
    ctx.exit(1 if report["unmapped"] else 0)


def _stage(decisions: Sequence[Decision], options: dict[str, Any]) -> ApplyReview:
    """Return the stage that the options describe."""
    from mep3m.settings.align import MergeSettings
    from mep3m.stages.align.proposal import read_side
    from mep3m.stages.merge.decisions import rename_sources, with_reviewer
    from mep3m.stages.merge.first_level import read_first_level
    from mep3m.stages.merge.history import read_history
    from mep3m.stages.merge.merged import Review
    from mep3m.stages.merge.stage import ApplyReview, read_previous

    given = {key: options[key] for key in MergeSettings.model_fields if options[key] is not None}
    settings = MergeSettings.parse(given, "mep3m align apply")
    names = {"left": options["left_source"], "right": options["right_source"]}
    sides: list[Side] = []
    for key in ("left", "right"):
        if options[key]:
            side, rejects = read_side(options[key], names[key])
            sides.append(side)
            for reject in rejects:
                click.echo(f"{reject.file}, line {reject.line}: {reject.reason}", err=True)
    said = rename_sources(with_reviewer(decisions, options["reviewer"]), names)
    first_level = read_first_level(options["first_level"]).renamed(names) if options["first_level"] else None
    previous = read_previous(options["previous"]) if options["previous"] else None
    edits = tuple(read_history(options["edits"])) if options["edits"] else ()
    return ApplyReview(Review(tuple(said), first_level, previous, settings), tuple(sides), edits)


def _write(stage: ApplyReview, store: Any, options: dict[str, Any]) -> Any:
    """Write the new store, or the tree alone; return what the new rows carry."""
    from mep3m.engine import bar, make_engine
    from mep3m.stages.base import run_stage
    from mep3m.stages.merge.stage import store_counts, write_tree

    out: Path = options["out"]
    if store is not None:
        if out.resolve() == store.folder.resolve():
            raise UsageError("--out must be another folder than --store: the first store stays as it is")
        engine = make_engine(options["engine"], options["workers"])
        return store_counts(run_stage(stage, store, out, engine, bar))
    write_tree(stage, out)
    return None


@click.command(
    epilog="\b\nExamples:\n  mep3m align undo links.sssom.tsv\n  mep3m align undo tree.edits.jsonl\n"
    "  mep3m align undo merged"
)
@click.argument("target", type=FILE)
@click.option("--by", default=login_name, show_default="login name", help="Who undoes.")
@json_option
def undo(target: Path, by: str, as_json: bool) -> None:
    """Take back the last step: of a review file, of an edits file, or a store that apply wrote.

    A store is removed as a whole; the store it was made from was never changed. It stays where
    another store beside it was made from it.
    """
    from mep3m.stages.merge.history import record_undo
    from mep3m.stages.merge.journal import undo as undo_decisions
    from mep3m.stages.merge.stage import remove_result

    if target.is_dir():
        text = f"removed {target}; {remove_result(target)} is as it was"
    elif target.suffix == ".jsonl":
        record = record_undo(target, by, _now()[:10])
        text = f"undone: {record.edit.id} {record.words}"
    else:
        batch = undo_decisions(target, _now())
        text = f"undone: {len(batch['changes'])} row(s) decided {batch['how']} at {batch['time']}"
    if as_json:
        print_json({"undone": text})
    else:
        click.echo(text)


@click.command(
    epilog="\b\nExample:\n  mep3m align carry old.sssom.tsv new.sssom.tsv --store new --out now.sssom.tsv"
)
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("--out", type=NEW_FILE, help="The new review. [default: NEW itself]")
@click.option("--left", type=FILE, help="The left platform's new table: says what still exists.")
@click.option("--right", type=FILE, help="The right platform's new table.")
@click.option("--store", type=FILE, help="Instead of tables: the store of the new export.")
@json_option
@click.pass_context
def carry(
    ctx: click.Context, /, old: Path, new: Path, out: Path | None, as_json: bool, **options: Any
) -> None:
    """Bring the decisions of the OLD review into the NEW proposals of a later export.

    A decision holds when both categories are still called the same at the same place; what does not
    hold any more, or looks different now, is listed (exit code 1 when a decision was not kept).
    """
    from mep3m.stages.align.proposal import read_side
    from mep3m.stages.merge.carry import carry as carry_over
    from mep3m.stages.merge.decisions import read_review
    from mep3m.stages.merge.stage import existing_categories
    from mep3m.store import Store

    sides = [read_side(options[key], key)[0] for key in ("left", "right") if options[key]]
    existing = existing_categories(sides, Store.open(options["store"]) if options["store"] else None)
    carried = carry_over(read_review(old)[0], read_review(new)[0], existing)
    carried.sheet.write(out or new)
    lost = [row for row in carried.again if not row.kept]
    if as_json:
        again = [{"line": row.line, "reason": row.reason, "kept": row.kept} for row in carried.again]
        print_json({"kept": carried.kept, "look_again": again, "out": str(out or new)})
    else:
        click.echo(
            f"{carried.kept:,} decisions kept, {len(lost):,} not, {len(carried.again):,} to look at again"
        )
        for row in carried.again:
            click.echo(f"  line {row.line}: {row.reason}")
        click.echo(f"review     {out or new}")
    ctx.exit(1 if lost else 0)


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
    'align follow --edits FILE' carries the labels of a store along.
    """
    from mep3m.stages.merge.edits import make, replay
    from mep3m.stages.merge.history import diff, read_history, record_edit

    taxonomy, _, broken = replay(_taxonomy(tree), read_history(edits) if edits.exists() else [])
    if broken:
        raise UsageError(f"{edits} does not fit {tree}: {broken[0]}")
    changed, record = make(taxonomy, _edit(options), options["by"], _now()[:10])
    record_edit(edits, record)
    changes = diff(taxonomy, changed, [record])
    if as_json:
        print_json({"version": changed.version, "changes": changes, "edits": str(edits)})
    else:
        for change in changes:
            click.echo(f"{change.kind:9s}{change.id}  {change.text}")
        click.echo(f"version {record.before} -> {record.after}, recorded in {edits}")


def _edit(options: dict[str, Any]) -> Any:
    from mep3m.stages.merge.edits import Edit, Kind
    from mep3m.stages.merge.history import read_parts

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


@click.command(epilog="\b\nExample:\n  mep3m align follow merged --edits tree.edits.jsonl --out merged2")
@click.argument("store", type=FILE)
@click.option("--edits", type=FILE, required=True, help="Recorded edits of the store's tree.")
@click.option("--out", type=NEW_FOLDER, required=True, help="The new store.")
@engine_options
@json_option
@click.pass_context
def follow(ctx: click.Context, /, store: Path, edits: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Carry the labels of STORE through recorded edits of its tree, into a new store.

    Rows whose category is gone keep the level above; they are listed in the quarantine of the new
    store with the reason (exit code 1).
    """
    from mep3m.engine import bar, make_engine
    from mep3m.stages.base import run_stage
    from mep3m.stages.merge.history import FollowEdits, read_history
    from mep3m.store import Store

    records = tuple(read_history(edits))
    engine = make_engine(options["engine"], options["workers"])
    made = run_stage(FollowEdits(records), Store.open(store), out, engine, bar)
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
    from mep3m.stages.merge.history import diff as difference
    from mep3m.stages.merge.history import model_classes, read_history, what_breaks

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
    from mep3m.taxonomy import Taxonomy

    file = path / "taxonomy.json" if path.is_dir() else path
    if not file.is_file():
        raise NotFoundError(f"{path} is no store, and no taxonomy in JSON")
    return Taxonomy.load(file)
