"""`python -m steward` is the command `steward`."""

from steward.main import run

if __name__ == "__main__":
    run()
