"""Git on this machine: `GitWorkshop` clones, looks, pushes and takes back, and runs nothing that an agent left."""

from steward.adapters.git.workshop import GitWorkshop

__all__ = ["GitWorkshop"]
