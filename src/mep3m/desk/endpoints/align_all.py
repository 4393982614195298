"""Many links at once: bulk decisions, the history, the file out and in, and what applies all of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.background import BackgroundTask

from mep3m.alignment.merging.impact import as_text
from mep3m.alignment.records import MOST_DIGITS
from mep3m.alignment.review.contract import DecidedMeanwhileError, Signature
from mep3m.alignment.review.copies import take
from mep3m.alignment.review.decisions import links, parse_mapping, read_review
from mep3m.alignment.review.export import Terms, export_sssom
from mep3m.alignment.review.sssom import RELATIONS
from mep3m.alignment.sheet import Sheet
from mep3m.desk.accounts.people import Person
from mep3m.desk.description import WHOLE
from mep3m.desk.desk import Desk
from mep3m.desk.linking.answers import DECISIONS, Looking, cells_for
from mep3m.errors import Mep3mError, UsageError
from mep3m.settings.align import MergeSettings
from mep3m.store.append_log import now

HOW = "desk, all that match"


def routes(desk: Desk) -> APIRouter:
    """Return the pages about many links."""
    router = APIRouter(tags=["align"])
    reviewer = Depends(desk.door.needs("reviewer"))

    @router.get("/align/all")
    def preview(request: Request, person: Person = reviewer) -> HTMLResponse:
        """Show which links a filter finds, before they are decided at once."""
        return _preview(desk, request, person)

    @router.post("/align/all")
    def decide_all(
        request: Request,
        decision: Annotated[str, Form()],
        count: Annotated[int, Form(), WHOLE],
        revision: Annotated[int, Form(), WHOLE],
        person: Person = reviewer,
    ) -> Response:
        """Decide all of them as one batch; where they are not those that were shown, nothing is done."""
        cells, looking = cells_for(decision), Looking.of(request)
        keys = desk.links.queue(looking.blind).keys(looking.wanted)
        if len(keys) != count:
            problem = (
                "the links that match are not those that were shown: "
                f"{count:,} before, {len(keys):,} now; look again"
            )
            return _preview(desk, request, person, problem, 409)
        try:
            signature = Signature(person.name, now(), HOW)
            desk.links.log.decide(dict.fromkeys(keys, cells), signature, revision)
        except DecidedMeanwhileError as error:
            return _preview(desk, request, person, str(error), 409)
        return RedirectResponse(f"/align/all{looking.query(decided=len(keys))}", 303)

    @router.get("/align/history")
    def history(
        request: Request, before: Annotated[int | None, WHOLE] = None, person: Person = reviewer
    ) -> HTMLResponse:
        """Show who decided what, and when: an admin everything, others what they decided themselves."""
        by = None if person.role == "admin" else person.name
        batches = desk.links.queue().batches(before, by)
        return desk.pages.show(
            request, person, "align-history.html", batches=batches, by=by, relations=RELATIONS
        )

    @router.get("/align/export")
    def export(decided: bool = False, person: Person = reviewer) -> Response:
        """Send the review file, or what was decided as a set for other tools."""
        if not decided:
            desk.links.log.write()
            return FileResponse(desk.links.log.path, media_type=_TSV, filename=desk.links.log.path.name)
        review = desk.links.log.read(now())
        wanted = {row.line for row in links(review.decisions, MergeSettings(unreviewed="skip"))}
        wanted |= {row.line for row in review.decisions if row.verdict in ("accept", "reject")}
        rows = [parse_mapping(cells, line) for line, cells in review.sheet if line in wanted]
        with tempfile.NamedTemporaryFile(suffix=".sssom.tsv", delete=False) as file:
            made = Path(file.name)
        try:
            export_sssom(made, rows, Terms(desk.folder.path.name))
        except BaseException:
            made.unlink()
            raise
        return FileResponse(
            made, media_type=_TSV, filename="decided.sssom.tsv", background=BackgroundTask(made.unlink)
        )

    @router.post("/align/import")
    def bring_in(request: Request, file: UploadFile, person: Person = reviewer) -> Response:
        """Bring in the decisions of a copy of the review file, as one batch."""
        sheet = _read_copy(file)
        for row in sheet.rows:
            if row.get("mep3m_decision") and not row.get("reviewer_label"):
                row["reviewer_label"] = person.name
        taken = take(desk.links.log, sheet, now())
        return RedirectResponse(f"/align/all{Looking.of(request).query(taken=taken)}", 303)

    _applying(router, desk)
    return router


def _applying(router: APIRouter, desk: Desk) -> None:
    """Add the pages on which decisions are applied."""
    reviewer, admin = (Depends(desk.door.needs(role)) for role in ("reviewer", "admin"))

    @router.get("/align/apply")
    def consider(request: Request, person: Person = reviewer) -> HTMLResponse:
        """Show what the decisions do to the dataset."""
        applying = desk.links.applying
        standing = applying.standing
        report = standing.report
        lines = as_text(report)[:2] if report else []
        return desk.pages.show(
            request, person, "align-apply.html", standing=standing, lines=lines, out=applying.out,
            project=applying.project, later=desk.links.log.revision - standing.revision,
        )  # fmt: skip

    @router.post("/align/check")
    def check(person: Person = reviewer) -> Response:
        """Begin to find out what would happen."""
        desk.links.applying.check()
        return RedirectResponse("/align/apply", 303)

    @router.post("/align/apply")
    def apply(revision: Annotated[int, Form(), WHOLE], person: Person = admin) -> Response:
        """Begin to write the dataset with its new labels."""
        desk.links.log.write()
        desk.links.applying.apply(revision)
        return RedirectResponse("/align/apply", 303)


_TSV = "text/tab-separated-values"


def _read_copy(copy: UploadFile) -> Sheet:
    """Read a file that somebody sends.

    Raises:
        UsageError: it is no review; the message names it as its sender does.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(copy.filename or "").name or "copy.tsv")
        path.write_bytes(copy.file.read())
        try:
            return read_review(path)[0]
        except Mep3mError as error:
            raise UsageError(str(error).replace(f"{folder}/", "")) from None


def _preview(
    desk: Desk, request: Request, person: Person, problem: str = "", status: int = 200
) -> HTMLResponse:
    """Return the page with the links that a filter finds."""
    looking = Looking.of(request)
    queue = desk.links.queue(looking.blind)
    revision = desk.links.log.revision  # before the links: what changes after it is told
    said = request.query_params
    return desk.pages.show(
        request,
        person,
        "align-all.html",
        status,
        **desk.links.around(looking),
        examples=queue.examples(looking.wanted),
        decisions=list(DECISIONS),
        revision=revision,
        decided=_count(said.get("decided", "")),
        taken=_count(said.get("taken", "")),
        problem=problem,
    )


def _count(said: str) -> int | None:
    """Return a number that the page itself wrote into its address; whatever else stands there is none."""
    return int(said) if said.isdecimal() and len(said) <= MOST_DIGITS else None
