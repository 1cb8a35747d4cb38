"""One localhub: its state, and everything that can be done to a repository or an organisation.

REST handlers, the admin interface, the command line's sample data and the tests all change the world through
Core, so that each change is made once and tells its webhooks. It does not speak HTTP.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from localhub import events, seeds
from localhub.access import Access
from localhub.actions import DEFAULT_WORKERS, Actions
from localhub.clock import Clock, SystemClock, stamp
from localhub.faultset import FaultSet
from localhub.gitstore import GitRepo
from localhub.limits import DEFAULT_POINTS_PER_HOUR, Limits
from localhub.registry import NewRepo, Owner, Registry, Repo, clean_name
from localhub.store import Store
from localhub.tokens import AppSettings, Caller, Tokens
from localhub.webhooks import Webhooks
from localhub.wire import Answer, Call

_LOG_LENGTH = 20_000
_PAGES = 8_192
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Options:
    """How a localhub is to behave. `points_per_hour` is the primary rate limit of each token.

    `check_workers` is how many declared checks may run at once.
    """

    faults: bool = False
    points_per_hour: int = DEFAULT_POINTS_PER_HOUR
    app: AppSettings | None = None
    check_workers: int = DEFAULT_WORKERS


@dataclass(frozen=True)
class Logged:
    """One request that was answered; `points` is what it cost of the primary limit."""

    at: str
    method: str
    path: str
    query: str
    status: int
    points: int
    caller: str


class Core:
    """The world that one localhub serves, kept in one directory."""

    def __init__(self, directory: Path, options: Options, clock: Clock | None = None) -> None:
        """Open the directory, which is made when it is not there. Raises NewerData."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory = directory
        self.clock = clock or SystemClock()
        self.options = options
        self.store = Store(directory / "localhub.sqlite3")
        self.registry = Registry(self.store, self.clock)
        self.tokens = Tokens(self.store, self.registry, self.clock, options.app)
        self.limits = Limits(self.clock, options.points_per_hour)
        self.faults = FaultSet(self, self.clock, enabled=options.faults)
        self.access = Access(self)
        self.webhooks = Webhooks(self.store, self.clock, self.faults.plan)
        self.actions = Actions(self, options.check_workers)
        self.public_url = "http://localhost"
        self.log: deque[Logged] = deque(maxlen=_LOG_LENGTH)
        self._pages: dict[object, Any] = {}
        self._pages_of = 0
        self._locks: defaultdict[int, threading.RLock] = defaultdict(threading.RLock)

    def close(self) -> None:
        """Stop running checks, stop delivering, and close the database."""
        self.actions.stop()
        self.webhooks.stop()
        self.store.close()

    def now(self) -> str:
        """The present moment as GitHub writes it."""
        return stamp(self.clock.now())

    def remembered(self, key: object, read: Callable[[], _Read]) -> _Read:
        """What `read` gives, kept under `key` until any repository or owner changes."""
        with self.store.lock:
            if self._pages_of != self.registry.generation or len(self._pages) > _PAGES:
                self._pages.clear()
                self._pages_of = self.registry.generation
            if key not in self._pages:
                self._pages[key] = read()
            found: _Read = self._pages[key]
            return found

    def lock(self, repo_id: int) -> threading.RLock:
        """The lock under which one repository's refs are moved and its git repository is made.

        Whoever holds it may begin a transaction; whoever is in a transaction must not wait for it.
        """
        with self.store.lock:
            return self._locks[repo_id]

    def git(self, repo: Repo) -> GitRepo:
        """The git repository, made from its seed when it is first asked for."""
        git = self._git_of(repo.id)
        if not git.exists():
            with self.lock(repo.id):
                if not git.exists():
                    seeds.plant(git, repo)
        return git

    def resolve(self, wanted: int | str) -> Repo:
        """The living repository of this id, `owner/name`, or name in any served organisation.

        Raises ValueError when there is none.
        """
        text = str(wanted)
        found = self.registry.repo_by_id(int(text)) if text.isascii() and text.isdigit() else None
        owners = [one.login for one in self.registry.organisations()]
        if "/" in text:
            owners, text = [text.split("/", 1)[0]], text.split("/", 1)[1]
        for login in owners:
            found = found or self.registry.repo_by_name(login, text)[0]
        if found is None:
            raise ValueError(f"there is no repository {wanted}")
        return found

    def create_repo(self, sender: Caller, owner: Owner, wanted: NewRepo) -> Repo:
        """Make a repository. Raises NameTaken and BadName."""
        with self.store.transaction():
            (repo_id,) = self.registry.add_repos(owner.id, [wanted])
            repo = self._known(repo_id)
            self.emit("repository", "created", sender, repo)
        return repo

    def generate_repo(self, sender: Caller, template: Repo, owner: Owner, wanted: NewRepo) -> Repo:
        """Make a repository whose only commit holds the template's files. Raises NameTaken and BadName."""
        source = self.git(template)
        with self.store.transaction():
            repo = self.create_repo(sender, owner, wanted)
            seeds.copy_template(source, self._git_of(repo.id), repo)
        return repo

    def rename_repo(self, sender: Caller, repo: Repo, name: str) -> Repo:
        """Rename a repository; its old name leads to it until it is used again."""
        with self.store.transaction():
            renamed = self.registry.change_repo(replace(repo, name=clean_name(name)))
            changes = {"repository": {"name": {"from": repo.name}}}
            self.emit("repository", "renamed", sender, renamed, {"changes": changes})
        return renamed

    def delete_repo(self, sender: Caller, repo: Repo) -> Repo:
        """Delete a repository; its git repository stays on disk for a restore."""
        with self.store.transaction():
            deleted = self.registry.delete_repo(repo)
            self.emit("repository", "deleted", sender, repo)
        return deleted

    def restore_repo(self, sender: Caller, repo: Repo) -> Repo:
        """Bring a deleted repository back; hooks hear of it as of a creation. Raises NameTaken and BadName."""
        with self.store.transaction():
            restored = self.registry.restore_repo(repo)
            self.emit("repository", "created", sender, restored)
        return restored

    def transfer_repo(self, sender: Caller, repo: Repo, login: str, name: str | None = None) -> Repo:
        """Give a repository to another owner, who is made when there is none of that login."""
        with self.store.transaction():
            owner = self.registry.owner(login) or self.registry.add_owner(login, served=False)
            new_name = repo.name if name is None else clean_name(name)
            moved = self.registry.change_repo(replace(repo, owner_id=owner.id, name=new_name))
            former = self.registry.owner_by_id(repo.owner_id) or owner
            more = {"changes": {"owner": {"from": events.former_owner(former, self.public_url)}}}
            self.emit("repository", "transferred", sender, moved, more, also_owner=repo.owner_id)
        return moved

    def set_archived(self, sender: Caller, repo: Repo, *, archived: bool) -> Repo:
        """Make a repository read-only, or writable again."""
        if repo.archived == archived:
            return repo
        with self.store.transaction():
            changed = self.registry.change_repo(replace(repo, archived=archived))
            self.emit("repository", "archived" if archived else "unarchived", sender, changed)
        return changed

    def set_visibility(self, sender: Caller, repo: Repo, visibility: str) -> Repo:
        """Show a repository to all, or hide it."""
        if repo.visibility == visibility:
            return repo
        with self.store.transaction():
            changed = self.registry.change_repo(replace(repo, visibility=visibility))
            if changed.private != repo.private:
                self.emit("repository", "privatized" if changed.private else "publicized", sender, changed)
        return changed

    def edit_repo(self, sender: Caller, repo: Repo, fields: Mapping[str, Any]) -> Repo:
        """Change description, default branch (which must be there), or any of the further fields."""
        known = {name: fields[name] for name in ("description", "default_branch") if name in fields}
        further = {name: value for name, value in fields.items() if name not in known}
        extra = msgspec.json.encode(repo.extras() | further).decode() if further else repo.extra
        wanted = replace(repo, extra=extra, **known)
        if wanted == repo:
            return repo
        with self.store.transaction():
            changed = self.registry.change_repo(wanted)
            told = {
                name: {"from": getattr(repo, name)} for name in known if getattr(repo, name) != known[name]
            }
            self.emit("repository", "edited", sender, changed, {"changes": told})
            if changed.default_branch != repo.default_branch:
                self._git_of(repo.id).set_head_branch(changed.default_branch)
        return changed

    def note_push(self, repo: Repo) -> Repo:
        """Note that something was pushed now, on the repository as it is now: a push may have taken long."""
        with self.store.transaction():
            return self.registry.change_repo(replace(self._known(repo.id), pushed_at=self.now()))

    def rename_org(self, sender: Caller, owner: Owner, login: str) -> Owner:
        """Give an organisation another login, as its owners can on GitHub's pages but not in its API."""
        with self.store.transaction():
            renamed = self.registry.rename_owner(owner, login)
            changes = {"changes": {"login": {"from": owner.login}}}
            self._send("organization", "renamed", sender, renamed.id, None, changes)
        return renamed

    def change_behind_back(self, action: str, wanted: int | str, name: str | None) -> None:
        """Make a change on behalf of nobody who is calling, for the fault `after_page`."""
        sender = self.ghost()
        if action == "create":
            self.create_repo(
                sender, self.registry.organisations()[0], NewRepo(str(wanted), visibility="public")
            )
            return
        repo = self.resolve(wanted)
        if action == "delete":
            self.delete_repo(sender, repo)
        elif action == "rename":
            self.rename_repo(sender, repo, name or "")
        elif action == "transfer":
            self.transfer_repo(sender, repo, name or "")
        else:
            self.note_push(repo)

    def ghost(self) -> Caller:
        """The user whom GitHub names where there is no other."""
        owner = self.registry.owner("ghost") or self.registry.add_owner("ghost", served=False, kind="User")
        return Caller("user", "ghost", owner.login, owner.id)

    def emit(
        self,
        event: str,
        action: str | None,
        sender: Caller,
        repo: Repo,
        payload: Mapping[str, Any] | None = None,
        *,
        also_owner: int | None = None,
    ) -> None:
        """Tell the hooks of a repository and of its organisation of an event.

        `payload` is what the event adds to action, repository, organization and sender. `also_owner` names a
        further owner whose hooks are told, as the former one of a transfer.
        """
        self._send(event, action, sender, repo.owner_id, repo, payload, also_owner)

    def _send(
        self,
        event: str,
        action: str | None,
        sender: Caller,
        owner_id: int,
        repo: Repo | None,
        payload: Mapping[str, Any] | None,
        also_owner: int | None = None,
    ) -> None:
        scopes = [f"org:{owner_id}"] + ([f"org:{also_owner}"] if also_owner not in {None, owner_id} else [])
        scopes += [] if repo is None else [repo.scope]
        if not self.webhooks.wanted(scopes, event):
            return
        owner = self.registry.owner_by_id(owner_id)
        body = events.payload(action, sender, owner, repo, payload or {}, self.public_url)
        self.webhooks.send(scopes, event, action, None if repo is None else repo.id, body)

    def again(self, call: Call, query: Mapping[str, str]) -> Answer:
        """The true answer to the same request with another query."""
        from localhub.app import handle

        return handle(replace(call, query=query))

    def _git_of(self, repo_id: int) -> GitRepo:
        return GitRepo(self.directory / "git" / f"{repo_id}.git")

    def _known(self, repo_id: int) -> Repo:
        repo = self.registry.repo_by_id(repo_id)
        if repo is None:
            raise LookupError(f"there is no repository {repo_id}")
        return repo
