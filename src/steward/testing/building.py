"""A fake of `ports.building.ForgeWrite`: it builds in a FakeForge, and can be made to fail at any call.

Deterministic: commits are named after what they hold. Branches, files and pull requests are kept here; the
repositories are the FakeForge's, so that a heartbeat over the same forge sees what was built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from steward.domain.repository import Repo
from steward.domain.vault import GITHUB_MAX, NAME
from steward.domain.verdict import CommitChecks
from steward.ports.building import Blocked, Ensured, MovedOn, NameTaken, Pull
from steward.ports.errors import NoSuchOrganisation, Permanent, Unreachable
from steward.testing.branches import BUILDER
from steward.testing.forge import FakeForge
from steward.testing.watching import FakeForgeWatch


class FakeForgeWrite(FakeForgeWatch):
    """Builds in memory. `calls` counts what was asked of each method, `changes` what came of it. It watches too,
    and people act on the same branches: see `Branches`.

    Attributes to set at any time: `rules_allowed` (False: the plan has no rulesets), `blocked` (what the rules say
    to every merge; "" lets them through), `thinking` (True: whether a pull request can be merged is not worked out
    yet), `token` (what `git_address` gives).
    """

    def __init__(self, forge: FakeForge) -> None:
        super().__init__(forge)
        self._said: dict[str, CommitChecks] = {}
        self.changes: list[str] = []
        self.rules_allowed = True
        self.blocked = ""
        self.thinking = False
        self.token = "ghs_fake"  # noqa: S105 # a token of a server that is none

    # -- the world ------------------------------------------------------------------------------------

    def say(self, found: CommitChecks) -> None:
        """What `checks` answers of that commit."""
        self._said[found.sha] = found

    def secrets(self, repo_id: int) -> dict[str, str]:
        """The truth: the secrets that were set, opened."""
        return dict(self._room(repo_id).secrets)

    def variables(self, repo_id: int) -> dict[str, str]:
        """The variables that were set."""
        return dict(self._room(repo_id).variables)

    # -- ForgeWrite -----------------------------------------------------------------------------------

    def ensure_repository(
        self, login: str, name: str, *, marker: str, description: str, visibility: str
    ) -> tuple[Repo, bool]:
        """As the port says."""
        number = self._begin("ensure_repository")
        try:
            there = self._forge.live(login).values()
        except KeyError:
            raise NoSuchOrganisation(f"no organisation answers as {login} (404)", "Check its name") from None
        # Ours under another name by now is still ours: GitHub leads a former name on.
        ours = [repo for repo in there if f" {marker} " in f" {repo.description or ''} "]
        named = [repo for repo in there if repo.name.lower() == name.lower()]
        if named and named[0] not in ours:
            raise NameTaken(named[0].full_name)
        found = next(iter([*named, *ours]), None)
        made = found is None
        if found is None:
            text = f"{description} {marker}".strip()
            found = self._forge.create(login, name, description=text, visibility=visibility)
            first = self._make(found.id, (), {"README.md": f"# {name}\n".encode()}, "Initial commit", BUILDER)
            self.move(found.id, "main", first, BUILDER)
            self.changes.append(f"repository {found.full_name}")
        self._end("ensure_repository", number)
        return found, made

    def is_bare(self, repo_id: int) -> bool:
        """As the port says."""
        number = self._begin("is_bare")
        at = self._room(repo_id).branches.get(self._repo(repo_id).default_branch or "main")
        self._end("is_bare", number)
        return at is None or set(self._commits[at].files) == {"README.md"}

    def ensure_branch_rule(self, repo_id: int, required_checks: Sequence[str]) -> Ensured:
        """As the port says."""
        number = self._begin("ensure_branch_rule")
        room, wanted = self._room(repo_id), tuple(sorted(set(required_checks)))
        if not self.rules_allowed:
            return Ensured(made=False, detail="GitHub offers no rulesets for this repository: upgrade")
        made = room.rule != wanted
        if made:
            room.rule = wanted
            self.changes.append(f"rule {' '.join(wanted)}".strip())
        self._end("ensure_branch_rule", number)
        return Ensured(made)

    def ensure_labels(self, repo_id: int, labels: Mapping[str, str]) -> Ensured:
        """As the port says."""
        number = self._begin("ensure_labels")
        kept = self._room(repo_id).labels
        changed = [name for name, colour in labels.items() if kept.get(name.lower()) != colour.lower()]
        for name in changed:
            kept[name.lower()] = labels[name].lower()
            self.changes.append(f"label {name}")
        self._end("ensure_labels", number)
        return Ensured(bool(changed), ", ".join(changed))

    def tip(self, repo_id: int, branch: str) -> str | None:
        """As the port says."""
        number = self._begin("tip")
        found = self._room(repo_id).branches.get(branch)
        self._end("tip", number)
        return found

    def file_at(self, repo_id: int, path: str, ref: str) -> bytes | None:
        """As the port says."""
        number = self._begin("file_at")
        commit = self._commits.get(self._room(repo_id).branches.get(ref, ref))
        self._end("file_at", number)
        return commit.files.get(path) if commit else None

    def ensure_pull(self, repo_id: int, *, head: str, base: str, title: str, body: str) -> Pull:  # noqa: ARG002 # the port's; texts are not kept
        """As the port says."""
        number = self._begin("ensure_pull")
        room = self._room(repo_id)
        at, onto = room.branches.get(head), room.branches.get(base)
        same = [pull for name, pull in room.pulls if (name, pull.base) == (head, base)]
        merged = [pull for pull in same if pull.state == "merged" and at in {None, pull.head_sha}]
        found = next((pull for pull in same if pull.state == "open"), merged[-1] if merged else None)
        if found is None:
            if at is None or onto is None:
                raise Permanent(f"GitHub does not let us open a pull request from {head} to {base}", "")
            if self._holds(onto, at):
                reason = f"the branch {head} holds nothing that {base} lacks"
                raise Permanent(reason, "Commit the change to the branch first")
            count = len(room.pulls) + 1
            url = f"{self.server}/{self._repo(repo_id).full_name}/pull/{count}"
            found = Pull(count, url, "open", at, base, None, mergeable=True)
            room.pulls.append((head, found))
            self.changes.append(f"pull {count}")
        self._end("ensure_pull", number)
        return self._shown(found)

    def pull(self, repo_id: int, number: int) -> Pull:
        """As the port says."""
        call = self._begin("pull")
        found = self._pull(repo_id, number)[1]
        self._end("pull", call)
        return self._shown(found)

    def merge(self, repo_id: int, number: int, *, sha: str, title: str, message: str = "") -> Pull:
        """As the port says."""
        call = self._begin("merge")
        head, found = self._pull(repo_id, number)
        if found.head_sha != sha:
            raise MovedOn(f"pull request {number}", sha, found.head_sha)
        if found.state == "closed":
            raise Blocked(f"pull request {number} was closed without a merge")
        if found.state == "open":
            if self.thinking:
                raise Unreachable(f"GitHub has not yet worked out whether {number} can be merged")
            if self.blocked:
                raise Blocked(self.blocked)
            onto = self._room(repo_id).branches[found.base]
            files = {**self._commits[onto].files, **self._commits[sha].files}
            text = f"{title}\n\n{message}".strip()
            merged = self._make(repo_id, (onto, sha), files, text, BUILDER)
            self.move(repo_id, found.base, merged, BUILDER)
            found = replace(found, state="merged", merge_sha=merged, mergeable=None)
            self._room(repo_id).pulls[number - 1] = (head, found)
            self.changes.append(f"merge {number}")
        self._end("merge", call)
        return found

    def checks(self, repo_id: int, sha: str) -> CommitChecks:
        """What was said with `say`; with what the rule requires, where there is one."""
        number = self._begin("checks")
        rule = self._room(repo_id).rule or ()
        found = self._said.get(sha, CommitChecks(sha))
        needed = set(found.required) | {(name, None) for name in rule}
        self._end("checks", number)
        return replace(found, required=tuple(sorted(needed, key=lambda one: (one[0], one[1] or 0))))

    def git_address(self, repo_id: int) -> tuple[str, str]:
        """As the port says; nothing answers there."""
        number = self._begin("git_address")
        address = f"{self.server}/{self._repo(repo_id).full_name}.git"
        self._end("git_address", number)
        return address, self.token

    def ensure_secret(self, repo_id: int, name: str, value: str) -> Ensured:
        """As the port says."""
        number = self._begin("ensure_secret")
        _check(name, value)
        kept = self._room(repo_id).secrets
        made = name.upper() not in kept
        kept[name.upper()] = value
        self.changes.append(f"secret {name.upper()}")
        self._end("ensure_secret", number)
        return Ensured(made)

    def ensure_variable(self, repo_id: int, name: str, value: str) -> Ensured:
        """As the port says."""
        number = self._begin("ensure_variable")
        _check(name, value)
        kept = self._room(repo_id).variables
        made = kept.get(name.upper()) != value
        if made:
            kept[name.upper()] = value
            self.changes.append(f"variable {name.upper()}")
        self._end("ensure_variable", number)
        return Ensured(made)

    def mend(self, repo_id: int, setting: str, value: str) -> Ensured:
        """As the port says."""
        number = self._begin("mend")
        repo, room = self._repo(repo_id), self._room(repo_id)
        if setting == "default_branch" and value in room.branches:
            made = repo.default_branch != value
            self._forge.edit(repo_id, default_branch=value)
        elif (setting, value) == ("visibility", "private"):
            made = repo.visibility != value
            self._forge.edit(repo_id, visibility=value)
        elif (setting, value) == ("archived", "false"):
            made = repo.archived
            self._forge.archive(repo_id, archived=False)
        else:
            raise Permanent(f"{setting} is not set to {value[:80]!r} from here", "Set it on GitHub.")
        if made:
            self.changes.append(f"mend {setting} {value}")
        self._end("mend", number)
        return Ensured(made)

    # -- inside ---------------------------------------------------------------------------------------

    def _pull(self, repo_id: int, number: int) -> tuple[str, Pull]:
        kept = self._room(repo_id).pulls
        if not 0 < number <= len(kept):
            raise Permanent(f"GitHub does not let us read pull request {number} (404)", "It is gone")
        return kept[number - 1]

    def _shown(self, pull: Pull) -> Pull:
        return replace(pull, mergeable=None) if self.thinking or pull.state != "open" else pull


def _check(name: str, value: str) -> None:
    """Refuse what GitHub does."""
    if not NAME.fullmatch(name) or name.upper().startswith("GITHUB_"):
        raise Permanent(f"GitHub does not take {name[:80]!r} as a name", "Give it another name.")
    if len(value.encode()) > GITHUB_MAX:
        raise Permanent(f"the value of {name} is too large for GitHub", "GitHub takes 48 KB at most.")
