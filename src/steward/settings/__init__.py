"""Every setting of Steward: its name, default, range and meaning, and where its value came from.

One pattern: `STEWARD_<SECTION>_<NAME>` in the environment is `[section] name` in `steward.toml`; a few names
stand at the top level. The environment wins over the file. An unknown name is an error that suggests the near
one. This package reads and checks; it opens no database and makes no request.
"""

from steward.settings.loaded import Entry, Loaded, masked, reference
from steward.settings.loading import load
from steward.settings.model import FILE_NAME, LOGIN, Settings, variable

__all__ = ["FILE_NAME", "LOGIN", "Entry", "Loaded", "Settings", "load", "masked", "reference", "variable"]
