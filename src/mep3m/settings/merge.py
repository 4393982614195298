"""Which decisions are applied, and how the merged tree is built."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mep3m.settings.base import Settings


class MergeSettings(Settings):
    """Settings of `mep3m align apply`.

    `join_inner` joins the inner categories (those with others below them) of different platforms that
    have the same name below the same parent; only a rejected row keeps two of them apart.
    `unreviewed = "accept"` also applies what the method accepted and no person has looked at, from
    `accept_above` on. `allow_joins` lets a merge join two categories of one platform. `unmapped`
    says what happens to the labels of rows whose category found no place in the tree.
    """

    unreviewed: Literal["skip", "accept"] = "skip"
    accept_above: float = Field(default=0.99, ge=0.0, le=1.0)
    allow_joins: bool = False
    join_inner: bool = True
    depth: int = Field(default=3, ge=1, le=8)
    unmapped: Literal["clear", "keep"] = "clear"
