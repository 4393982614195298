import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.settings.quality import QualitySettings
from mep3m.stages.quality.titles import title_reasons

ON = QualitySettings()


def reason(title: str | None, checks: QualitySettings = ON) -> str | None:
    found: str | None = title_reasons(pa.array([title], pa.string()), checks)[0].as_py()
    return found


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("安满（Anmum）孕妇配方奶粉800克", None),
        ("Anmum 800g", None),
        ("iPhone 12", None),
        ("12345", None),  # no letters at all
        (None, "empty_title"),
        ("", "empty_title"),
        (" \u3000 ", "empty_title"),
        ("面", "short_title"),
        ("面" * 301, "long_title"),
        ("Новый беспроводной пылесос", "foreign_title"),
        ("سماعة لاسلكية جديدة", "foreign_title"),
        ("ソニーのイヤホン新品です", "foreign_title"),
        ("日本の抹茶 绿茶粉烘焙食用原料", None),  # mostly Han
        ("𠮷野家牛肉饭", None),  # beyond the basic plane
    ],
)
def test_reasons(title: str | None, expected: str | None) -> None:
    assert reason(title) == expected


def test_checks_can_be_switched_off_and_scripts_added() -> None:
    assert reason(None, QualitySettings(empty_title=False)) is None
    assert reason("面", QualitySettings(min_title=None)) is None
    assert reason("面" * 301, QualitySettings(max_title=None)) is None
    assert reason("Новый пылесос", QualitySettings(scripts=None)) is None
    assert reason("Новый пылесос", QualitySettings(scripts=("Han", "Latin", "Cyrillic"))) is None


@settings(deadline=None)
@given(st.lists(st.none() | st.text(max_size=40), max_size=20))
def test_a_column_is_judged_row_by_row(titles: list[str | None]) -> None:
    together = title_reasons(pa.array(titles, pa.string()), ON).to_pylist()
    assert together == [reason(title) for title in titles]
