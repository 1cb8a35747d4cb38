"""Git on this machine: `GitWorkshop` clones, looks, pushes and takes back, and runs nothing that an agent left.

`ShallowTrees` gets the files of one commit to be read.
"""

from steward.adapters.git.shallow import ShallowTrees
from steward.adapters.git.workshop import GitWorkshop

__all__ = ["GitWorkshop", "ShallowTrees"]
