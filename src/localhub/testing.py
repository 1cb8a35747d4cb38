"""A localhub for tests: started on a free port in this process, changed by plain calls, gone afterwards.

    with Hub(orgs=["acme"], repos=3, faults=True) as hub:
        shop = hub.create("shop", visibility="private")
        hub.fault("status", code=503, path="^/orgs/", times=1)
        httpx.get(f"{hub.url}/orgs/acme/repos", headers={"Authorization": f"Bearer {hub.token}"})
        hub.rename(shop, "store")

Changes made here go past HTTP, so they cost no points and no fault stands in their way; they are seen at once
and send their webhooks.
"""

import base64
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nacl.public import PrivateKey, SealedBox

from localhub import hooks
from localhub.actions import DEFAULT_WORKERS
from localhub.clock import Clock
from localhub.core import Core, Logged
from localhub.registry import NewRepo, Owner, Repo
from localhub.serve import PLAYER, Settings, opened
from localhub.tokens import DEFAULT_SCOPES, Caller


class Hub:
    """One running localhub. `url` is its address, `token` a token that may do everything."""

    def __init__(
        self,
        orgs: Sequence[str] = ("acme",),
        repos: int = 0,
        *,
        token: str = "localhub-test-token",  # noqa: S107 # a token of a server that lives for one test
        faults: bool = True,
        data_dir: Path | None = None,
        load: Path | None = None,
        sample: bool = False,
        points_per_hour: int = 1_000_000,
        app_id: int | None = 1,
        app_key: Path | None = None,
        clock: Clock | None = None,
        port: int = 0,
        check_workers: int = DEFAULT_WORKERS,
    ) -> None:
        """Prepare it; it runs between `with`'s begin and end.

        `repos` are generated into each organisation, the sample goes into the first; `load` is a recorded
        organisation beside them. Without `data_dir` everything is gone at the end. The primary rate limit is
        `points_per_hour`, far above GitHub's 5,000 so that long tests do not run into it.
        """
        self._settings = Settings(
            port=port,
            orgs=tuple(orgs),
            repos=repos,
            token=token,
            load=load,
            sample=sample,
            data_dir=data_dir,
            faults=faults,
            points_per_hour=points_per_hour,
            app_id=app_id,
            app_key=app_key,
            check_workers=check_workers,
        )
        self.token = token
        self.url = ""
        self._clock = clock
        self._closing = ExitStack()
        self._first_id = 0
        self.core: Core

    def __enter__(self) -> Self:
        running = self._closing.enter_context(opened(self._settings, self._clock))
        self.core, self.url, self._first_id = running.core, running.url, running.orgs[0].id
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.__exit__(kind, error, trace)

    @property
    def headers(self) -> dict[str, str]:
        """The header that authenticates with `token`."""
        return {"Authorization": f"Bearer {self.token}"}

    def org(self, login: str | None = None) -> Owner:
        """An organisation by login; the first one without."""
        registry = self.core.registry
        found = registry.owner_by_id(self._first_id) if login is None else registry.owner(login)
        if found is None:
            raise LookupError(f"there is no organisation {login}")
        return found

    def repo(self, wanted: int | str) -> Repo:
        """A living repository by id, name or full name. Raises ValueError."""
        return self.core.resolve(wanted)

    def ids(self, org: str | None = None) -> list[int]:
        """The ids of an organisation's living repositories, oldest first."""
        sql = "SELECT id FROM repo WHERE owner_id = ? AND deleted_at IS NULL ORDER BY created_at, id"
        return [row["id"] for row in self.core.store.rows(sql, self.org(org).id)]

    def create(
        self,
        name: str,
        *,
        visibility: str = "private",
        org: str | None = None,
        created_at: str | None = None,
        description: str | None = None,
        archived: bool = False,
        auto_init: bool = False,
    ) -> int:
        """Make a repository and return its id; `created_at` as GitHub writes it dates it back."""
        wanted = NewRepo(
            name=name,
            visibility=visibility,
            description=description,
            created_at=created_at,
            archived=archived,
            seed="readme" if auto_init else "empty",
            pushed_at=(created_at or self.core.now()) if auto_init else None,
        )
        return self.core.create_repo(self._player(), self.org(org), wanted).id

    def rename(self, wanted: int | str, name: str) -> None:
        """Rename a repository."""
        self.core.rename_repo(self._player(), self.repo(wanted), name)

    def delete(self, wanted: int | str) -> int:
        """Delete a repository; return its id."""
        return self.core.delete_repo(self._player(), self.repo(wanted)).id

    def restore(self, repo_id: int) -> None:
        """Bring a deleted repository back."""
        found = self.core.registry.repo_by_id(repo_id, deleted=True)
        if found is None or found.deleted_at is None:
            raise LookupError(f"there is no deleted repository {repo_id}")
        self.core.restore_repo(self._player(), found)

    def transfer(self, wanted: int | str, owner: str, name: str | None = None) -> None:
        """Give a repository to another owner, who is made when there is none; `name` renames it on the way."""
        self.core.transfer_repo(self._player(), self.repo(wanted), owner, name)

    def archive(self, wanted: int | str, *, archived: bool = True) -> None:
        """Archive a repository, or end that."""
        self.core.set_archived(self._player(), self.repo(wanted), archived=archived)

    def set_visibility(self, wanted: int | str, visibility: str) -> None:
        """Make a repository public, private or internal."""
        self.core.set_visibility(self._player(), self.repo(wanted), visibility)

    def open_secret(self, wanted: int | str, name: str) -> str:
        """A repository's secret in clear, as its workflows would get it. Raises LookupError."""
        scope = self.repo(wanted).scope
        kept = self.core.store.by_key("secret", scope, name.upper())
        key = self.core.store.by_key("secret_key", scope, "x25519")
        if kept is None or key is None:
            raise LookupError(f"there is no secret {name}")
        box = SealedBox(PrivateKey(base64.b64decode(key.data["private"])))
        return box.decrypt(base64.b64decode(kept.data["sealed"])).decode()

    def variable(self, wanted: int | str, name: str) -> str:
        """A repository's variable. Raises LookupError."""
        kept = self.core.store.by_key("variable", self.repo(wanted).scope, name.upper())
        if kept is None:
            raise LookupError(f"there is no variable {name}")
        return str(kept.data["value"])

    def push(self, wanted: int | str) -> None:
        """Note a push on a repository, without a commit."""
        self.core.note_push(self.repo(wanted))

    def org_rename(self, login: str, new: str) -> None:
        """Give an organisation another login."""
        self.core.rename_org(self._player(), self.org(login), new)

    def fault(self, kind: str, **parameters: Any) -> int:
        """Turn a fault on and return its id; the kinds are in localhub.faults. Raises ValueError."""
        return self.core.faults.add({"kind": kind, **parameters}).id

    def clear_faults(self, fault_id: int | None = None) -> None:
        """Turn one fault or all off."""
        self.core.faults.clear(fault_id)

    def requests(self) -> list[Logged]:
        """What was asked so far, oldest first."""
        return list(self.core.log)

    def clear_requests(self) -> None:
        """Forget what was asked so far."""
        self.core.log.clear()

    def add_token(self, token: str, *, scopes: Iterable[str] = DEFAULT_SCOPES, login: str = PLAYER) -> str:
        """Add a token, or change one's scopes."""
        self.core.tokens.add(token, login=login, scopes=scopes)
        return token

    def revoke_token(self, token: str) -> None:
        """Make a token worthless."""
        self.core.tokens.revoke(token)

    def installation_id(self, org: str | None = None) -> int:
        """The id of the app's installation in an organisation."""
        found = self.core.store.by_key("installation", "app", str(self.org(org).id))
        if found is None:
            raise LookupError("this organisation has no installation")
        return found.id

    def select_repositories(self, repositories: Iterable[int | str] | None, org: str | None = None) -> None:
        """Limit the app's installation to these repositories; None gives it all."""
        found = self.core.store.by_key("installation", "app", str(self.org(org).id))
        if found is None:
            raise LookupError("this organisation has no installation")
        found.data["selection"] = "all" if repositories is None else "selected"
        found.data["repositories"] = [self.repo(one).id for one in repositories or ()]
        self.core.store.change("installation", found)

    def add_hook(self, url: str, secret: str | None = None, *, events: Sequence[str] = ("*",)) -> int:
        """Add a webhook to the first organisation and return its id."""
        return hooks.add(self.core, f"org:{self.org().id}", url, secret, events).id

    def wait_deliveries(self, timeout_s: float = 10.0) -> bool:
        """Wait until every queued delivery was made; False when that takes longer."""
        return self.core.webhooks.settle(timeout_s)

    def _player(self) -> Caller:
        return self.core.tokens.caller(f"Bearer {self.token}")
