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
