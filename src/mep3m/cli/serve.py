"""`mep3m serve`: a trained classifier over HTTP."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: mep3m serve runs/text --port 8000")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="0 takes a free port.")
def serve(run: Path, host: str, port: int) -> None:
    """Serve the classifier in RUN: a page at /, JSON at /assign, /assign-image, /card and /health."""
    import uvicorn

    from mep3m.serving.app import create_app

    app = create_app(run)
    click.echo(f"serving {run} at http://{host}:{port}", err=True)
    uvicorn.run(app, host=host, port=port, log_level="warning")
