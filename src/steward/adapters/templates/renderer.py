"""The program that renders: `python -I renderer.py order.json`. It knows Copier and nothing of Steward.

Copier changes the working directory and the environment of its process, so it has one of its own, which may also
stand in a box. The order says everything, its environment too, and is gone once it is read, for it holds secrets.
What came of it is in the file that the order names.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any


def main(order_file: Path) -> int:
    """Render as the order says; the exit code."""
    order: dict[str, Any] = json.loads(order_file.read_text())
    order_file.unlink()
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_bytes"], order["file_bytes"]))
    resource.setrlimit(resource.RLIMIT_AS, (order["memory_bytes"], order["memory_bytes"]))
    outcome = _render(order)
    Path(order["outcome"]).write_text(json.dumps(outcome))
    return 0


def _render(order: dict[str, Any]) -> dict[str, Any]:
    """What came of it: {"unmerged": [...]}, or {"failed": what was said}."""
    # Imported late: they look at the environment as they are imported.
    import jinja2
    import yaml
    from copier import Settings, run_copy, run_update
    from copier.errors import CopierError
    from plumbum.commands.processes import ProcessExecutionError

    try:
        for render in order["renders"]:
            common: dict[str, Any] = {
                "data": render["data"],
                "vcs_ref": order["ref"],
                "defaults": True,
                "overwrite": True,
                "quiet": True,
                "skip_tasks": not order["code"],
                "unsafe": order["code"],
                "settings": Settings(),
            }
            if order["update"]:
                run_update(render["into"], answers_file=order["answers_file"], conflict="inline", **common)
            else:
                run_copy(order["source"], render["into"], **common)
    except ProcessExecutionError as error:
        return {"failed": str(error.stderr or error.stdout or "a command failed")[-2000:]}
    except (CopierError, jinja2.TemplateError, yaml.YAMLError, ValueError, TypeError, OSError) as error:
        return {"failed": f"{error}"[-2000:] or type(error).__name__}
    except (LookupError, ArithmeticError, RecursionError, subprocess.SubprocessError) as error:
        return {"failed": f"{type(error).__name__}: {error}"[-2000:]}
    return {"unmerged": _unmerged(order["renders"][0]["into"]) if order["update"] else []}


def _unmerged(project: str) -> list[str]:
    """Files that git holds as in conflict."""
    listed = subprocess.run(["git", "ls-files", "-u", "-z"], cwd=project, capture_output=True, check=True)
    lines = listed.stdout.decode(errors="replace").split("\0")
    return sorted({line.partition("\t")[2] for line in lines if line})


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
