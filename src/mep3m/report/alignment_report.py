"""The page of an alignment: what applying a review does to the categories and rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mep3m.alignment.merging.impact import as_text
from mep3m.report.page import Section, table, write_page


def write_impact(path: Path, report: Mapping[str, Any]) -> None:
    """Write the report of `alignment.merging.impact.impact` as a page."""
    summary = as_text({**report, "joined": [], "unmapped": [], "unnamed": [], "notes": []})[:2]
    joined = [
        {**group, "members": " = ".join(f"{m['source']} {m['path']}" for m in group["members"])}
        for group in report["joined"]
    ]
    merged = {"id": "id", "name": "name", "members": "from", "rows": "rows"}
    homeless = {"source": "shop", "path": "category", "reason": "reason", "rows": "rows"}
    sections = [
        Section("Rows and levels", table([{"what": line} for line in summary], {"what": ""})),
        Section(f"Merged categories: {len(joined)}", table(joined, merged)),
        Section(f"Without a place: {len(report['unmapped'])}", table(report["unmapped"], homeless)),
        Section(f"Notes: {len(report['notes'])}", table([{"note": note} for note in report["notes"]])),
    ]
    decided = ", ".join(f"{count:,} {verdict}" for verdict, count in report["decisions"].items())
    write_page(path, "Alignment", sections, {"taxonomy": report["taxonomy"], "decisions": decided})
