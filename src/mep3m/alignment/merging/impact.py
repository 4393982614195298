"""What an alignment does to the rows: before it is applied, and checked on the rows after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.merge import Merge
from mep3m.alignment.merging.policy import Waiting
from mep3m.alignment.review.decisions import Decision, progress
from mep3m.taxonomy import PATH_SEPARATOR


@dataclass(frozen=True)
class Counts:
    """Products of each category, and of each (category, present label ids); dropped rows are out."""

    rows: Mapping[PlatformPath, int]
    present: Mapping[PlatformPath, Mapping[tuple[str, ...], int]]


@dataclass(frozen=True)
class MergeResult:
    """A merge, notes for a person, the links that wait for one, those applied, and what overlaps."""

    merged: Merge
    notes: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    applied: tuple[Decision, ...] = ()
    overlaps: tuple[Waiting, ...] = ()


def impact(counts: Counts, result: MergeResult, decisions: Sequence[Decision]) -> dict[str, Any]:
    """Return rows moved, classes joined, levels, unmapped categories and what still needs a person."""
    merged = result.merged
    mapped = {node: merged.mapping.get(node, ()) for node in counts.rows}
    moved = sum(
        rows
        for node, present in counts.present.items()
        for labels, rows in present.items()
        if labels != tuple(label.category for label in mapped.get(node, ()))
    )
    origins: Counter[str] = Counter()
    for node, labels in mapped.items():
        origins[labels[-1].origin if labels else "none"] += counts.rows[node]
    return {
        "rows": sum(counts.rows.values()),
        "rows_moved": moved,
        "rows_unmapped": origins.pop("none", 0),
        "rows_by_origin": dict(sorted(origins.items())),
        "levels": _levels(counts, merged, mapped),
        "joined": _joined(counts, merged),
        "unmapped": _unmapped(counts, merged),
        "unnamed": [
            {"id": i, "name": merged.taxonomy[i].name} for i in merged.unnamed if i in merged.taxonomy
        ],
        "without_english": sum(category.name_en is None for category in merged.taxonomy),
        "decisions": progress(decisions),
        "waiting": [_waiting(one) for one in result.waiting],
        "overlaps": [_waiting(one) for one in result.overlaps],
        "notes": [*merged.notes, *result.notes],
        "taxonomy": merged.taxonomy.version,
    }


def _waiting(one: Waiting) -> dict[str, Any]:
    row = one.decision
    told = {"line": row.line, "link": row.link, "probability": row.probability}
    return {**told, "rows": one.rows, "why": one.why}


def compare_after(before: Mapping[str, Any], after: Counts) -> list[str]:
    """Return how the rows differ from what the report before promised; empty when they agree."""
    labelled = [
        (labels, rows) for present in after.present.values() for labels, rows in present.items() if rows
    ]
    counted = {
        "rows": sum(rows for _, rows in labelled),
        "rows_unmapped": sum(rows for labels, rows in labelled if not labels),
        **{
            f"rows at level {level['level']}": sum(
                rows for labels, rows in labelled if len(labels) >= level["level"]
            )
            for level in before["levels"]
        },
    }
    promised = {
        "rows": before["rows"],
        "rows_unmapped": before["rows_unmapped"],
        **{f"rows at level {level['level']}": level["rows"] for level in before["levels"]},
    }
    return [
        f"{name}: promised {promised[name]:,}, found {counted[name]:,}"
        for name in counted
        if counted[name] != promised[name]
    ]


def as_text(report: Mapping[str, Any], limit: int = 10) -> list[str]:
    """Return the report as lines for a terminal."""
    origins = ", ".join(f"{rows:,} {origin}" for origin, rows in report["rows_by_origin"].items())
    categories = " / ".join(str(level["categories"]) for level in report["levels"])
    labelled = " / ".join(f"{level['rows']:,}" for level in report["levels"])
    lines = [
        f"rows {report['rows']:,}; labels change on {report['rows_moved']:,} ({origins or 'none labelled'})",
        f"tree {categories}; rows with a label at each level {labelled}",
        f"merged categories: {len(report['joined'])}",
    ]
    for group in report["joined"][:limit]:
        members = " = ".join(f"{m['source']} '{m['path']}' ({m['rows']:,})" for m in group["members"])
        lines.append(f"  {group['id']} {group['name']}: {members}")
    lines += _more(len(report["joined"]), limit)
    lines.append(f"categories without a place: {len(report['unmapped'])} ({report['rows_unmapped']:,} rows)")
    reasons = Counter(row["reason"] for row in report["unmapped"])
    lines += [f"  {count} because {reason}" for reason, count in reasons.most_common()]
    lines += [f"  {row['source']} '{row['path']}' ({row['rows']:,})" for row in report["unmapped"][:limit]]
    lines += _more(len(report["unmapped"]), limit)
    if report["unnamed"]:
        names = ", ".join(f"{row['id']} {row['name']}" for row in report["unnamed"][:limit])
        lines.append(f"merged under different names, nobody has named them: {names}")
    if report.get("waiting"):  # the report of an earlier version has none
        lines.append(f"links that wait for a person: {len(report['waiting'])}, by rows at stake")
        lines += [
            f"  line {row['line']}: {row['link']} ({row['rows']:,} rows): {row['why']}"
            for row in report["waiting"][:limit]
        ]
        lines += _more(len(report["waiting"]), limit)
    if report.get("overlaps"):
        lines.append(f"categories that overlap, which is never applied: {len(report['overlaps'])}")
        lines += [
            f"  line {row['line']}: {row['link']} ({row['rows']:,} rows)"
            for row in report["overlaps"][:limit]
        ]
        lines += _more(len(report["overlaps"]), limit)
    lines += [f"note: {note}" for note in report["notes"][:limit]] + _more(len(report["notes"]), limit)
    return lines


def _more(count: int, limit: int) -> list[str]:
    return [f"  … and {count - limit} more (--json lists all)"] if count > limit else []


def _levels(
    counts: Counts, merged: Merge, mapped: Mapping[PlatformPath, Sequence[object]]
) -> list[dict[str, int]]:
    depth = max((len(labels) for labels in mapped.values()), default=0)
    return [
        {
            "level": level,
            "categories": sum(not category.archived for category in merged.taxonomy.at_level(level)),
            "rows": sum(counts.rows[node] for node, labels in mapped.items() if len(labels) >= level),
        }
        for level in range(1, depth + 1)
    ]


def _joined(counts: Counts, merged: Merge) -> list[dict[str, Any]]:
    below: Counter[PlatformPath] = Counter()
    for (source, path), rows in counts.rows.items():
        for depth in range(1, len(path) + 1):
            below[(source, path[:depth])] += rows
    groups = [
        {
            "id": category,
            "name": merged.taxonomy[category].name,
            "rows": sum(below[node] for node in nodes),
            "members": [
                {"source": node[0], "path": PATH_SEPARATOR.join(node[1]), "rows": below[node]}
                for node in nodes
            ],
        }
        for category, nodes in merged.joined.items()
        if category in merged.taxonomy
    ]
    return sorted(groups, key=lambda group: (-group["rows"], group["id"]))


def _unmapped(counts: Counts, merged: Merge) -> list[dict[str, Any]]:
    rows = [
        {
            "source": node[0],
            "path": PATH_SEPARATOR.join(node[1]),
            "rows": count,
            "reason": merged.unmapped.get(node, "the rows have no category path"),
        }
        for node, count in counts.rows.items()
        if not merged.mapping.get(node)
    ]
    return sorted(rows, key=lambda row: (-row["rows"], row["source"], row["path"]))
