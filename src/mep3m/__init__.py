"""mep3m: merge shops' product catalogues into one labelled dataset, and classify with it."""

__version__ = "0.1.0"
