"""MEP-for-RPC: what the paper says of it, and the names of both sides."""

from collections import Counter
from pathlib import Path

from mep3m.sources.mep3m.for_rpc import rpc_links
from mep3m.sources.mep3m.spreadsheet import category_id, read_taxonomy

#: RPC's meta classes, as the paper of RPC numbers them
META = (
    "puffed_food", "dried_fruit", "dried_food", "instant_drink", "instant_noodles", "dessert", "drink",
    "alcohol", "milk", "canned_food", "chocolate", "gum", "candy", "seasoner", "personal_hygiene", "tissue",
    "stationery",
)  # fmt: skip


def test_26_sub_classes_cover_the_17_meta_classes() -> None:
    assert len({link.sub_class_id for link in rpc_links()}) == 26
    assert {(link.meta_id, link.meta_name) for link in rpc_links()} == set(enumerate(META, start=1))


def test_what_the_paper_prints_of_it() -> None:
    """'candy/choclate' (id=304) covers three classes, 'personal hygiene' (id=15) has four sub-classes."""
    of_304 = {link.meta_name for link in rpc_links() if link.sub_class_id == 304}
    assert of_304 == {"chocolate", "gum", "candy"}
    assert len({link.sub_class_id for link in rpc_links() if link.meta_id == 15}) == 4


def test_it_is_many_to_many_and_says_why() -> None:
    links = rpc_links()
    assert len({(link.sub_class_id, link.meta_id) for link in links}) == len(links)
    assert max(Counter(link.sub_class_id for link in links).values()) > 1
    assert max(Counter(link.meta_id for link in links).values()) > 1
    assert all(link.reason for link in links)


def test_an_id_has_one_name() -> None:
    for key, name in (
        ("sub_class_id", "sub_class_name"),
        ("meta_id", "meta_name"),
        ("meta_id", "meta_name_zh"),
    ):
        pairs = {(getattr(link, key), getattr(link, name)) for link in rpc_links()}
        assert len(pairs) == len({number for number, _ in pairs}) == len({said for _, said in pairs})


def test_every_sub_class_is_in_the_released_spreadsheet(real_data: Path) -> None:
    tree = read_taxonomy(real_data / "mep3m" / "dataset_info.xlsx")
    for link in rpc_links():
        node = tree[category_id(2, link.sub_class_id)]
        assert (node.name_zh, len(tree.path(node.id))) == (link.sub_class_name, 2)


def test_every_meta_class_is_in_rpcs_own_list(real_data: Path) -> None:
    lines = (real_data / "rpc" / "rpc_200_sku_catalogue.tsv").read_text(encoding="utf-8").splitlines()[1:]
    own = {(int(row[4]), row[6], row[5]) for row in (line.split("\t") for line in lines)}
    assert {(link.meta_id, link.meta_name, link.meta_name_zh) for link in rpc_links()} == own
