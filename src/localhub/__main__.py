"""`python -m localhub` is the console script `localhub`."""

from localhub.main import run

run()
