"""Numbers and nouns agree."""

import pytest

from mep3m.wording import Count, counted, without_folders


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 products"), (1, "1 product"), (2, "2 products"), (1000, "1,000 products")]
)
def test_a_number_with_what_is_counted(number: int, told: str) -> None:
    assert counted(number, "product") == told


def test_words_with_a_plural_of_their_own() -> None:
    assert counted(1, "category waits", "categories wait") == "1 category waits"
    assert counted(3, "category waits", "categories wait") == "3 categories wait"


def test_a_count_is_a_number_with_a_form() -> None:
    assert f"{Count(12345)}" == "12,345"
    assert f"{Count(12345):d}" == "12345"
    assert f"{Count(1):is|are} {Count(2):is|are} {Count(-1):is|are}" == "is are are"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/srv/shops/demo/promise.json is gone", "promise.json is gone"),
        ("'/srv/shops/demo/p.json': no", "'p.json': no"),
        (
            "see https://example.org/a/b/c.html and /audit/progress",
            "see https://example.org/a/b/c.html and /audit/progress",
        ),
        ("a/b/c/d.json stays", "a/b/c/d.json stays"),
        ("", ""),
    ],
)
def test_files_have_names_alone(text: str, told: str) -> None:
    assert without_folders(text) == told
