"""Propose links between two platforms' categories, and score them: frames, lists of paths or files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from mep3m.alignment.from_store import sides_from_products
from mep3m.alignment.gold import Gold, gold_of_rows, read_gold
from mep3m.alignment.propose import propose as propose_links
from mep3m.alignment.records import TITLE_SEPARATOR, Proposal, Side, read_side, side_of_rows
from mep3m.alignment.review.file_log import require_replaceable
from mep3m.alignment.review.sssom import read_sssom
from mep3m.alignment.review.write import write_review
from mep3m.alignment.score import AlignmentScores
from mep3m.alignment.score import score as score_links
from mep3m.errors import NotFoundError, UsageError, did_you_mean
from mep3m.public.frames import Frame, to_arrow
from mep3m.public.inputs import PathLike, existing, is_path
from mep3m.public.product_set import ProductSet, load
from mep3m.settings.align import AlignSettings
from mep3m.store.rejects import Reject
from mep3m.taxonomy import PATH_SEPARATOR

_PROPOSALS = pa.schema(
    [
        ("left_id", pa.string()),
        ("left_label", pa.string()),
        ("relation", pa.string()),
        ("right_id", pa.string()),
        ("right_label", pa.string()),
        ("probability", pa.float64()),
        ("accept", pa.bool_()),
        ("words", pa.string()),
        ("left_source", pa.string()),
        ("right_source", pa.string()),
        ("evidence", pa.map_(pa.string(), pa.float64())),
    ]
)


def propose(
    left: Any,
    right: Any = None,
    *,
    method: Literal["evidence", "paper"] = "evidence",
    first_levels: Mapping[tuple[str, str], str] | None = None,
    settings: Mapping[str, Any] | None = None,
    out: PathLike | None = None,
) -> Frame[Proposal]:
    """Propose links between the categories of two platforms, with the evidence for each.

    A side is a list of paths (`"家电 > 电视"`), or a frame or tab-separated file with the columns `id`
    and `path`, and optionally `titles`, `ocr`, `name_en`, `count` and `first_level`; in a frame, `path`,
    `titles` and `ocr` may be lists. Without `right`, `left` is a dataset (`ProductSet`, store or build)
    with the products of several platforms. `accept` is the method's own decision; the other
    proposals are candidates for a person. `first_levels` maps (platform, its own first level) to the
    common class; the platforms of two sides are called left and right. `settings` are those of
    `[align]` in a project file. `out` also writes the proposals as an SSSOM table, for
    `mep3m align review` and `apply`.

    Raises:
        NotFoundError: there is no such file or column; the message names the nearest.
        FormatError: no row of a side can be used.
        UsageError: there is only one platform, or `out` holds decisions.

    Example:
        >>> left = ["家电 > 电视 > 曲面电视", "家电 > 空调", "食品 > 茶叶"]
        >>> right = ["电器 > 大家电 > 空调", "食品 > 茶叶", "电器 > 电视 > 曲面电视"]
        >>> links = mep3m.propose(left, right)
        >>> sorted((link.left_id, link.right_id) for link in links if link.accept)[0]
        ('家电 > 电视 > 曲面电视', '电器 > 电视 > 曲面电视')
    """
    if out is not None:
        require_replaceable(Path(out))
    parsed = AlignSettings.parse({**(settings or {}), "method": method}, "propose")
    sides, refused = _sides(left, right)
    proposals = propose_links(sides, parsed, dict(first_levels) if first_levels else None)
    if out is not None:
        files = {"left": left, "right": right} if right is not None else {"store": left}
        made_from = {key: Path(data) for key, data in files.items() if is_path(data)}
        write_review(Path(out), sides, proposals, " to ".join(side.name for side in sides), made_from)
    rows = [{field.name: getattr(one, field.name) for field in fields(Proposal)} for one in proposals]
    for row in rows:
        row["evidence"] = list(row["evidence"].items())
    return Frame(pa.Table.from_pylist(rows, schema=_PROPOSALS), _proposal, tuple(refused))


def score_proposals(proposals: Any, gold: Any, *, errors: int = 50) -> AlignmentScores:
    """Score proposals against a gold alignment; a pair counts as proposed when it was accepted.

    `proposals` are what `propose` returned, or an SSSOM file. `gold` is a frame or tab-separated file
    with the columns `left_id` and `right_id` and optionally `relation` (exact, broader, narrower),
    or a list of pairs. At most `errors` wrong and as many missed pairs are listed.

    Raises:
        NotFoundError: there is no such file or column.
        FormatError: a row of the gold cannot be understood.

    Example:
        >>> links = mep3m.propose(["家电 > 曲面电视"], ["电器 > 曲面电视"])
        >>> mep3m.score_proposals(links, [("家电 > 曲面电视", "电器 > 曲面电视")]).f1
        1.0
    """
    if is_path(proposals):
        rows = [row.proposal for row in read_sssom(existing(proposals))]
    else:
        rows = list(proposals)
    return score_links(rows, _gold(gold), errors)


def _sides(left: Any, right: Any) -> tuple[list[Side], list[Reject]]:
    if right is None:
        products = load(left)
        return sides_from_products([products.opened.products], products.opened.images), []
    if isinstance(left, ProductSet) or isinstance(right, ProductSet):
        raise UsageError("products of several platforms are one dataset: propose(products), without 'right'")
    (one, refused), (other, more) = _side(left, "left"), _side(right, "right")
    return [one, other], [*refused, *more]


def _side(data: Any, name: str) -> tuple[Side, list[Reject]]:
    if is_path(data):
        return read_side(existing(data), name)
    table = to_arrow(data, "path")
    if table.column_names == ["path"]:
        table = table.add_column(0, "id", table["path"])
    return side_of_rows(_cells(table, ("id", "path"), name), name, f"the {name} frame")


def _gold(gold: Any) -> Gold:
    if is_path(gold):
        return read_gold(existing(gold))
    if isinstance(gold, list | tuple) and gold and isinstance(gold[0], list | tuple):
        gold = [dict(zip(("left_id", "right_id", "relation"), pair, strict=False)) for pair in gold]
    return gold_of_rows(_cells(to_arrow(gold), ("left_id", "right_id"), "gold"), "the gold frame")


def _cells(table: pa.Table, required: tuple[str, ...], name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Return (row from 1, cells as text) of a frame; what is missing is an empty cell.

    Raises:
        NotFoundError: a required column is not there.
    """
    for column in required:
        if column not in table.column_names:
            near = did_you_mean(column, table.column_names)
            raise NotFoundError(f"the {name} frame has no column '{column}'{near}")
    rows = enumerate(table.to_pylist(), start=1)
    return ((n, {key: _text(key, value) for key, value in row.items()}) for n, row in rows)


def _text(column: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return (PATH_SEPARATOR if column == "path" else TITLE_SEPARATOR).join(map(str, value))
    if isinstance(value, float) and value.is_integer():  # a frame's whole numbers beside missing ones
        return str(int(value))
    return str(value)


def _proposal(row: dict[str, Any]) -> Proposal:
    return Proposal(**{**row, "evidence": dict(row["evidence"])})
