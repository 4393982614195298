"""Networks of plain arguments and ready-made parts; `build.py` maps names to them."""
