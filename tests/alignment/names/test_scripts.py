"""Names of every script: letters keep their marks, and different names stay different."""

import unicodedata

import pytest

from mep3m.alignment.names.compare import compare_names, plain, segments, terms
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Entry, Side
from mep3m.settings.align import AlignSettings

TREES = {
    "Korean": ["패션 > 여성의류", "패션 > 남성의류", "가전 > 냉장고", "가전 > 세탁기"],
    "Russian": ["Одежда > Платья", "Одежда > Юбки", "Техника > Чайники", "Техника > Йогуртницы"],
    "Thai": ["เสื้อผ้า > กางเกง", "เสื้อผ้า > กระโปรง", "บ้าน > ตู้เย็น", "บ้าน > พัดลม"],
    "Arabic": ["ملابس > فساتين", "ملابس > قمصان", "منزل > ثلاجات", "منزل > مراوح"],
    "Greek": ["Ρούχα > Φορέματα", "Ρούχα > Φούστες", "Σπίτι > Ψυγεία", "Σπίτι > Φούρνοι"],
    "Hindi": ["कपड़े > साड़ी", "कपड़े > कुर्ता", "घर > पंखा", "घर > फ्रिज"],
    "kana": [
        "ファッション > スカート",
        "ファッション > ドレス",
        "おもちゃ > ぬいぐるみ",
        "おもちゃ > パズル",
    ],
    "French": ["Jardin > Bâches", "Jardin > Bûches", "Cuisine > Thés", "Cuisine > Théières"],
}
#: pairs that are two names, and were one (or none) when only a-z, digits and Han were read
TRAPS = [
    ("Bâches", "Bûches"), ("pêche", "pâche"), ("Größe", "Grüße"), ("한복", "양복"), ("чай", "чаи"),
    ("йод", "иод"), ("ปา", "ป่า"), ("ข้าว", "ขาว"), ("كتب", "كلب"), ("فيل", "فول"), ("ώμος", "νόμος"),
    ("गिलास", "गलास"), ("सोना", "सीना"), ("ハス", "バス"), ("ビル", "ビール"), ("TV 텔레비전", "TV 냉장고"),
]  # fmt: skip


@pytest.mark.parametrize("paths", TREES.values(), ids=TREES)
def test_identical_trees_are_aligned_completely(paths: list[str]) -> None:
    sides = [Side(name, tuple(Entry(path, tuple(path.split(" > "))) for path in paths)) for name in "ab"]
    linked = {(one.left_id, one.right_id) for one in propose(sides, AlignSettings()) if one.accept}
    assert linked == {(path, path) for path in paths}


@pytest.mark.parametrize(("one", "other"), TRAPS)
def test_two_names_stay_two(one: str, other: str) -> None:
    assert plain(one)
    assert plain(one) != plain(other)
    assert terms(plain(one)) != terms(plain(other))
    assert compare_names(one, other)[0] == 0.0


@pytest.mark.parametrize("name", [name for pair in TRAPS for name in pair])
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_form_of_unicode_and_case_is_the_same_name(name: str, form: str) -> None:
    assert plain(unicodedata.normalize(form, name)) == plain(name)  # type: ignore[arg-type]
    assert plain(name.title()) == plain(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Bâches/Bûches", ("bâches", "bûches")),
        ("Чай & Кофе", ("чай", "кофе")),
        ("お茶、テレビ台", ("お茶", "テレビ台")),
        ("کتاب\u200cها", ("کتابها",)),
        ("كتـــب", ("كتب",)),
        ("手机\ufe0f❤️", ("手机",)),
        ("1️⃣ phones", ("1 phone",)),
        ("Shoes\u0301", ("shoeś",)),
        ("◌́", ()),
    ],
)
def test_segments_and_signs_that_are_no_letters(name: str, expected: tuple[str, ...]) -> None:
    assert segments(name) == expected
