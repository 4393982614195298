"""Regenerate the golden SSSOM table with `PYTHONPATH=src python -m tests.alignment.make_golden`.

Run it only when the format changes on purpose, and read the difference before it is committed.
"""

from pathlib import Path

from mep3m.alignment.records import Proposal
from mep3m.alignment.review.sssom import REVIEWED, MappingRow, write_sssom

GOLDEN = Path(__file__).with_name("golden.sssom.tsv")

ROWS = [
    MappingRow(
        Proposal("10", "A > 手机", "exact", 1.0, True, {"name": 1.0}, "same name", "数码 > 手机", "A > 手机"),
        decision="accept", reviewer="li", date="2026-11-22", tool_version="1", justification=REVIEWED,
    ),
    MappingRow(
        Proposal("11", "a\tb", "narrower", 0.123456789, False, {"name": 0.5, "path": 1 / 3}, "line\nend",
                 'a "quoted" name', "tab\there", "京东", "苏宁"),
        date="2026-11-22", tool_version="1",
    ),
    MappingRow(
        Proposal("12", "x", "broader", 0.0, True), decision="不确定", new_name_zh="新名", new_name_en="New",
    ),
]  # fmt: skip

if __name__ == "__main__":
    write_sssom(GOLDEN, ROWS, "golden")
