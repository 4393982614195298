"""What an alignment does to categories and rows: a page of its own, and a section of a build's report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mep3m.alignment.merging.impact import as_text
from mep3m.report.page import Section, table, write_page


def write_impact(path: Path, report: Mapping[str, Any]) -> None:
    """Write the report of `alignment.merging.impact.impact` as a page."""
    summary = as_text({**report, "joined": [], "unmapped": [], "unnamed": [], "notes": []})[:2]
    sections = [
        Section("Rows and levels", table([{"what": line} for line in summary], {"what": ""})),
        alignment_section(report),
        Section(f"Notes: {len(report['notes'])}", table([{"note": note} for note in report["notes"]])),
    ]
    decided = ", ".join(f"{count:,} {verdict}" for verdict, count in report["decisions"].items())
    write_page(path, "Alignment", sections, {"taxonomy": report["taxonomy"], "decisions": decided})


def alignment_section(report: Mapping[str, Any], note: str = "") -> Section:
    """Return which categories became one, and which have no place in the tree; `note` says what to do."""
    joined = [
        {
            "id": group["id"],
            "category": group["name"],
            "from": " = ".join(f"{member['source']}: {member['path']}" for member in group["members"]),
            "products": group["rows"],
        }
        for group in report["joined"]
    ]
    unmapped = [
        {"platform": row["source"], "category": row["path"], "why": row["reason"], "products": row["rows"]}
        for row in report["unmapped"]
    ]
    origins = [{"labels": name, "products": count} for name, count in report["rows_by_origin"].items()]
    html = table(origins) + f"<h3>Joined categories: {len(joined)}</h3>" + table(joined)
    html += f"<h3>Without a place in the tree: {len(unmapped)}</h3>" + table(unmapped)
    return Section("Alignment", html, note)
