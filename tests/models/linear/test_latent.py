"""The encoder of titles that needs no download."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mep3m.errors import Mep3mError, ModelError, UsageError
from mep3m.models.linear import latent
from mep3m.models.linear.latent import LatentText
from mep3m.representations.encode import encode
from mep3m.store.json_files import read_json, write_json
from tests.representations.small import titled, unit

CHINESE = {
    "水果": ["红富士苹果", "冰糖心苹果", "海南香蕉", "进口香蕉"],
    "手机": ["华为手机", "小米手机", "手机壳", "硅胶手机壳"],
}
ENGLISH = {
    "shoes": ["running shoes", "trail shoes", "leather shoes"],
    "shirts": ["cotton shirt", "linen shirt"],
}


def column(*titles: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(titles, pa.string())])


def catalogue(names: dict[str, list[str]], each: int = 12) -> tuple[list[str], list[str]]:
    """Return titles and the group of each."""
    rows = [(f"{name} {n}", group) for group, some in names.items() for name in some for n in range(each)]
    return [title for title, _ in rows], [group for _, group in rows]


@pytest.mark.parametrize("names", [CHINESE, ENGLISH])
def test_the_nearest_title_is_of_the_same_group(names: dict[str, list[str]]) -> None:
    titles, groups = catalogue(names)
    made = encode(titled(*titles), None, "text").vectors
    alike = made @ made.T
    np.fill_diagonal(alike, -1)
    assert np.mean(np.array(groups)[alike.argmax(1)] == np.array(groups)) > 0.95


def test_the_directions_are_those_of_an_exact_decomposition() -> None:
    titles, _ = catalogue(CHINESE)
    encoder = LatentText.fit(column(*titles), dimensions=5)
    texts = latent.encode_texts(column(*titles))
    rows = latent._matrix(encoder.vocabulary, texts, np.arange(len(titles))).toarray()[:, :-1]
    _, _, exact = np.linalg.svd(rows, full_matrices=False)
    same = np.abs((exact[:5] * encoder.directions[:-1].T).sum(1))
    np.testing.assert_allclose(same, 1, atol=2e-3)  # kept in half precision


def test_the_same_seed_gives_the_same_encoder_and_a_sample_depends_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    titles = column(*catalogue(CHINESE)[0])
    assert LatentText.fit(titles).key == LatentText.fit(titles).key
    monkeypatch.setattr(latent, "SAMPLE", 40)
    one, again, other = (LatentText.fit(titles, seed=seed) for seed in (1, 1, 2))
    assert one.titles == 40
    assert one.key == again.key != other.key


@pytest.mark.parametrize(
    "titles", [["苹果"], ["tea", "tea"], ["a", "b"], ["tea", None, "rice"], ["茶" * 3000]]
)
def test_few_or_equal_titles_have_vectors(titles: list[str | None]) -> None:
    made = encode(titled(*titles), None, "text")
    present = np.array([title is not None for title in titles])
    np.testing.assert_array_equal(made.told[:, 0], present)
    np.testing.assert_allclose(np.linalg.norm(made.vectors, axis=1), present, atol=1e-6)


def test_a_title_of_nothing_that_is_known_has_none() -> None:
    encoder = LatentText.fit(column("green tea", "black tea", "white rice"))
    made = encode(titled("tea", "茉莉", "!!!", None), None, "text", [encoder])
    assert made.told[:, 0].tolist() == [True, False, False, False]
    assert not made.vectors[1:].any()


@pytest.mark.parametrize("titles", [[], [None], ["", "!!!"]])
def test_nothing_to_learn_from_is_an_error(titles: list[str | None]) -> None:
    with pytest.raises(UsageError, match="name the column of titles with --title"):
        LatentText.fit(column(*titles))


def test_the_folder_gives_the_same_vectors_and_holds_no_pickle(tmp_path: Path) -> None:
    encoder = LatentText.fit(column(*catalogue(CHINESE)[0]))
    encoder.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["encoder.json", "weights.safetensors"]
    again = LatentText.load(tmp_path)
    np.testing.assert_array_equal(
        again.project(column("新 苹果", "手机")), encoder.project(column("新 苹果", "手机"))
    )
    assert again.facts() == encoder.facts()


def damage(folder: Path, how: str) -> None:
    weights, described = folder / "weights.safetensors", folder / "encoder.json"
    if how == "absent":
        weights.unlink()
    elif how == "short":
        weights.write_bytes(weights.read_bytes()[:-8])
    elif how == "other":
        LatentText.fit(column("tea", "rice", "lamp")).save(folder / "b")
        weights.write_bytes((folder / "b" / "weights.safetensors").read_bytes())
    elif how == "no json":
        described.write_text("{")
    else:
        content = read_json(described)
        write_json(
            described, {key: value for key, value in content.items() if key != "ngrams"} | {"kind": how}
        )


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("absent", "is missing"),
        ("short", "is damaged"),
        ("other", "not of one encoder"),
        ("no json", "is not JSON"),
        ("word2vec", "kind 'word2vec'"),
        (latent.KIND, "is not a whole encoder"),
    ],
)
def test_a_damaged_folder_says_so(how: str, says: str, tmp_path: Path) -> None:
    LatentText.fit(column("green tea", "black tea")).save(tmp_path)
    damage(tmp_path, how)
    with pytest.raises(Mep3mError, match=says) as raised:
        LatentText.load(tmp_path)
    assert how == "no json" or isinstance(raised.value, ModelError)


def test_the_length_of_a_title_is_not_its_meaning() -> None:
    encoder = LatentText.fit(column(*catalogue(ENGLISH)[0]))
    one, two = unit(encoder.project(column("linen shirt", "linen shirt linen shirt")))
    assert one @ two > 0.9


def test_twenty_thousand_titles_take_two_seconds_of_a_processor_at_most() -> None:
    names = [
        f"{one}{two} {n}号" for n in range(100) for some in CHINESE.values() for one in some for two in some
    ]
    products = titled(*(names * 4)[:20_000])
    encoder = LatentText.fit(products["title"])
    encode(products.slice(0, 10), None, "text", [encoder])  # compiles
    began = time.process_time()
    encode(products, None, "text", [encoder])
    assert time.process_time() - began < 2 * products.num_rows / 20_000
