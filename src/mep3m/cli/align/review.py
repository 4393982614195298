"""`mep3m align review`, `undo`, `redo` and `migrate`: what people decide, in a review file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import (
    FILE,
    NEW_FILE,
    json_option,
    login_name,
    print_json,
)
from mep3m.errors import UsageError
from mep3m.store.append_log import now

if TYPE_CHECKING:
    from mep3m.alignment.review.contract import DecisionBatch, Review, ReviewLog
    from mep3m.alignment.review.order import Waits

ANSWERS = {"a": "accept", "r": "reject", "u": "unsure"}
#: what is shown with a question
ASKED_WITH = ("comment", "mep3m_subject_titles", "mep3m_object_titles", "mep3m_self_test")
RELATIONS = ["exact", "narrower", "broader", "overlaps"]


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
@click.option("--relation", type=click.Choice(RELATIONS), help="Change the relation.")
@click.option("--reviewer", default=login_name, show_default="login name", help="Who decides.")
@click.option("--line", "lines", multiple=True, help="Ask about these lines in the terminal.")
@click.option("--ask", is_flag=True, help="Ask about every open line, in the order listed.")
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

    Open rows are listed by rows at stake (those that the link would move, times its probability), after those
    that are sure but surprising: a model that has not seen the platform files the rows elsewhere.
    """
    from mep3m.alignment.keeping.database_log import open_review
    from mep3m.alignment.review.copies import blind, take
    from mep3m.alignment.review.decisions import contradictions, parse_lines, progress
    from mep3m.alignment.review.file_log import require_replaceable
    from mep3m.alignment.review.order import review_order

    if options["blind"]:
        require_replaceable(options["blind"])
    when = now()
    log = ctx.with_resource(open_review(review_file))
    opened = log.read(when)
    by_hand = opened.taken_in
    changed = _decide(log, opened, options, when)
    if options["take"]:
        from mep3m.alignment.review.decisions import read_review

        changed += take(log, read_review(options["take"])[0], when)
    asked = [line for text in options["lines"] for line in parse_lines(text)]
    opened = log.read(when)
    if options["ask"] and not asked:
        asked = [one.decision.line for one in review_order(opened)]
    changed += _ask(log, opened, asked, options["reviewer"])
    opened = log.read(when)
    if options["blind"]:
        blind(opened, options["seed"]).write(options["blind"])
    problems = contradictions(opened.decisions)
    waiting = review_order(opened)
    if as_json:
        print_json(
            {
                "progress": progress(opened.decisions),
                "changed": changed,
                "by_hand": by_hand,
                "problems": [{"kind": p.kind, "lines": p.lines, "text": p.text} for p in problems],
                "open": [_row(one) for one in waiting],
            }
        )
    else:
        _print_review(opened, by_hand + changed, waiting[: options["limit"]])
        for problem in problems:
            click.echo(f"problem: {problem}", err=True)
    ctx.exit(1 if problems else 0)


def _decide(log: ReviewLog, opened: Review, options: dict[str, Any], when: str) -> int:
    """Apply --accept, --reject, --unsure and --clear as one batch; return the rows changed."""
    from mep3m.alignment.review.contract import Signature
    from mep3m.alignment.review.decisions import parse_lines
    from mep3m.alignment.review.sssom import PREDICATES

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
        wanted = {opened.keys[place]: cells for place, cells in changes.items()}
        log.decide(wanted, Signature(options["reviewer"], when, "command line"), opened.revision)
    return len(changes)


def _ask(log: ReviewLog, opened: Review, lines: Sequence[int], reviewer: str) -> int:
    """Ask about each line; every answer is kept at once, so an interruption loses nothing.

    An answer about a line that somebody else changed while the question stood there is not recorded.
    """
    from mep3m.alignment.review.contract import DecidedMeanwhileError, Signature

    changed = 0
    keys = [opened.keys[opened.index(line)] for line in lines]
    for number, key in enumerate(keys, start=1):
        opened = log.read(now())
        if key not in opened.keys:  # somebody has deleted the row since
            continue
        place = opened.keys.index(key)
        decision = opened.decisions[place]
        cells = opened.sheet.rows[place]
        click.echo(f"[{number}/{len(keys)}] line {decision.line}: {decision.link}")
        for text in (cells.get(column) for column in ASKED_WITH):
            if text:
                click.echo(f"    {text}")
        allowed = click.Choice(["a", "r", "u", "n", "s", "q"])
        answer = click.prompt("    accept, reject, unsure, new name, skip, quit", type=allowed, default="s")
        if answer == "q":
            break
        wanted = {"mep3m_decision": ANSWERS.get(answer, "accept")}
        if answer == "n":
            wanted["mep3m_new_name_zh"] = click.prompt("    Chinese name", default="", show_default=False)
            wanted["mep3m_new_name_en"] = click.prompt("    English name", default="", show_default=False)
        if answer != "s":
            try:
                log.decide({key: wanted}, Signature(reviewer, now(), "asked"), opened.revision)
                changed += 1
            except DecidedMeanwhileError as error:
                click.echo(f"    not recorded: {error}", err=True)
    return changed


def _row(one: Waits) -> dict[str, Any]:
    decision = one.decision
    return {
        "line": decision.line,
        "link": decision.link,
        "probability": decision.probability,
        "rows": one.rows,
        "at_stake": round(one.at_stake),
        "titles": one.titles,
        "self_test": one.self_test or None,
    }


def _print_review(opened: Review, changed: int, waiting: Sequence[Waits]) -> None:
    from mep3m.alignment.review.decisions import progress

    counts = progress(opened.decisions)
    total = len(opened.decisions)
    said = ", ".join(f"{counts[verdict]:,} {verdict}" for verdict in counts)
    click.echo(
        f"{opened.name}: {total:,} rows: {said}" + (f"; {changed:,} newly recorded" if changed else "")
    )
    for one in waiting:
        click.echo("\n".join(_shown(one)))


def _shown(one: Waits) -> list[str]:
    """Return a row that waits as lines: the link with the rows of both sides, and what speaks against it."""
    decision = one.decision
    sure = "" if decision.probability is None else f"{decision.probability:.2f}  "
    known = [f"{count:,}" for count in one.rows if count is not None]
    rows = f" ({' and '.join(known)} rows)" if known else ""
    lines = [f"  line {decision.line}: {sure}{decision.link}{rows}"]
    if one.surprising:
        lines.append(f"    surprising: {one.self_test}")
    return lines


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
    from mep3m.alignment.edits.history import record_undo
    from mep3m.alignment.keeping.database_log import open_review
    from mep3m.alignment.review.contract import Signature
    from mep3m.stages.apply_review import remove_result

    if target.is_dir():
        text = f"removed {target}; {remove_result(target)} is as it was"
    elif target.suffix == ".jsonl":
        record = record_undo(target, by, now()[:10])
        text = f"undone: {record.edit.id} {record.words}"
    else:
        with open_review(target) as log:
            batch = log.undo(Signature(by, now(), "undo"))
        text = f"undone: {_described(batch)}"
    if as_json:
        print_json({"undone": text})
    else:
        click.echo(text)


@click.command(epilog="\b\nExample:\n  mep3m align redo links.sssom.tsv")
@click.argument("review_file", metavar="FILE", type=FILE)
@click.option("--by", default=login_name, show_default="login name", help="Who redoes.")
@json_option
def redo(review_file: Path, by: str, as_json: bool) -> None:
    """Repeat the decisions of a review FILE that 'align undo' took back last.

    After a new decision there is nothing to redo.
    """
    from mep3m.alignment.keeping.database_log import open_review
    from mep3m.alignment.review.contract import Signature

    with open_review(review_file) as log:
        text = f"redone: {_described(log.redo(Signature(by, now(), 'redo')))}"
    if as_json:
        print_json({"redone": text})
    else:
        click.echo(text)


def _described(batch: DecisionBatch) -> str:
    """Return a batch in words: how many rows, how and when they were decided."""
    return f"{len(batch.changes)} row(s) decided {batch.signature.how} at {batch.signature.when}"


@click.command(
    epilog="\b\nExample:\n  mep3m align migrate old.sssom.tsv new.sssom.tsv --store new --out now.sssom.tsv"
)
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("--out", type=NEW_FILE, help="The new review. [default: NEW itself]")
@click.option("--left", type=FILE, help="The left platform's new table: says what still exists.")
@click.option("--right", type=FILE, help="The right platform's new table.")
@click.option("--store", type=FILE, help="Instead of tables: the store of the new export.")
@json_option
@click.pass_context
def migrate(
    ctx: click.Context, /, old: Path, new: Path, out: Path | None, as_json: bool, **options: Any
) -> None:
    """Bring the decisions of the OLD review into the NEW proposals of a later export.

    A decision holds when both categories are still called the same at the same place; what does not
    hold any more, or looks different now, is listed (exit code 1 when a decision was not kept).
    """
    from mep3m.alignment.keeping.database_log import open_review
    from mep3m.alignment.review.contract import Signature
    from mep3m.alignment.review.file_log import require_replaceable
    from mep3m.alignment.review.migrate import migrate_decisions
    from mep3m.alignment.taxonomies.published import read_categories
    from mep3m.stages.apply_review import existing_categories
    from mep3m.store import Store

    if out is not None and out.resolve() != new.resolve():
        require_replaceable(out)
    if new.resolve() == old.resolve():
        raise UsageError(f"{old} is both OLD and NEW; propose anew into another file first")
    sides = [read_categories(options[key], key).side for key in ("left", "right") if options[key]]
    existing = existing_categories(sides, Store.open(options["store"]) if options["store"] else None)
    when = now()
    with open_review(old) as earlier, open_review(new) as later:
        migration = migrate_decisions(earlier.read(when).sheet, later.read(when).sheet, existing)
    signature = Signature(login_name(), when, f"migrated from {old.name}")
    with open_review(out or new) as log:
        log.replace(migration.sheet, signature)
    lost = [row for row in migration.again if not row.kept]
    if as_json:
        again = [{"line": row.line, "reason": row.reason, "kept": row.kept} for row in migration.again]
        print_json({"kept": migration.kept, "look_again": again, "out": str(out or new)})
    else:
        click.echo(
            f"{migration.kept:,} decisions kept, {len(lost):,} not, {len(migration.again):,} to look at again"
        )
        for row in migration.again:
            click.echo(f"  line {row.line}: {row.reason}")
        click.echo(f"review     {out or new}")
    ctx.exit(1 if lost else 0)
