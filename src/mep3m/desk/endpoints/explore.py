"""The pages on which a dataset is looked at: products, categories, figures, what was refused."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from mep3m.desk.accounts.people import Person
from mep3m.desk.desk import Desk
from mep3m.desk.index.filters import ProductFilters
from mep3m.desk.index.index import COUNTED, IndexedCategory, StoreIndex
from mep3m.desk.shown import ShownProduct, shown
from mep3m.product import Product

#: characters of a question that are read
_LONGEST = 300
_Asked = Annotated[ProductFilters, Query()]


def routes(desk: Desk) -> APIRouter:
    """Return the pages below /explore."""
    router = APIRouter(tags=["explore"])
    reader = Depends(desk.door.needs("reader"))
    explore = _Explore(desk)

    @router.get("/explore")
    def products(request: Request, asked: _Asked, person: Person = reader) -> HTMLResponse:
        """Show the products that pass, beside the tree."""
        return explore.page(request, person, "explore.html", lambda index: explore.found(index, asked))

    @router.get("/explore/found")
    def found(request: Request, asked: _Asked, person: Person = reader) -> HTMLResponse:
        """Show only the products, for a page that asks while its reader types."""
        return explore.page(request, person, "explore_found.html", lambda index: explore.found(index, asked))

    @router.get("/explore/categories")
    def categories(q: str = "", person: Person = reader) -> list[dict[str, Any]]:
        """Return the categories whose names hold what is typed, with paths and counts."""
        index = desk.index.get()
        if index is None:
            return []
        return [
            {"id": one.id, "name": one.name, "english": one.english, "rows": one.below,
             "path": " > ".join(node.name for node in index.path(one)[:-1])}
            for one in index.suggest(q[:_LONGEST])
        ]  # fmt: skip

    @router.get("/explore/product/{name:path}")
    def product(request: Request, name: str, person: Person = reader) -> HTMLResponse:
        """Show everything that is known of a product, and its duplicate group."""
        return explore.page(
            request, person, "explore_product.html", lambda index: explore.product(index, name)
        )

    @router.get("/explore/figures")
    def figures(request: Request, person: Person = reader) -> HTMLResponse:
        """Show the statistics of the dataset."""

        def values(index: StoreIndex) -> dict[str, Any]:
            return {"numbers": index.fact("statistics"), "report": desk.folder.report is not None}

        return explore.page(request, person, "explore_figures.html", values)

    @router.get("/explore/refused")
    def refused(
        request: Request, after: Annotated[int, Query(ge=0, lt=2**62)] = 0, person: Person = reader
    ) -> HTMLResponse:
        """Show what could not be taken in."""
        return explore.page(
            request, person, "explore_refused.html", lambda index: {"rows": index.refused(after=after)}
        )

    return router


class _Explore:
    """What the pages of one desk have in common."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def page(self, request: Request, person: Person, template: str, values: Any) -> HTMLResponse:
        """Return a page of an index, or how far the index is, or why there is none."""
        keeper, pages = self._desk.index, self._desk.pages
        index = keeper.get()
        if index is None:
            status = 503 if keeper.problem else 200
            return pages.show(request, person, "explore_wait.html", status, keeper=keeper)
        return pages.show(request, person, template, **values(index))

    def found(self, index: StoreIndex, asked: ProductFilters) -> dict[str, Any]:
        """Return what the list of products shows."""
        asked = asked.model_copy(update={"q": asked.q[:_LONGEST]})
        at = index.category(asked.category) if asked.category else None
        path = index.path(at) if at is not None else []
        found = index.find(asked)
        return {
            "asked": asked,
            "kept": asked.asked(),
            "trail": path,
            "levels": self._open_levels(index, path),
            "choices": {kind: index.names(kind) for kind in ("platform", "level", "dropped", "origin")},
            "products": [self.show(product) for _, product in found.products],
            "rows": [row for row, _ in found.products],
            "page": found,
            "counted": COUNTED,
            "searchable": not asked.q.strip() or any(letter.isalnum() for letter in asked.q),
        }

    def product(self, index: StoreIndex, name: str) -> dict[str, Any]:
        """Return what the page of one product shows."""
        row = index.row_of(name)
        if row is None:
            raise HTTPException(404, f"the dataset has no product '{name[:_LONGEST]}'")
        [(_, product)] = index.products([row])
        twins, total = index.twins(row)
        return {
            "row": row,
            "shown": self.show(product),
            "twins": [self.show(other) for other_row, other in twins if other_row != row],
            "others": max(total - 1, 0),
            "refused": index.refused(product.id),
        }

    def show(self, product: Product) -> ShownProduct:
        """Return a product with the names of its categories and what is promotional in its picture."""
        assert self._desk.folder.store is not None
        return shown(product, self._desk.folder.store.taxonomy, self._desk.readings.lines(product))

    @staticmethod
    def _open_levels(index: StoreIndex, path: list[IndexedCategory]) -> list[list[IndexedCategory]]:
        """Return what the tree shows: the first level, and what is below each category of the path."""
        return [index.children(0), *(index.children(node.number) for node in path if node.inner)]
