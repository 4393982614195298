"""The page on which people decide, one link after the other, which categories belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from mep3m.alignment.keeping.queue import AskedLink, Queue
from mep3m.alignment.merging.reasons import loudest
from mep3m.alignment.review.contract import DecidedMeanwhileError, DecisionBatch, Signature
from mep3m.desk.accounts.people import Person
from mep3m.desk.description import WHOLE
from mep3m.desk.desk import Desk
from mep3m.desk.linking.answers import Looking, cells_for
from mep3m.errors import NotFoundError
from mep3m.store.append_log import now

#: how a decision at the desk is called in the history
HOW = "desk"
#: what a decision says of a link beside its verdict
_SAID = ("predicate_id", "mep3m_new_name_zh", "mep3m_new_name_en")


def routes(desk: Desk) -> APIRouter:
    """Return the pages on which one link is decided."""
    router = APIRouter(tags=["align"])
    reviewer = Depends(desk.door.needs("reviewer"))

    @router.get("/align", response_class=HTMLResponse)
    def look(
        request: Request,
        at: Annotated[int | None, WHOLE] = None,
        line: Annotated[int | None, WHOLE] = None,
        after: Annotated[int | None, WHOLE] = None,
        person: Person = reviewer,
    ) -> Response:
        """Show a link; without one the first that waits."""
        if desk.folder.review is None:
            return desk.pages.show(request, person, "align-none.html", review=None)
        looking = Looking.of(request)
        queue = desk.links.queue(looking.blind)
        if line is not None:
            at = queue.at_line(line)
            if at is None:
                raise NotFoundError(f"no link begins at line {line} of the review")
        if at is not None:
            return _page(desk, request, person, looking, at)
        if (first := queue.next(looking.wanted, after)) is not None:
            return RedirectResponse(f"/align{looking.query(at=first)}", 303)
        return _none(desk, request, person, looking)

    @router.post("/align/decide")
    def decide(
        request: Request,
        at: Annotated[int, Form(), WHOLE],
        revision: Annotated[int, Form(), WHOLE],
        decision: Annotated[str, Form()],
        name_zh: Annotated[str, Form()] = "",
        name_en: Annotated[str, Form()] = "",
        person: Person = reviewer,
    ) -> Response:
        """Record a decision, and go on to the next link."""
        looking = Looking.of(request)
        queue = desk.links.queue(looking.blind)
        asked = queue.link(at)
        if asked is None:
            raise NotFoundError("this link is not in the review any more; look at the next one")
        wanted = {asked.key: cells_for(decision, name_zh, name_en)}
        try:
            desk.links.log.decide(wanted, Signature(person.name, now(), HOW), revision)
        except DecidedMeanwhileError as error:
            if _sent_twice(queue, at, wanted[asked.key], person):
                return RedirectResponse(f"/align{looking.query(after=at)}", 303)
            return _page(desk, request, person, looking, at, problem=str(error), status=409)
        return RedirectResponse(f"/align{looking.query(after=at)}", 303)

    @router.post("/align/undo")
    def undo(request: Request, person: Person = reviewer) -> Response:
        """Take back what this person decided last, and show it."""
        batch = desk.links.log.undo(Signature(person.name, now(), "undo at the desk"), own=True)
        return _to_first_of(desk, request, batch)

    @router.post("/align/redo")
    def redo(request: Request, person: Person = reviewer) -> Response:
        """Repeat what this person took back last, and show it."""
        batch = desk.links.log.redo(Signature(person.name, now(), "redo at the desk"), own=True)
        return _to_first_of(desk, request, batch)

    return router


def _page(
    desk: Desk,
    request: Request,
    person: Person,
    looking: Looking,
    at: int,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    """Return the page of one link."""
    queue = desk.links.queue(looking.blind)
    asked = queue.link(at)
    if asked is None:
        raise NotFoundError("this link is not in the review any more; look at the next one")
    decision = asked.waits.decision
    ends = [
        desk.links.categories.shown(ref.source, label or ref.id, rows, titles)
        for ref, label, rows, titles in zip(
            (decision.left, decision.right),
            (decision.left_label, decision.right_label),
            asked.waits.rows,
            asked.waits.titles,
            strict=True,
        )
    ]
    following = queue.next(looking.wanted, at)
    return desk.pages.show(
        request,
        person,
        "align.html",
        status,
        **desk.links.around(looking),
        asked=asked,
        decision=decision,
        ends=ends,
        moved=_moved(asked),
        evidence=[] if looking.blind else loudest(decision),
        skip=f"/align{looking.query(at=following)}" if following is not None else "",
        told=person.role == "admin" or decision.reviewer == person.name,
        problem=problem,
    )


def _sent_twice(queue: Queue, at: int, cells: Mapping[str, str], person: Person) -> bool:
    """Return whether the last decision of a person is this one, on this link as it was before, and stands."""
    asked, last = queue.link(at), queue.batches(by=person.name, count=1)
    if asked is None or not last or last[0][1] != 1:
        return False
    [change] = last[0][2].changes
    wanted = {**{column: change.before.get(column, "") for column in _SAID}, **cells}
    same = all(change.after.get(column, "") == text for column, text in wanted.items())
    return same and change.row == asked.key and all(asked.cells.get(c, "") == wanted[c] for c in wanted)


def _none(desk: Desk, request: Request, person: Person, looking: Looking) -> HTMLResponse:
    """Return the page that says that no link is left."""
    return desk.pages.show(request, person, "align-none.html", review=True, **desk.links.around(looking))


def _moved(asked: AskedLink) -> int | None:
    """Return the rows that accepting the link moves; `None` where nobody knows."""
    left, right = asked.waits.rows
    relation = asked.waits.decision.relation
    if relation == "exact":
        return None if left is None or right is None else left + right
    return {"narrower": left, "broader": right, "overlaps": 0}[relation]


def _to_first_of(desk: Desk, request: Request, batch: DecisionBatch) -> Response:
    """Go to the first link of a batch; where that is gone, to the first that waits."""
    at = desk.links.queue().place_of(batch.changes[0].row)
    return RedirectResponse(f"/align{Looking.of(request).query(at=at)}", 303)
