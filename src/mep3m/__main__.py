"""`python -m mep3m` is the same as the `mep3m` command."""

from mep3m.cli import main

main()
