"""Pages from templates: every value is escaped, every text is in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from mep3m.desk.accounts.door import Door
from mep3m.desk.accounts.people import Person
from mep3m.desk.language import LANGUAGE, LANGUAGES, Translator, language_of
from mep3m.wording import Count

#: letters of a text that a list shows; a longer one is whole where it leads to
SHORT = 160
#: address -> (name, the least role that sees it), in the order of the bar at the top
BAR = {
    "/explore": ("Explore", "reader"),
    "/align": ("Align", "reviewer"),
    "/review": ("Review", "reviewer"),
    "/audit": ("Audit", "reviewer"),
    "/try": ("Try", "reader"),
    "/watch": ("Watch", "reader"),
}


@cache
def environment() -> jinja2.Environment:
    """The templates of the desk."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("mep3m.desk", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = lambda number: f"{Count(number)}"
    made.filters["short"] = short
    made.filters["percent"] = lambda share: "" if share is None else f"{100 * share:.1f} %"
    return made


def short(text: str, most: int = SHORT) -> str:
    """Return the beginning of a long text; where a page shows it, a link leads to the whole."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


@dataclass(frozen=True)
class Pages:
    """The pages of one desk on a folder."""

    folder: Path
    door: Door

    @property
    def name(self) -> str:
        """What the desk is called: the name of its folder."""
        return self.folder.name

    def translator(self, request: Request, person: Person | None) -> Translator:
        """Return what says texts to a reader: in their language, and only to an admin where files lie."""
        tells = person is not None and person.may("admin")
        return Translator(language_of(request), None if tells else self.folder.parent)

    def show(
        self, request: Request, person: Person | None, template: str, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Return a page; `person` is who sees it (`None`: nobody has signed in)."""
        held = getattr(request.state, "session", None)
        session = held or self.door.begin_here(person)
        language = language_of(request)
        html = (
            environment()
            .get_template(template)
            .render(
                _=self.translator(request, person),
                language=language,
                languages=LANGUAGES,
                here=lambda code: (
                    f"?{request.url.remove_query_params(LANGUAGE).include_query_params(lang=code).query}"
                ),
                bar={path: name for path, (name, role) in BAR.items() if person and person.may(role)},  # type: ignore[arg-type]
                path=request.url.path,
                person=person,
                signs_in=not self.door.open,
                csrf=session.csrf if session is not None else "",
                name=self.name,
                **values,
            )
        )
        # names of files may hold what is no character; no page fails because of one
        response = HTMLResponse(html.encode(errors="replace"), status, {"Cache-Control": "no-store"})
        if held is None and session is not None:
            self.door.leave_cookie(request, response, session)
        if request.query_params.get(LANGUAGE) in LANGUAGES:
            response.set_cookie(LANGUAGE, language, max_age=365 * 86400, samesite="strict", httponly=True)
        return response
