"""`mep3m serve`: a trained classifier over HTTP."""

from __future__ import annotations

from pathlib import Path

import click

from mep3m.errors import UsageError


@click.command(epilog="Example: mep3m serve runs/text --port 8000")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="0 takes a free port.")
def serve(run: Path, host: str, port: int) -> None:
    """Serve the classifier in RUN: a page at /, JSON at /assign, /assign-image, /card and /health."""
    import socket

    import uvicorn

    from mep3m.serving.app import create_app

    app = create_app(run)
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another --port"
        ) from None
    click.echo(f"serving {run} at http://{host}:{listening.getsockname()[1]}", err=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
