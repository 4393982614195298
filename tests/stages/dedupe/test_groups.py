import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.settings.dedupe import DedupeSettings
from mep3m.stages.dedupe.groups import REASONS, DuplicateEvidence, Links, find_links, first_rows, group
from mep3m.stages.dedupe.titles import normalise, shingle, signatures, title_keys

ON = DedupeSettings()
LONG = "安满孕妇配方奶粉八百克罐装新西兰原装进口高钙含叶酸早期中期晚期哺乳期妈妈适用"
OTHER = "男士短袖纯棉圆领打底衫夏季宽松休闲大码潮流印花上衣"


def evidence(
    titles: list[str | None], images: list[int] | None = None, hashes: list[int] | None = None
) -> DuplicateEvidence:
    normalised = normalise(pa.array(titles, pa.string()))
    cut = shingle(normalised)
    none = [0] * len(titles)
    return DuplicateEvidence(
        title_keys(normalised),
        np.array(images or none, np.uint64),
        np.array(hashes or none, np.uint64),
        signatures(cut),
        cut,
    )


def groups(found: DuplicateEvidence, on: DedupeSettings = ON) -> list[int]:
    first = first_rows(found, on)
    return group(first, find_links(found, first, on), on.chain).tolist()


def test_equal_titles_are_one_group_named_by_the_first() -> None:
    assert groups(evidence([LONG, OTHER, f"【{LONG}】", None, None, OTHER.upper()])) == [0, 1, 0, 3, 4, 1]


def test_near_titles_join_and_can_be_switched_off() -> None:
    titles = [LONG, LONG[:-4] + "孕妈咪用"]
    assert groups(evidence(titles)) == [0, 0]
    assert groups(evidence(titles), DedupeSettings(near_title=None)) == [0, 1]
    assert groups(evidence(titles), DedupeSettings(near_title=0.95)) == [0, 1]


def test_equal_images_join_unless_they_are_a_placeholder() -> None:
    titles = ["红色手机壳防摔", "完全不同的商品名", OTHER]
    assert groups(evidence(titles, [7, 7, 0])) == [0, 0, 2]
    assert groups(evidence(titles, [7, 7, 0]), DedupeSettings(same_image=False)) == [0, 1, 2]
    rng = np.random.default_rng(0)
    many = ["".join(chr(0x4E00 + k) for k in rng.integers(0, 5000, 12)) for _ in range(40)]
    assert groups(evidence(many, [7] * 40)) == list(range(40))
    assert len(set(groups(evidence(many, [7] * 40), DedupeSettings(common_image=40, chain=40)))) == 1


def test_near_images_join_only_with_titles_alike() -> None:
    close = [0b1011, 0b1000]
    reworded = LONG[10:] + "官方旗舰店包邮正品" + LONG[:10]
    assert groups(evidence([LONG, OTHER], hashes=close)) == [0, 1]
    apart = DedupeSettings(near_title=None)
    assert groups(evidence([LONG, reworded], hashes=close), apart) == [0, 0]
    assert groups(evidence([LONG, reworded], hashes=[0b1011, 2**40 - 1]), apart) == [0, 1]
    assert groups(
        evidence([LONG, reworded], hashes=close), DedupeSettings(near_title=None, image_title=0.99)
    ) == [0, 1]


def test_links_say_why() -> None:
    found = evidence([LONG, LONG[:-2] + "孕妈", "别的东西在这里"], [0, 5, 5])
    links = find_links(found, first_rows(found, ON), ON)
    said = {
        tuple(pair): REASONS[reason] for pair, reason in zip(links.pairs.tolist(), links.reason, strict=True)
    }
    assert said == {(1, 2): "same_image", (0, 1): "near_title"}
    assert links.similarity.min() >= 0


def test_a_chain_is_cut_and_a_dense_group_is_not() -> None:
    steps = 60
    walk = [[i, i + 1] for i in range(steps - 1)]
    links = Links(np.array(walk), np.ones(len(walk), np.int64), np.ones(len(walk)))
    parts = group(np.arange(steps), links, chain=20)
    assert np.bincount(parts).max() <= 3
    clique = [[i, j] for i in range(steps) for j in range(i + 1, steps)]
    links = Links(np.array(clique), np.ones(len(clique), np.int64), np.ones(len(clique)))
    assert set(group(np.arange(steps), links, chain=20).tolist()) == {0}


@given(
    st.integers(1, 30).flatmap(
        lambda n: st.tuples(
            st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40)
        )
    ),
    st.integers(2, 6),
)
@settings(deadline=None)
def test_groups_are_named_by_their_first_row_and_never_cross_components(
    drawn: tuple[int, list[tuple[int, int]]], chain: int
) -> None:
    count, edges = drawn
    kept = sorted({(min(edge), max(edge)) for edge in edges if edge[0] != edge[1]})
    pairs = np.array(kept, np.int64).reshape(-1, 2)
    links = Links(pairs, np.ones(len(pairs), np.int64), np.ones(len(pairs)))
    cut = group(np.arange(count), links, chain)
    whole = group(np.arange(count), links, chain=count)
    for row in range(count):
        assert cut[row] <= row
        assert cut[cut[row]] == cut[row]
        assert whole[cut[row]] == whole[row]
    large = [size for size in np.bincount(cut) if size > chain]
    neighbours = np.bincount(pairs.ravel(), minlength=count) if len(pairs) else np.zeros(count)
    assert all(size <= neighbours.max() + 1 for size in large)  # a star is no larger than its centre's reach
