"""Join the image list and the product list of the Tmall set into one table with titles.

Usage: python examples/tmall_images/prepare.py OUT.tsv
"""

import sys
from pathlib import Path

import duckdb

DATA = Path(__file__).parents[3] / "shared" / "data" / "img_tmall_2016"
QUERY = """
COPY (
    SELECT i.image_id, i.file, p.title, i.category
    FROM read_csv('{data}/images.tsv', delim='\t', quote='', all_varchar=true) i
    LEFT JOIN read_csv('{data}/products.tsv', delim='\t', quote='', all_varchar=true) p USING (product_id)
    WHERE i.file IS NOT NULL AND i.file != ''
    ORDER BY i.image_id::INT
) TO '{out}' (DELIMITER '\t', HEADER, QUOTE '')
"""

if __name__ == "__main__":
    Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(QUERY.format(data=DATA, out=sys.argv[1]))
