"""Runs on the host: ends every release of a project but one, and removes all but the last five.

Arguments: the project's folder, the folder of units, the slug, and the commit that serves (left out: none does).
"""

import pathlib
import shutil
import subprocess
import sys

KEPT = 5
root, units, slug = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
serving = sys.argv[4] if len(sys.argv) > 4 else ""
own = "steward-" + slug + "-"
changed = False

for unit in sorted(units.glob(own + "?" * 12 + ".service")):
    if not serving or unit.stem != own + serving[:12]:
        subprocess.run(["systemctl", "disable", "--now", unit.name], check=True)
        unit.unlink()
        changed = True
if changed:
    subprocess.run(["systemctl", "daemon-reload"], check=True)

releases = sorted(
    root.glob("releases/*"), key=lambda path: (path.name == serving, path.stat().st_ctime), reverse=True
)
for release in releases:
    if release.name != serving and (release / "compose.yaml").exists() and not release.name.startswith("."):
        down = ["docker", "compose", "--project-name", own + release.name[:12], "down"]
        subprocess.run(down, cwd=release, check=False)
whole = [release for release in releases if not release.name.startswith(".")]
for release in [*whole[KEPT:], *(release for release in releases if release not in whole)]:
    shutil.rmtree(release)
    changed = True
# An old release that is deployed again gets its environment anew: no secret lies about meanwhile.
for left in root.glob("env/*"):
    if left.stem != serving:
        left.unlink()
        changed = True
print("removed" if changed else "nothing to do")
