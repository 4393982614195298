"""Product taxonomies as they are published: Google, Shopify, GPC, UNSPSC, ETIM, parent tables."""
