"""What the bench of increments makes of the answers of another method."""

import sys

import pytest
from bench.learn_avalanche import interval, main, scored

#: two trained classes, then one more, then two more
TRUTH, KNOWN = [0, 0, 1, 1, 2, 3, 4], [2, 3, 5]


def answered(*answers: list[int]) -> list[dict[str, object]]:
    return [{"answers": some, "seconds": 2.0} for some in answers]


def test_rows_of_classes_not_learned_yet_do_not_count() -> None:
    told = answered([0, 0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 2, 2, 2], [0, 1, 1, 0, 2, 3, 0])
    first, second = scored(told, TRUTH, KNOWN)
    assert first == {"trained": 0.75, "new": 1.0, "all": 0.8, "lost": 0.0, "seconds": 2.0}
    assert second == pytest.approx({"trained": 0.5, "new": 2 / 3, "all": 4 / 7, "lost": 0.25, "seconds": 2.0})


def test_a_method_that_forgets_everything_shows_it() -> None:
    last = scored(answered(TRUTH, [2] * 7, [4] * 7), TRUTH, KNOWN)[-1]
    assert (last["trained"], last["lost"]) == (0.0, 1.0)


def test_a_gain_of_the_trained_classes_is_below_nothing() -> None:
    told = answered([1] * 7, TRUTH, TRUTH)
    assert [one["lost"] for one in scored(told, TRUTH, KNOWN)] == [-0.5, -0.5]


def test_intervals_are_of_student() -> None:
    assert interval([1.0, 2.0, 3.0]) == "2.0 ± 2.5"  # t of 2 degrees: 4.303 / √3
    assert interval([4.0]) == "4.0"


def test_without_avalanche_the_bench_says_how_to_have_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MEP3M_AVALANCHE", raising=False)
    monkeypatch.setattr(sys, "argv", ["learn_avalanche", "--work", ".", "--seeds", ""])
    main()
    assert "Avalanche is skipped: set MEP3M_AVALANCHE" in capsys.readouterr().out
