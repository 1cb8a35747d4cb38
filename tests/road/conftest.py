"""The road's tests through a face begin with a clean environment."""

from tests.faces.conftest import clean

__all__ = ["clean"]
