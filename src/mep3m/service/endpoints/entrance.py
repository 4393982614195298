"""What a service shows first: whether it answers, and a page to try it. A desk has its own."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from mep3m import __version__
from mep3m.report.page import render
from mep3m.service.access import NEEDS_KEY
from mep3m.service.endpoints.questions import Health
from mep3m.service.service import Service
from mep3m.settings.run import MIN_CONFIDENCE


def routes(service: Service, needs_key: bool) -> APIRouter:
    """Return the first endpoints of a service; with `needs_key` the page asks for one."""
    router = APIRouter(tags=["about the service"])
    reader = [Depends(service.access.reads("assign"))]

    @router.get("/health", response_model_exclude_none=True)
    async def health() -> Health:
        """Say that the process answers; open to everybody."""
        version = service.version
        promise = version.policy.promise.id if version.policy is not None else None
        return Health(mep3m=__version__, classes=len(version.run.classifier.tree.leaves), promise=promise)

    @router.get("/", dependencies=reader, responses=NEEDS_KEY, response_class=HTMLResponse)
    def page() -> str:
        """Show a page to try it."""
        version = service.version
        return render(
            "assign.html",
            classes=len(version.run.classifier.tree.leaves),
            depth=version.run.classifier.tree.depth,
            min_confidence=MIN_CONFIDENCE,
            precision=version.policy.promise.precision if version.policy is not None else None,
            needs_key=needs_key,
        )

    return router
