"""The door of the command line: every error is one line and a code, every command loads when it is called."""

import errno
import importlib
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from mep3m import __version__, errors
from mep3m.cli import COMMANDS, cli
from mep3m.errors import Mep3mError, UsageError
from tests.cli.runner import Ran, ran

KINDS = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Mep3mError)),
    key=lambda kind: kind.__name__,
)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], Ran]:
    """Run a command of the test's own through the whole command line."""

    def run(body: Callable[[], object]) -> Ran:
        module = types.ModuleType("mep3m_test_command")
        module.tried = click.command("tried")(lambda: body())  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "mep3m_test_command", module)
        monkeypatch.setitem(COMMANDS, "tried", ("mep3m_test_command", "A command of a test."))
        return ran("tried")

    return run


def raises(error: BaseException) -> Callable[[], object]:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_raised_on_purpose_is_one_line_and_its_code(
    kind: type[Mep3mError], command: Callable[[Callable[[], object]], Ran]
) -> None:
    found = command(raises(kind("茶 is not allowed: write 'tea'")))
    assert found.code == (2 if issubclass(kind, UsageError) else 1)
    assert (found.out, found.err) == ("", "error: 茶 is not allowed: write 'tea'\n")


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.EACCES, 2, "/shop/a.csv: you may not read or write there"),
        (errno.EROFS, 2, "/shop/a.csv: that file system is read-only"),
        (errno.ENOSPC, 1, "/shop/a.csv: no room is left; free some and run the same command again"),
        (errno.EIO, 1, f"/shop/a.csv: {os.strerror(errno.EIO)}"),
    ],
)
def test_an_error_of_the_system_is_one_line_that_says_where(
    number: int, code: int, said: str, command: Callable[[Callable[[], object]], Ran]
) -> None:
    found = command(raises(OSError(number, os.strerror(number), "/shop/a.csv")))
    assert (found.code, found.err.count("\n")) == (code, 1)
    assert found.err.startswith(f"error: {said}")


def test_ctrl_c_says_how_to_go_on(command: Callable[[Callable[[], object]], Ran]) -> None:
    found = command(raises(KeyboardInterrupt()))
    assert (found.code, found.err.strip()) == (130, "stopped; run the same command again to go on")


def test_a_bug_is_not_hidden(command: Callable[[Callable[[], object]], Ran]) -> None:
    with pytest.raises(ZeroDivisionError):
        command(lambda: 1 / 0)


def test_the_code_of_a_command_that_ends_itself_is_kept(
    command: Callable[[Callable[[], object]], Ran],
) -> None:
    assert command(lambda: click.get_current_context().exit(1)).code == 1
    assert command(lambda: click.get_current_context().exit(0)).code == 0
    assert command(lambda: None).code == 0


def test_an_unknown_command_names_the_nearest_and_all_of_them() -> None:
    found = ran("ingset")
    assert found.code == 2
    assert "no command 'ingset' (did you mean 'ingest'? allowed: align, assign, build" in found.err


def test_every_command_is_listed_with_its_line_and_is_the_command_of_that_name() -> None:
    shown = ran("--help").out
    for name, (module, line) in COMMANDS.items():
        assert f"{name} " in shown
        assert line.split(" ", 1)[0] in shown
        found = getattr(importlib.import_module(module), name.replace("-", "_"))
        assert isinstance(found, click.Command)
        assert (found.name, bool(found.help)) == (name, True)
    assert cli.list_commands(click.Context(cli)) == sorted(COMMANDS)


def test_the_exit_codes_are_in_the_help() -> None:
    shown = " ".join(ran("--help").out.split())
    for said in (
        "0 done",
        "1 finished, but a row, an image or a decision was refused",
        "2 wrong use",
        "130 stopped",
    ):
        assert said in shown


def test_the_module_is_the_command() -> None:
    for arguments, code in ((["--version"], 0), (["no-such"], 2), ([], 2)):
        found = subprocess.run(
            [sys.executable, "-m", "mep3m", *arguments], capture_output=True, text=True, check=False
        )
        assert found.returncode == code
        assert "Traceback" not in found.stderr
        if code == 0:
            assert found.stdout.strip() == f"mep3m, version {__version__}"


def test_help_is_shown_in_any_folder_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in COMMANDS:
        assert ran(name, "--help").code == 0
    assert list(tmp_path.iterdir()) == []
