"""The vault: values of projects encrypted with AES-GCM, a data key per project, wrapped under a master key."""

from steward.adapters.vault.keys import MasterKeys, parsed
from steward.adapters.vault.vault import KeptVault

__all__ = ["KeptVault", "MasterKeys", "parsed"]
