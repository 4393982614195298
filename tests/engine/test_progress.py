import fcntl
import os
import struct
import sys
import termios

import pytest

from mep3m.engine import progress
from mep3m.engine.progress import bar, silent


def test_without_a_terminal_progress_is_plain_lines_with_rate(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("ocr", 10, "rows") as advance:
        advance(4)
        advance(6)
    printed = capsys.readouterr().err
    assert printed.startswith("ocr: 100% 10/10")
    assert "rows/s" in printed
    assert "\r" not in printed
    assert printed.count("\n") == 1


def test_long_work_says_where_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "QUIET", 0.0)
    with bar("ocr", 10, "rows") as advance:
        advance(5)
    assert capsys.readouterr().err.splitlines()[0].startswith("ocr:  50% 5/10")


def test_silence(capsys: pytest.CaptureFixture[str]) -> None:
    with silent("ocr", None, "rows") as advance:
        advance(3)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with os.fdopen(theirs, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        with bar("ingest", 200, "rows") as advance:
            for _ in range(4):
                advance(50)
        terminal.flush()
        shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "\r" in shown
    assert "ingest: 100%" in shown
    assert "200/200" in shown


def test_work_of_unknown_length_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("look", None, "files") as advance:
        advance(3)
    assert "look: 3 files" in capsys.readouterr().err


def test_an_error_in_the_work_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), bar("ingest", 10, "rows") as advance:
        advance(1 // 0)
    assert "Traceback" not in capsys.readouterr().err
