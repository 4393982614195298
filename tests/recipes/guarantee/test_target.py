"""What is to be promised: shares that make no sense are refused, and branches are found by id or name."""

import pytest

from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelTree
from mep3m.recipes.guarantee import Target
from mep3m.taxonomy import Category, Taxonomy

TREE = LabelTree.from_paths([("1", "11"), ("2", "21"), ("3",)])
NAMES = Taxonomy(
    (
        Category("1", "食品", "Food"),
        Category("11", "苹果", None, "1"),
        Category("2", "数码", "Digital"),
        Category("21", "手机", None, "2"),
        Category("3", "数码"),
    )
)


@pytest.mark.parametrize("name", ["precision", "confidence", "set_coverage"])
@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_share_lies_between_0_and_1(name: str, value: float) -> None:
    said = name.replace("set_coverage", r"\(--sets\)")
    with pytest.raises(UsageError, match=f"{said} {value:g} is not allowed"):
        Target(**{"precision": 0.9, name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-0.1, 0.5, 1.0, float("nan")])
def test_noise_is_less_than_a_half(value: float) -> None:
    with pytest.raises(UsageError, match="label noise"):
        Target(0.9, label_noise=value)


def test_only_certainty_is_told_that_no_audit_proves_it() -> None:
    with pytest.raises(UsageError, match="no audit of finitely many rows"):
        Target(0.9, own={"食品": 1.0})
    with pytest.raises(UsageError) as refused:
        Target(0.9, own={"食品": 2.0})
    assert "finitely" not in str(refused.value)


def test_a_branch_is_found_by_its_id_or_its_name() -> None:
    assert Target(0.9, own={"1": 0.95}).named(TREE, NAMES) == {0: 0.95}
    assert Target(0.9, own={"食品": 0.95}).named(TREE, NAMES) == {0: 0.95}
    assert Target(0.9, own={"2": 0.95, "3": 0.99}).named(TREE, None) == {1: 0.95, 2: 0.99}
    assert Target(0.9).named(TREE, NAMES) == {}


def test_a_name_that_two_branches_have_is_asked_for_by_id() -> None:
    with pytest.raises(UsageError, match="2 branches of the run have the name '数码'; give the id of one"):
        Target(0.9, own={"数码": 0.95}).named(TREE, NAMES)


@pytest.mark.parametrize("word", ["11", "苹果", "", "Food"])
def test_what_is_no_branch_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match=f"the run has no branch .first-level category. '{word}'"):
        Target(0.9, own={word: 0.95}).named(TREE, NAMES)


def test_noise_lowers_what_has_to_agree() -> None:
    assert Target(0.95).seen(0.95) == 0.95
    assert Target(0.95, label_noise=0.02).seen(0.95) == pytest.approx(0.932)
