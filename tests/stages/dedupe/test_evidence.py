"""The little that grouping keeps of a product: the same for any cut into shards, nothing of dropped rows."""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mep3m.product import Product, to_table
from mep3m.stages.dedupe.evidence import EVIDENCE_SCHEMA, collect, gather, image_hashes
from mep3m.stages.dedupe.pictures import distance
from mep3m.stages.dedupe.titles import HASHES, normalise, shingle, signatures, title_keys
from mep3m.store import ContentImages

TITLE = st.none() | st.sampled_from(["", "红茶 500g", "红茶500G", "绿茶", "a", "!!", "红茶 500g 包邮"])
ROW = st.tuples(TITLE, st.booleans())


def picture(seed: int, kind: str = "PNG") -> bytes:
    values = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(values).resize((64, 64)).save(out, kind)
    return out.getvalue()


def table(rows: list[tuple[str | None, bool]], images: list[str | None] | None = None) -> pa.Table:
    keys = images or [None] * len(rows)
    return to_table(
        Product(f"s:{n}", "s", str(n), title=title, image=key, dropped="x" if dropped else None)
        for n, ((title, dropped), key) in enumerate(zip(rows, keys, strict=True))
    )


@settings(max_examples=40)
@given(st.lists(ROW, max_size=8))
def test_each_row_has_the_hashes_of_its_own_title(rows: list[tuple[str | None, bool]]) -> None:
    found = collect(table(rows), None)
    assert found.schema == EVIDENCE_SCHEMA
    assert found["alive"].to_pylist() == [not dropped for _, dropped in rows]
    for place, (title, dropped) in enumerate(rows):
        one = normalise(pa.array([None if dropped else title], pa.string()))
        cut = shingle(one)
        assert found["title"][place].as_py() == title_keys(one)[0]
        assert found["shingles"][place].as_py() == cut.flat.tolist()
        assert found["signature"][place].as_py() == signatures(cut).tobytes()


def test_equal_titles_have_equal_hashes_whatever_their_width_case_and_spaces() -> None:
    found = collect(table([("红茶 500g", False), ("紅茶", False), ("红茶５００Ｇ！", False)]), None)
    first, other, third = found["title"].to_pylist()
    assert first == third != other


def test_a_dropped_row_is_no_evidence(tmp_path: Path) -> None:
    images = ContentImages(tmp_path)
    key = images.put(picture(1))
    found = collect(table([("红茶", True), ("红茶", False)], [key, key]), images)
    dropped, alive = found.to_pylist()
    assert (dropped["title"], dropped["image"], dropped["perceptual_hash"], dropped["shingles"]) == (
        0,
        0,
        0,
        [],
    )
    assert min(alive["title"], alive["image"], alive["perceptual_hash"], len(alive["shingles"])) > 0


def test_images_are_hashed_once_and_those_of_copies_are_near(tmp_path: Path) -> None:
    images = ContentImages(tmp_path)
    keys = [images.put(picture(1)), images.put(picture(1, "JPEG")), images.put(picture(2)), None]
    hashes = image_hashes([*keys, keys[0]], images)
    assert hashes[4] == hashes[0] != 0
    assert hashes[3] == 0
    assert distance(hashes[:1], hashes[1:2])[0] <= 4 < distance(hashes[:1], hashes[2:3])[0]
    assert image_hashes(keys, None).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("content", [b"broken", None])
def test_an_image_without_a_hash_is_no_evidence_where_images_are_hashed(
    tmp_path: Path, content: bytes | None
) -> None:
    """Broken bytes, a lost file: the same bytes elsewhere would join what nobody can see to be alike."""
    images = ContentImages(tmp_path)
    key = images.put(content) if content else "ab" * 32
    (row,) = collect(table([("茶", False)], [key]), images).to_pylist()
    assert (row["image"], row["perceptual_hash"]) == (0, 0)
    (row,) = collect(table([("茶", False)], [key]), None).to_pylist()
    assert row["image"] == int(key[:16], 16)


def test_a_picture_of_one_colour_has_no_hash(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(out, "PNG")
    images = ContentImages(tmp_path)
    assert image_hashes([images.put(out.getvalue())], images).tolist() == [0]


@settings(max_examples=30)
@given(st.lists(st.lists(ROW, max_size=4), max_size=4))
def test_gathered_files_are_the_rows_one_after_another(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[tuple[str | None, bool]]]
) -> None:
    folder = tmp_path_factory.mktemp("g")
    paths = []
    for number, rows in enumerate(shards):
        paths.append(folder / f"{number}.parquet")
        pq.write_table(collect(table(rows), None), paths[-1])
    found = gather(paths, folder / "index", folder / "scratch")
    whole = collect(table([row for rows in shards for row in rows]), None)
    assert len(found) == whole.num_rows
    for name, array in (
        ("title", found.title),
        ("image", found.image),
        ("perceptual_hash", found.perceptual_hash),
    ):
        assert np.asarray(array).tolist() == whole[name].to_pylist()
        assert np.load(folder / "index" / f"{name}.npy").tolist() == whole[name].to_pylist()
    assert [bytes(row) for row in found.signatures] == whole["signature"].to_pylist()
    edges = found.shingles.offsets
    cut = [found.shingles.flat[a:b].tolist() for a, b in pairwise(edges)]
    assert cut == whole["shingles"].to_pylist()
    assert found.signatures.shape == (whole.num_rows, HASHES)
