"""From a planned row to what the shop's file says and what lies in its image folder."""

from __future__ import annotations

import io
from dataclasses import dataclass
from random import Random

from PIL import Image

from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.lettering import DrawnLine
from mep3m.simulator.pictures import Picture, blurred, draw, encode, re_encode
from mep3m.simulator.plan import COPIES, DEFECTS, DrawPlan
from mep3m.simulator.platforms import Node, World
from mep3m.simulator.titles import Item, make_item, make_vague, title

#: titles in scripts that no Chinese shop writes
FOREIGN = (
    "Новый беспроводной пылесос для дома и автомобиля", "سماعة لاسلكية جديدة مع علبة شحن",
    "ใหม่ล่าสุด เสื้อยืดผ้าฝ้าย",
    "Ασύρματα ακουστικά με θήκη φόρτισης", "Мужская футболка из хлопка, размер XL",
)  # fmt: skip
ODD_NAMES = ("../../etc/passwd", "/srv/shop/1.jpg", "C:\\pictures\\1.jpg")


@dataclass(frozen=True)
class Listing:
    """One row of a shop's file, and the image file it names.

    `path` is the category path that the shop shows (Chinese names), `image` the name in the file,
    `picture` what to write there (`None`: nothing is written), `lines` the text on it.
    """

    row: int
    source_id: str | None
    item: Item
    node: Node
    path: tuple[str, ...]
    title: str | None
    image: str | None
    picture: Picture | None
    copy: str
    noisy: bool
    defect: str
    broken: bool

    @property
    def lines(self) -> tuple[DrawnLine, ...]:
        """The text on the picture, top to bottom."""
        return self.picture.lines if self.picture else ()


def make_listing(plan: DrawPlan, world: World, row: int, place: int, settings: SimulatorSettings) -> Listing:
    """Word and draw one row; `place` is its number in its platform's file, from 0."""
    seed = settings.seed
    shop = world.platforms[int(plan.platform[row])]
    leaf, copy, defect = int(plan.leaf[row]), COPIES[int(plan.copy[row])], DEFECTS[int(plan.defect[row])]
    item = make_item(int(plan.item[row]), leaf, world.leaves[leaf], seed)
    if settings.vague:
        item = make_vague(item, world.leaves[leaf], settings.vague, seed)
    node, shown = shop.node_of[leaf], shop.node_of[int(plan.shown[row])]
    rng = Random(f"{seed}/row/{row}")
    picture = _picture(item, world, copy, defect, settings.text, rng) if settings.images else None
    folder = shop.nodes.index(next(n for n in shop.nodes if int(plan.shown[row]) in n.leaves)) + 1
    image = f"{folder}/{place + 1}.{picture.extension}" if picture else None
    if picture and defect == "outside_path":
        image, picture = rng.choice(ODD_NAMES), None
    if picture and defect == "missing_image":
        picture = None
    own_id = f"{shop.name[0].upper()}{100001 + (place - 1 if defect == 'repeated_id' else place)}"
    return Listing(
        row=row,
        source_id=None if defect == "missing_id" else own_id,
        item=item,
        node=node,
        path=() if defect in ("no_category", "broken_row") else shown.names,
        title=_title(title(item, shop.index, row, copy in ("title", "both"), seed), defect, rng),
        image=image,
        picture=picture,
        copy=copy,
        noisy=shown.id != node.id,
        defect=defect,
        broken=defect == "broken_row",
    )


def _title(text: str, defect: str, rng: Random) -> str | None:
    if defect == "empty_title":
        return None
    if defect == "short_title":
        return text[0]
    if defect == "long_title":
        return (text + " ") * (1 + 600 // len(text))
    return rng.choice(FOREIGN) if defect == "foreign_title" else text


def _picture(item: Item, world: World, copy: str, defect: str, text: float, rng: Random) -> Picture:
    flawed = _flawed(defect, rng)
    if flawed is not None:
        return flawed
    image, lines = draw(item, world.leaves[item.leaf], text)
    if defect == "blurred_image":
        return encode(blurred(image), (), Random(item.look + "/file"))
    if copy in ("image", "both"):
        return re_encode(image, lines, rng)
    picture = encode(image, lines, Random(item.look + "/file"))
    if defect == "broken_image":
        return Picture(picture.content[: len(picture.content) // 3], picture.extension, picture.size, ())
    return picture


def _flawed(defect: str, rng: Random) -> Picture | None:
    """Return the picture of a defect that shows no product, or `None`."""
    if defect == "empty_image":
        return Picture(b"", "jpg", (0, 0), ())
    if defect == "not_an_image":
        return Picture(b"<html><body>404 Not Found</body></html>\n" * 3, "jpg", (0, 0), ())
    plain = {
        "tiny_image": ((12, 12), (rng.randrange(256), 90, 90)),
        "blank_image": ((220, 220), (255, 255, 255)),
        "uniform_image": ((220, 220), (rng.randrange(40, 200),) * 3),
    }
    if defect in plain:
        return _saved(Image.new("RGB", *plain[defect]))
    if defect == "odd_aspect":
        strip = Image.new("RGB", (900, 60), (230, 60, 50))
        strip.paste((250, 240, 120), (rng.randrange(400), 10, 700, 50))
        return _saved(strip)
    return None


def _saved(image: Image.Image) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return Picture(buffer.getvalue(), "jpg", image.size, ())
