"""The column maps of known shop systems; docs/guide-ingest.md names their sources."""

from __future__ import annotations

from mep3m.settings.sources import ShopColumns

#: `--format` of a known shop system; sources are in docs/guide-ingest.md
SHOPS: dict[str, ShopColumns] = {
    "shopify": ShopColumns(
        id=("Handle", "URL handle"),
        title=("Title",),
        category=("Product Category", "Product category", "Type"),
        images=("Image Src", "Product image URL", "Variant Image", "Variant image URL"),
        image_separator=None,
        aside=("Body (HTML)", "Description", "Variant SKU", "SKU", "Tags"),
    ),
    "woocommerce": ShopColumns(
        id=("ID", "SKU"),
        title=("Name",),
        parent=("Parent",),
        category=("Categories",),
        path_separator=",",
        images=("Images",),
        aside=("Description", "Short description", "SKU", "Tags"),
    ),
    "magento": ShopColumns(
        id=("sku",),
        title=("name",),
        children="configurable_variations",
        category=("categories",),
        level_separator="/",
        path_separator=",",
        roots=("Default Category",),
        images=("base_image", "image", "additional_images"),
        aside=("description", "short_description"),
        skip_if_filled="store_view_code",
    ),
    "taobao-csv": ShopColumns(
        id=("num_id", "outer_id"),
        title=("title",),
        category=("cid",),
        images=("picture",),
        image_separator=";",
        aside=("description", "outer_id", "seller_cids"),
        header=("title", "cid"),
        after_header=1,
        delimiter="tab",
    ),
    "amazon-flat-file": ShopColumns(
        id=("item_sku", "item-sku", "sku"),
        title=("item_name", "item-name"),
        parent=("parent_sku", "parent-sku"),
        category=("item_type", "item_type_keyword", "feed_product_type", "product_type"),
        images=(
            "main_image_url",
            "main-image-url",
            *(f"other_image_url{number}" for number in range(1, 9)),
        ),
        image_separator=None,
        aside=("product_description", "item_sku", "external_product_id"),
        header=("item_name",),
        delimiter="tab",
    ),
}
