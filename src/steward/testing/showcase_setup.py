"""What the furnished installation knows of repositories that it did not make, which secrets it keeps, its scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any, Final

from steward.app.filing import told
from steward.app.judging import judge
from steward.app.queries import find_project, the_project
from steward.app.scoring import IDLE_S, Scoring
from steward.app.secrets import Secrets
from steward.app.surveying import SEEN, Surveying, scan_json
from steward.domain.needs import Demand, Evidence, Need, Origin, Purpose, Scan, Sort
from steward.domain.people import local
from steward.domain.spec import STARTER, Proof, Spec, TemplateRef
from steward.domain.vault import Place
from steward.ports import Clock, Permanent
from steward.ports.building import ForgeWrite
from steward.ports.hands import ScanRecord
from steward.ports.vault import Vault
from steward.testing.world import World

At = Callable[[float | str, Callable[[], object]], None]
MakeVault = Callable[[Clock], Vault]
FEED: Final = "https://prices.acme.example/feed"
WAITS: Final = "price-watch"
"""The project whose deployment waits for a secret."""
LACKS: Final = "legacy-landing"
"""The project that lacks much before it can be adopted."""


def settle(world: World, at: At, vault: MakeVault) -> None:
    """Let repositories be scanned and secrets be kept. Nothing is truly read: what was found is written as it is."""
    world.app = replace(world.app, vault=vault(world.clock), writing=_no_writing)
    _scans(_Found(world), at)
    _kept(world, at)
    at("1m", partial(_reads, world))
    at("1m", partial(_scored, world))


def _reads(world: World) -> None:
    """From now on repositories can be scanned; earlier, who was taken in was asked at once what it lacks."""
    world.app = replace(world.app, surveying=_no_surveying)


def _no_surveying() -> Surveying:
    raise Permanent("the furnished installation reads no repositories", "Look at it.")


def _no_writing() -> ForgeWrite:
    raise Permanent("the furnished installation sends nothing to GitHub", "Look at it.")


class _Found:
    """What writes scans, at the moment of the world's clock."""

    def __init__(self, world: World) -> None:
        self._world = world

    def scan(
        self, slug: str, state: str, scan: Scan | None = None, reason: str = "", advice: str = ""
    ) -> None:
        """The newest scan of a project, asked for by a person."""
        at = self._world.clock.now().at
        with told(self._world.store) as tx:
            project = the_project(find_project(tx, slug, local("showcase")))
            result: dict[str, Any] | None = None
            if scan is not None:
                result = {**scan_json(scan), SEEN: {"tip": scan.commit, "colour": "green"}}
            tx.save_scan(
                ScanRecord(
                    project.id,
                    project.organisation_id,
                    state,
                    "user:anna",
                    at,
                    reason,
                    advice,
                    scan.commit if scan else "",
                    at if state in ("done", "failed") else None,
                    result,
                )
            )


def _need(
    name: str,
    places: Sequence[tuple[str, int]],
    sort: Sort = Sort.SECRET,
    demand: Demand = Demand.REQUIRED,
    purposes: frozenset[Purpose] = frozenset({Purpose.RUN}),
) -> Need:
    found = tuple(Evidence(path, line, "python") for path, line in places)
    return Need(name, demand, sort, purposes=purposes, evidence=found, times=len(found))


def _scans(found: _Found, at: At) -> None:
    """One of each: found much, found all, failed, being read, waiting; the others were never scanned."""
    commit = sha256(b"found").hexdigest()[:40]
    both = frozenset({Purpose.RUN, Purpose.CHECKS})
    much = Scan(
        commit,
        needs=(
            _need("DATABASE_URL", [("src/settings.py", 14), (".env.example", 2)]),
            _need("MAIL_SENDER", [("src/mail.py", 8)], Sort.VARIABLE),
            _need("SENTRY_DSN", [("src/errors.py", 3)]),
            _need("SESSION_KEY", [("src/session.py", 21), ("src/app.py", 40), (".env.example", 5)]),
            _need("SMTP_PASSWORD", [("src/mail.py", 11), (".github/workflows/mail.yml", 19)], purposes=both),
        ),
        workflows=(".github/workflows/deploy.yml",),
        self_deploys=(Evidence(".github/workflows/deploy.yml", 12, "workflow"),),
        code=True,
        languages={"Python": 61, "JavaScript": 18, "CSS": 7},
        files=143,
    )
    whole = Scan(
        commit,
        needs=(_need("ANALYTICS_ID", [("site/config.toml", 3)], Sort.VARIABLE, Demand.OPTIONAL),),
        workflows=(".github/workflows/test.yml",),
        deploys=("compose.yaml",),
        code=True,
        languages={"TypeScript": 40, "CSS": 9},
        files=77,
    )
    failed = (
        "the repository holds more than 500 MB, too much to be read",
        "Raise the bounds of the scan, or say by hand what the project needs",
    )
    at("30h", partial(found.scan, LACKS, "done", much))
    at("3h", partial(found.scan, "company-site", "done", whole))
    at("2h", partial(found.scan, "docs-site", "failed", None, *failed))
    at("3m", partial(found.scan, "fathom", "running"))
    at("2m", partial(found.scan, "mirror", "queued"))


def _kept(world: World, at: At) -> None:
    """Secrets of each kind: typed, made up, a variable, sent to GitHub, done without; one that is waited for."""
    secrets = partial(_secrets, world)
    run, both = [Place.RUN], [Place.RUN, Place.CHECKS]
    at("29h", lambda: secrets().set(LACKS, "DATABASE_URL", "postgres://legacy@db/landing"))
    at("29h", lambda: secrets().waive(LACKS, "SENTRY_DSN", "Errors go to the log."))
    at("3h", partial(spec_that_asks, world, WAITS, ("PARTNER_KEY", "SHOP_TOKEN", "SMS_KEY")))
    at("3h", lambda: secrets().set(WAITS, "SHOP_TOKEN", "shop-token-of-the-showcase", places=both))
    at("3h", partial(_sent, world))
    at("2h", lambda: secrets().set(WAITS, "FEED_URL", FEED, Sort.VARIABLE, both))
    at("2h", lambda: secrets().generate(WAITS, "SESSION_KEY", places=run))
    at("1h", lambda: secrets().waive(WAITS, "SMS_KEY", "Prices are told by mail alone."))


def _secrets(world: World) -> Secrets:
    return world.app.secrets(local("user:anna"))


def spec_that_asks(world: World, slug: str, names: Sequence[str]) -> None:
    """The first spec of a project, whose contract asks people for these values."""
    asked = dict.fromkeys(names, Origin.USER_SECRET.value)
    with told(world.store) as tx:
        project = the_project(find_project(tx, slug, local("showcase")))
        ref, at = TemplateRef(STARTER), world.clock.now().at
        answers, criteria = {"title": "Prices"}, ("A mail comes within the hour",)
        brief = "Tells when a price fell."
        tx.add_spec(Spec(project.id, 1, ref, answers, brief, criteria, asked, Proof(), "user:anna", at))


def _sent(world: World) -> None:
    """GitHub was given what the checks read."""
    vault = world.app.vault
    assert vault is not None, "the showcase keeps secrets"
    with world.store.writing() as tx:
        project = the_project(find_project(tx, WAITS, local("showcase")))
        for kept in vault.kept(tx, project.id):
            vault.sent(tx, replace(kept, sent_at=world.clock.now().at))


def _scored(world: World) -> None:
    scoring = Scoring(world.store, world.clock, judge(world.app), world.lease)
    while scoring.tick() != IDLE_S:
        pass
