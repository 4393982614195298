"""Tables, stores and pictures into a file of vectors; a killed run goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mep3m.dataset.reading import open_products
from mep3m.errors import StoreError, UsageError
from mep3m.models.features import CHUNK
from mep3m.models.linear.latent import LatentText
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.product import to_table
from mep3m.recipes.embed import Embedded, embed, open_for_vectors
from mep3m.settings.sources import Columns
from mep3m.store import Plan, StoreWriter
from mep3m.store.filesystem import exclusive_lock
from mep3m.store.rows import KEY_BYTES
from tests.alignment.shops import products as shop_products
from tests.processes import kill_group
from tests.representations.small import tiny_network


def vectors(path: Path) -> tuple[list[str], np.ndarray]:
    table = pq.read_table(path)
    return table["id"].to_pylist(), np.array(table["vector"].to_pylist(), np.float32)


def write_titles(folder: Path) -> Path:
    rows = ["P1\tgreen tea", "P2\t", "P3\tblack tea", "P4\t!!!", "P5\twhite rice"]
    (folder / "items.tsv").write_text("sku\ttitle\n" + "\n".join(rows) + "\n")
    return folder / "items.tsv"


def titles_of(folder: Path, out: Path) -> Embedded:
    columns = Columns(title="title", id="sku")
    return embed(open_for_vectors(write_titles(folder), "text", columns), "text", out)


def test_rows_with_nothing_to_read_are_left_out_and_counted(tmp_path: Path) -> None:
    made = titles_of(tmp_path, tmp_path / "v.parquet")
    ids, found = vectors(tmp_path / "v.parquet")
    assert ids == ["P1", "P3", "P5"]
    assert (made.written, made.left_out, made.first_left_out) == (3, 2, "P2")
    assert found.shape == (3, made.width)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_the_encoder_of_titles_is_kept_and_takes_other_products(tmp_path: Path) -> None:
    made = titles_of(tmp_path, tmp_path / "v.parquet")
    assert made.text_encoder == str(tmp_path / "v.text")
    key = LatentText.load(tmp_path / "v.text").key
    opened = open_products(write_titles(tmp_path), Columns(title="title", id="sku"))
    other = embed(opened, "text", tmp_path / "w.npy", [made.text_encoder])
    assert other.text_encoder is None
    assert other.encoders[0]["hash"] == key
    np.testing.assert_array_equal(np.load(tmp_path / "w.npy"), vectors(tmp_path / "v.parquet")[1])


def test_a_second_run_gives_the_same_bytes(tmp_path: Path) -> None:
    titles_of(tmp_path, tmp_path / "v.parquet")
    before = (tmp_path / "v.parquet").read_bytes()
    titles_of(tmp_path, tmp_path / "v.parquet")
    assert (tmp_path / "v.parquet").read_bytes() == before


@pytest.mark.parametrize("name", ["", "5-align"])
def test_a_build_and_a_store_tell_platforms_apart_and_leave_dropped_rows_out(
    name: str, tmp_path: Path
) -> None:
    rows = to_table(shop_products())
    dropped = pa.array(["quality: no title", *[None] * (len(rows) - 1)], pa.string())
    rows = rows.set_column(rows.column_names.index("dropped"), rows.schema.field("dropped"), dropped)
    for step in ("1-ingest", "5-align"):
        writer = StoreWriter.begin(tmp_path / "built" / step, Plan(step[2:], {}, ("1",)))
        writer.write(0, rows if step == "5-align" else rows.slice(0, 2))
        writer.finish()
    opened = open_for_vectors(tmp_path / "built" / name, "text", Columns())
    made = embed(opened, "text", tmp_path / "v.parquet")
    table = pq.read_table(tmp_path / "v.parquet")
    assert table.column_names == ["id", "platform", "vector"]
    assert made.written == len(rows) - 1
    assert table["id"].to_pylist() == rows["source_id"].to_pylist()[1:]


def draw(folder: Path, count: int, side: int = 24) -> Path:
    folder.mkdir()
    for n in range(count):
        pixels = np.random.default_rng(n).integers(0, 256, (side, side, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{n:05d}.png")
    return folder


def pictures(folder: Path, out: Path, weights: Path) -> Embedded:
    return embed(open_for_vectors(folder, "image", Columns()), "image", out, [str(weights)])


def test_pictures_have_their_paths_as_ids_and_broken_ones_are_counted(tmp_path: Path) -> None:
    folder = draw(tmp_path / "pictures", 3)
    (folder / "00001.png").write_bytes(b"broken")
    (folder / "x.heic").write_bytes(b"")
    made = pictures(folder, tmp_path / "v.parquet", tiny_network(tmp_path / "net"))
    assert vectors(tmp_path / "v.parquet")[0] == ["00000.png", "00002.png"]
    assert (made.written, made.left_out, made.refused, made.unreadable_images) == (2, 1, 1, 1)
    assert made.first_unreadable is not None
    assert made.first_unreadable.startswith("00001.png: ")


def test_pictures_of_one_pixel_and_of_other_kinds_have_vectors_and_half_a_picture_has_none(
    tmp_path: Path,
) -> None:
    folder = draw(tmp_path / "pictures", 1)
    whole = Image.open(folder / "00000.png")
    Image.new("RGB", (1, 1), "red").save(folder / "one.png")
    Image.new("L", (1, 1), 7).save(folder / "one.jpg")
    whole.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    whole.quantize(16).save(folder / "palette.gif", transparency=0)
    Image.fromarray(np.asarray(whole.convert("L"), np.uint16) * 257).save(folder / "sixteen.png")
    (folder / "truncated.png").write_bytes((folder / "00000.png").read_bytes()[:900])
    made = pictures(folder, tmp_path / "v.parquet", tiny_network(tmp_path / "net"))
    ids, found = vectors(tmp_path / "v.parquet")
    assert ids == ["00000.png", "cmyk.jpg", "one.jpg", "one.png", "palette.gif", "sixteen.png"]
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert (made.left_out, made.unreadable_images) == (1, 1)
    assert made.first_unreadable is not None
    assert made.first_unreadable.startswith("truncated.png: the image is broken")


def test_one_picture_is_a_table_of_one(tmp_path: Path) -> None:
    file = draw(tmp_path / "pictures", 1) / "00000.png"
    assert pictures(file, tmp_path / "v.parquet", tiny_network(tmp_path / "net")).written == 1


def test_what_a_killed_run_computed_is_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 5 * CHUNK + 7
    folder, weights = draw(tmp_path / "pictures", count), tiny_network(tmp_path / "net")
    out = tmp_path / "killed.parquet"
    command = [sys.executable, "-m", "mep3m", "embed", str(folder), "--modality", "image", "--out", str(out)]
    running = subprocess.Popen(
        [*command, "--weights", str(weights)], stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not (kept := sorted((tmp_path / "killed.cache").glob("*/keys.bin"))) or not kept[0].stat().st_size:
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert kill_group(running), "it ended before it was killed"
    assert not out.exists()
    done = kept[0].stat().st_size // KEY_BYTES
    assert 0 < done < count

    counted: list[int] = []
    own = NetworkClassifier.encode

    def noted(self: NetworkClassifier, table: pa.Table, images: object) -> object:
        counted.append(table.num_rows)
        return own(self, table, images)  # type: ignore[arg-type]

    monkeypatch.setattr(NetworkClassifier, "encode", noted)
    pictures(folder, out, weights)
    assert sum(counted) == count - done
    monkeypatch.undo()
    pictures(folder, tmp_path / "whole.parquet", weights)
    assert vectors(out)[0] == vectors(tmp_path / "whole.parquet")[0]
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_two_runs_do_not_write_at_once(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path / "v.cache"), pytest.raises(StoreError, match="another run is writing"):
        titles_of(tmp_path, tmp_path / "v.parquet")


@pytest.mark.parametrize(
    ("modality", "columns", "says"),
    [
        ("text", {"id": "sku"}, "name its column with --title"),
        ("image", {"title": "title"}, "name its column with --image"),
        ("image+text", {"id": "sku"}, "name its columns with --image and --title"),
    ],
)
def test_a_table_needs_the_columns_of_the_modality(
    modality: str, columns: dict[str, str], says: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=says):
        open_for_vectors(write_titles(tmp_path), modality, Columns.parse(columns, "columns"))


def test_pictures_have_no_titles(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="use --modality image"):
        open_for_vectors(draw(tmp_path / "pictures", 1), "image+text", Columns())


def test_no_readable_row_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    folder = draw(tmp_path / "pictures", 1)
    (folder / "00000.png").write_bytes(b"broken")
    with pytest.raises(UsageError, match="no row has a readable image"):
        pictures(folder, tmp_path / "v.parquet", tiny_network(tmp_path / "net"))
    assert not (tmp_path / "v.parquet").exists()
