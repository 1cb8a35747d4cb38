"""What a caller may see and change, and how a path leads to an organisation or a repository.

GitHub answers 404 for what a caller may not see, 403 for what it may see but not change, and leads from a former
name to the address by id with 301 (GET) or 307. An installation limited to selected repositories sees those
alone here, while GitHub would let it read public ones too when asked by name.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from localhub.registry import Owner, Repo
from localhub.tokens import Caller
from localhub.wire import Call, Problem, not_found

if TYPE_CHECKING:
    from localhub.core import Core


@dataclass(frozen=True)
class View:
    """The part of the world that one caller sees at one moment.

    `only` is None for no such limit; `only_owner` limits the private ones to an organisation;
    `created_until` hides what is younger (a replica that lags).
    """

    private: bool
    only: frozenset[int] | None = None
    only_owner: int | None = None
    hidden_owners: frozenset[int] = frozenset()
    created_until: str | None = None

    def sees(self, repo: Repo) -> bool:
        """Whether this repository exists for the caller."""
        hidden = (
            repo.owner_id in self.hidden_owners,
            repo.private and not self.private,
            repo.private and self.only_owner not in {None, repo.owner_id},
            self.only is not None and repo.id not in self.only,
            self.created_until is not None and repo.created_at > self.created_until,
        )
        return not any(hidden)

    def where(self, owner_id: int, kind: str = "all") -> tuple[str, list[object]]:
        """The SQL condition for an owner's repositories of a kind (all, public, private, internal, ...)."""
        terms, values = ["owner_id = ?", "deleted_at IS NULL"], list[object]([owner_id])
        if not self.private or self.only_owner not in {None, owner_id}:
            terms.append("visibility = 'public'")
        if self.only is not None:
            terms.append("id IN (SELECT value FROM json_each(?))")
            values.append(msgspec.json.encode(sorted(self.only)).decode())
        if self.created_until is not None:
            terms.append("created_at <= ?")
            values.append(self.created_until)
        if kind in {"public", "internal"}:
            terms.append(f"visibility = '{kind}'")
        elif kind == "private":
            terms.append("visibility <> 'public'")
        elif kind in {"forks", "sources"}:
            wanted = 1 if kind == "forks" else 0
            terms.append(f"coalesce(json_extract(extra, '$.fork'), 0) = {wanted}")
        return " AND ".join(terms), values


class Access:
    """The rules, over one localhub."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    def view(self, caller: Caller) -> View:
        """What this caller sees now, faults included."""
        own = caller.kind == "installation" or (caller.kind == "user" and "repo" in caller.scopes)
        view = View(private=own, only=caller.selection, only_owner=caller.owner_id)
        return self._core.faults.narrowed(view, caller)

    def organisation(self, call: Call) -> Owner:
        """The organisation in the path; see Call.org."""
        registry = self._core.registry
        if "organization_id" in call.params:
            owner = registry.owner_by_id(call.number("organization_id"))
        else:
            owner = registry.owner(call.params["org"])
        if owner is None or owner.type != "Organization" or owner.id in self.view(call.caller).hidden_owners:
            raise not_found()
        return owner

    def require_org_admin(self, caller: Caller, owner: Owner, right: str) -> None:
        """Raise Problem 401 or 403 unless the caller may change the organisation."""
        if caller.kind == "anonymous":
            raise Problem(401, "Requires authentication")
        if caller.kind == "installation":
            allowed = caller.owner_id == owner.id and caller.permissions.get(right) == "write"
        else:
            allowed = owner.served and bool({"admin:org", "repo", "admin:org_hook"} & caller.scopes)
        if not allowed:
            raise Problem(403, "Resource not accessible by this token")

    def repository(self, call: Call, *, write: str | None, archived: bool) -> Repo:
        """The repository in the path; see Call.repo."""
        repo, moved = self._found(call)
        self._core.faults.check_repo(call, repo)
        if repo is None or not self.view(call.caller).sees(repo):
            raise not_found()
        if moved:
            raise self._moved(call, repo)
        if write is not None:
            self._require_write(call.caller, repo, write)
            if repo.archived and not archived:
                raise Problem(403, "Repository was archived so is read-only.")
        return repo

    def _found(self, call: Call) -> tuple[Repo | None, bool]:
        if "repository_id" in call.params:
            return self._core.registry.repo_by_id(call.number("repository_id")), False
        return self._core.registry.repo_by_name(call.params["owner"], call.params["repo"])

    def _moved(self, call: Call, repo: Repo) -> Problem:
        """GET is led on with 301, anything else with 307, so that a method and its body are kept."""
        rest = "/".join(call.path.split("/")[4:])
        location = f"{call.base}/repositories/{repo.id}" + (f"/{rest}" if rest else "")
        status, words = (301, "Moved Permanently") if call.method in {"GET", "HEAD"} else (307, "Moved")
        return Problem(status, words, headers={"Location": location}, more={"url": location})

    def may_write(self, caller: Caller, repo: Repo, right: str = "contents") -> bool:
        """Whether the caller may make a change that needs this right."""
        if caller.kind == "installation":
            return caller.owner_id == repo.owner_id and caller.permissions.get(right) == "write"
        if right == "delete":
            return "delete_repo" in caller.scopes
        return "repo" in caller.scopes or ("public_repo" in caller.scopes and not repo.private)

    def _require_write(self, caller: Caller, repo: Repo, right: str) -> None:
        if caller.kind == "anonymous":
            raise Problem(401, "Requires authentication")
        if not self.may_write(caller, repo, right):
            words = "Resource not accessible by integration"
            raise Problem(
                403, words if caller.kind == "installation" else "Must have admin rights to Repository."
            )
