"""A small Steward that scans: a Driven world with trees of the fake forge, a plain scanner, and a real vault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from steward.adapters.vault import KeptVault, MasterKeys
from steward.app.adopting import Adopting
from steward.app.scanning import Scanning
from steward.app.surveying import Surveying
from steward.domain.needs import Demand, Evidence, Need, Scan, Sort
from steward.domain.people import local
from steward.domain.project import Project
from steward.domain.vault import Kept, Place
from steward.ports import ProjectQuery, Store
from steward.ports.scan import Bounds
from steward.testing.driven import ANNA, Driven
from steward.testing.tools import GatedForge

WORKFLOW = ".github/workflows/test.yml"
PLAIN: Mapping[str, bytes | None] = {
    "app.py": b"print(1)",
    WORKFLOW: b"on: push",
    "compose.yaml": b"services: {}",
}
"""A repository that has everything that is asked for."""


class HeldTrees:
    """The files of a commit of the fake forge, on disk. `raises` are raised by the next calls, each once."""

    def __init__(self, forge: GatedForge) -> None:
        self.forge = forge
        self.raises: list[Exception] = []
        self.asked: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def tree(self, address: str, token: str, ref: str, into: Path, bounds: Bounds) -> str:
        """As the port says."""
        self.asked.append(address)
        self.meanwhile()
        if self.raises:
            raise self.raises.pop(0)
        for path, data in self.forge.held(ref)[1].items():
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).write_bytes(data)
        return ref


class PlainScanner:
    """Reads `.env.example` (NAME= is required, NAME=x optional), and looks which files there are."""

    def scan(
        self,
        tree: Path,
        commit: str,
        bounds: Bounds,
        told: Callable[[str], None] = lambda _text: None,
    ) -> Scan:
        """As the port says."""
        told("reading")
        paths = sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())
        workflows = tuple(path for path in paths if path.startswith(".github/workflows/"))
        deploys = [path for path in workflows if b"deploy" in (tree / path).read_bytes()]
        return Scan(
            commit,
            needs=tuple(self._needs(tree / ".env.example")),
            workflows=workflows,
            deploys=tuple(path for path in paths if path in ("compose.yaml", "deploy.toml")),
            self_deploys=tuple(Evidence(path, 1, "workflow") for path in deploys),
            code=any(path.endswith(".py") for path in paths),
            implementation="IMPLEMENTATION.md" in paths,
            languages={"Python": sum(path.endswith(".py") for path in paths)},
            files=len(paths),
        )

    def _needs(self, example: Path) -> list[Need]:
        if not example.exists():
            return []
        found = []
        for number, line in enumerate(example.read_text().splitlines(), 1):
            name, _, value = line.partition("=")
            demand = Demand.OPTIONAL if value else Demand.REQUIRED
            evidence = (Evidence(".env.example", number, "env example"),)
            found.append(Need(name, demand, Sort.SECRET, evidence=evidence))
        return found


class Surveyed(Driven):
    """A Driven that scans."""

    def __init__(self, store: Store, folder: Path) -> None:
        super().__init__(store, folder / "work")
        self.folder = folder
        keys = MasterKeys(folder / "master-key")
        self.vault = KeptVault(keys, self.clock, lambda _values: str)
        self.trees = HeldTrees(self.build)
        self.surveying = Surveying(
            trees=self.trees,
            scanner=PlainScanner(),
            forge=lambda: self.build,
            workdir=folder / "trees",
            checks=self.build.checks,
            probe=lambda: self.probe,
            rule=self.tools.rule,
        )
        self.app = replace(self.app, surveying=lambda: self.surveying)
        self.start_scans()

    def start_scans(self) -> None:
        """A new process scans."""
        self.scans = Scanning(self.store, self.clock, self.surveying, self.forge)

    def repository(self, name: str, files: Mapping[str, bytes | None] | None = None) -> int:
        """A repository that came in; None: it is empty."""
        repo = self.forge.create("acme", name)
        if files:
            self.build.commit(repo.id, "main", files)
        else:
            self.build.commit(repo.id, "main", {"README.md": b"made"})
            self.build.move(repo.id, "main", None)
        return repo.id

    def scan_all(self) -> None:
        """Scan what waits for it."""
        while self.scans.tick() == 0.0:
            pass

    def setting_up(self, actor: str = ANNA) -> Adopting:
        """What a person may ask."""
        return self.app.setup(local(actor))

    def keep(self, slug: str, name: str, value: str = "hunter2-hunter2") -> None:
        """Set a secret."""
        kept = Kept(
            self.project(slug).id, name, Sort.SECRET, frozenset({Place.RUN}), self.clock.now().at, ANNA
        )
        with self.store.writing() as tx:
            self.vault.keep(tx, kept, value)

    def checklist(self, slug: str) -> dict[str, Any]:
        """The checklist of a project."""
        return self.setting_up().checklist(slug)

    def discovered(self) -> list[Project]:
        """The projects that are discovered."""
        with self.store.reading() as view:
            return [one for one, _row in view.projects(ProjectQuery(statuses=["discovered"]))]
