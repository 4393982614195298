"""Review: similar products decided together by one key, conflicts for an admin, and who decided what."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field, StringConstraints

from mep3m.desk.accounts.people import Person
from mep3m.desk.description import WHOLE
from mep3m.desk.desk import Desk
from mep3m.desk.language import Translator
from mep3m.desk.outcome import agreement
from mep3m.desk.outcome.training_rows import export
from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.pictures import thumbnail
from mep3m.desk.reviewing.records import ItemGroup, ItemVerdict

#: what people are asked; an admin also resolves conflicts
Asked = Literal["review", "audit", "conflict"]
_SIDE = 480
_KINDS = {"tsv": "text/tab-separated-values", "csv": "text/csv", "json": "application/json"}
_KINDS |= {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class Decide(BaseModel):
    """What a person says of items; `batch` names it, so that it is recorded once however often it is sent."""

    batch: Annotated[str, StringConstraints(min_length=8, max_length=64)]
    queue: Asked
    items: Annotated[list[Annotated[int, WHOLE]], Field(min_length=1, max_length=100)]
    verdict: Literal["category", "none", "unsure"]
    category: Annotated[int | None, WHOLE] = None
    after: Annotated[int, WHOLE] = 0


class Undo(BaseModel):
    """The wish to take back the last batch."""

    batch: Annotated[str, StringConstraints(min_length=8, max_length=64)]
    queue: Asked
    after: Annotated[int, WHOLE] = 0


def routes(desk: Desk) -> APIRouter:
    """Return the pages of the review."""
    router = APIRouter(prefix="/review", tags=["review"])
    reviewer = Depends(desk.door.needs("reviewer"))
    work, reviewing = Work(desk), desk.reviewing

    @router.get("")
    def page(request: Request, person: Person = reviewer) -> HTMLResponse:
        """Show the next group."""
        return work.show(request, person, "review", "review.html")

    @router.get("/group")
    def group(
        request: Request,
        queue: Asked,
        after: Annotated[int, WHOLE] = 0,
        skip: bool = False,
        person: Person = reviewer,
    ) -> HTMLResponse:
        """Return the next group, as the part of the page that it is."""
        return work.show(request, person, queue, "review_group.html", after=after, skip=skip)

    @router.post("/decide")
    def decide(request: Request, wish: Decide, person: Person = reviewer) -> HTMLResponse:
        """Record a decision, and return the next group."""
        signed = Signed(person.name, wish.batch, "desk", resolves=_may(person, wish.queue) == "conflict")
        if (wish.verdict == "category") != (wish.category is not None):
            raise HTTPException(422, "a category goes with the verdict 'category', and with no other")
        said = ItemVerdict(wish.verdict, wish.category)
        done = reviewing.log.decide(dict.fromkeys(wish.items, said), signed)
        told = work.told(
            desk.pages.translator(request, person),
            len(done.items),
            said,
            done.others if wish.queue == "review" else (),
        )
        return work.show(request, person, wish.queue, "review_group.html", after=wish.after, told=told)

    @router.post("/undo")
    def undo(request: Request, wish: Undo, person: Person = reviewer) -> HTMLResponse:
        """Take back the last decision of this person, and show its items again."""
        done = reviewing.log.undo(person.name, wish.batch)
        _ = desk.pages.translator(request, person)
        told = _("Taken back: {n} {n:product|products}", n=len(done.items))
        return work.show(
            request, person, wish.queue, "review_group.html", after=wish.after, told=told, again=done.items
        )

    @router.get("/categories")
    def categories(q: str = "", person: Person = reviewer) -> list[dict[str, Any]]:
        """Return the categories that a text may mean."""
        return [{"id": one.id, "shown": one.shown} for one in reviewing.categories.find(q[:200])]

    @router.get("/picture/{item}")
    def picture(item: Annotated[int, WHOLE], person: Person = reviewer) -> Response:
        """Return the picture of an item, small enough to be looked at."""
        content = thumbnail(reviewing, item, _SIDE)
        if content is None:
            raise HTTPException(404, "there is no picture")
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    _for_admins(router, desk, work)
    return router


def _for_admins(router: APIRouter, desk: Desk, work: Work) -> None:
    """Add the pages that show who decided what, and give it away."""
    admin, reviewing = Depends(desk.door.needs("admin")), desk.reviewing

    @router.get("/conflicts")
    def conflicts(request: Request, person: Person = admin) -> HTMLResponse:
        """Show an admin what people disagree on."""
        return work.show(request, person, "conflict", "review.html")

    @router.get("/people")
    def people(request: Request, who: str | None = None, person: Person = admin) -> HTMLResponse:
        """Show an admin how people agree, how right they are, and who decided what."""
        return desk.pages.show(
            request, person, "review_people.html",
            pairs=agreement.pairs(reviewing), right=agreement.rightness(reviewing),
            counts=agreement.counts(reviewing), history=reviewing.log.history(who), who=who,
            categories=reviewing.categories.by_id,
        )  # fmt: skip

    @router.get("/export")
    def download(kind: str = "tsv", person: Person = admin) -> Response:
        """Send what is agreed on, as training reads it."""
        if kind not in _KINDS:
            raise HTTPException(422, f"kind '{kind}' is none of {', '.join(_KINDS)}")
        with TemporaryDirectory() as folder:
            to = Path(folder) / f"reviewed.{kind}"
            export(reviewing, to)
            content = to.read_bytes()
        named = {"Content-Disposition": f'attachment; filename="reviewed.{kind}"'}
        return Response(content, media_type=_KINDS[kind], headers=named)


class Work:
    """What a person is asked, as a page or a part of one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(
        self,
        request: Request,
        person: Person,
        queue: Asked,
        template: str,
        *,
        after: int = 0,
        skip: bool = False,
        told: str = "",
        again: tuple[int, ...] = (),
    ) -> HTMLResponse:
        """Return the next group of a queue, or the items that are shown again."""
        reviewing, categories = self._desk.reviewing, self._desk.reviewing.categories
        _may(person, queue)
        said: list[dict[str, Any]] = []
        if again:
            group = reviewing.line.show(again, categories)
        elif queue == "conflict":
            group, said = self._conflict()
        else:
            group = reviewing.line.next(person.name, queue, categories, after, skip)
        chosen = () if group is None else group.choices
        if queue == "audit":
            chosen = tuple(reviewing.line.recent(person.name, categories, "audit"))
        return self._desk.pages.show(
            request, person, template, queue=queue, group=group, said=said, told=told,
            after=after if group is None or group.cluster > after else 0,
            choices=[categories.by_id[one] for one in chosen], left=self._left(queue),
            taken=bool(categories.choices), folder=self._desk.folder,
        )  # fmt: skip

    def told(self, _: Translator, count: int, said: ItemVerdict, others: tuple[str, ...]) -> str:
        """Return in words what was recorded."""
        found = self._desk.reviewing.categories.by_id.get(said.category or 0)
        what = found.shown if found else {"none": _("none of these"), "unsure": _("unsure")}[said.verdict]
        told = _("{n} {n:product|products}: {what}", n=count, what=what)
        return told + (" · " + _("others had decided on some of them as well") if others else "")

    def _left(self, queue: Asked) -> int:
        if queue == "conflict":
            return agreement.count_conflicts(self._desk.reviewing)
        return self._desk.reviewing.line.left(queue)

    def _conflict(self) -> tuple[ItemGroup | None, list[dict[str, Any]]]:
        """Return the first conflict, with what each person said; these are the first choices."""
        reviewing = self._desk.reviewing
        found = agreement.conflicts(reviewing, limit=1)
        if not found:
            return None, []
        group = reviewing.line.show([found[0]["id"]], reviewing.categories)
        if group is None:
            return None, []
        said = found[0]["said"]
        first = [one["chosen"] for one in said if one["chosen"] is not None]
        choices = tuple(dict.fromkeys([*first, *group.choices]))[:9]
        return ItemGroup(group.cluster, group.items, choices), said


def _may(person: Person, queue: Asked) -> Asked:
    if queue == "conflict" and not person.may("admin"):
        raise HTTPException(403, "conflicts are for an admin")
    return queue
