"""Reads a bare repository: trees, files, commits, differences, comparisons.

It changes nothing and knows nothing of HTTP. Text that git stored in another encoding than UTF-8 is shown with
replacement characters; file contents are bytes and stay as they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from localhub.gitstore import GitRepo, Person

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The id that git gives the tree without entries; it need not be stored to be compared with."""

_FIELDS = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B"
_STATUS = {
    "A": "added",
    "M": "modified",
    "D": "removed",
    "R": "renamed",
    "C": "copied",
    "T": "changed",
}
"""git's status letters as GitHub's words for them."""


@dataclass(frozen=True)
class Entry:
    """One entry of a tree; `size_bytes` is 0 for anything but a file."""

    path: str
    mode: str
    kind: str
    sha: str
    size_bytes: int

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Commit:
    """One commit; times are seconds since the epoch."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    authored_at: int
    committer: Person
    committed_at: int
    message: str


@dataclass(frozen=True)
class FileChange:
    """How one file differs; `patch` is empty for a binary file, and `sha` is the blob after the change."""

    path: str
    previous_path: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str


@dataclass(frozen=True)
class Comparison:
    """How `head` stands to `base`; `merge_base` is None when they share no history."""

    merge_base: str | None
    ahead_by: int
    behind_by: int

    @property
    def status(self) -> str:
        """GitHub's word: identical, ahead, behind or diverged."""
        if self.ahead_by and self.behind_by:
            return "diverged"
        if self.ahead_by:
            return "ahead"
        return "behind" if self.behind_by else "identical"


def entry(repo: GitRepo, commit: str, path: str) -> Entry | None:
    """What lies at `path` (`""` is the root) in a commit, or None."""
    if not path:
        tree = repo.git("rev-parse", f"{commit}^{{tree}}").decode("ascii").strip()
        return Entry("", "040000", "tree", tree, 0)
    found = _entries(repo.git("--literal-pathspecs", "ls-tree", "-z", "--long", commit, "--", path))
    return next((one for one in found if one.path == path), None)


def directory(repo: GitRepo, commit: str, path: str) -> list[Entry]:
    """The entries of the directory at `path`, in git's order, with their full paths."""
    under = f"{path}/" if path else ""
    listed = repo.git("ls-tree", "-z", "--long", f"{commit}:{path}")
    return [Entry(under + one.path, one.mode, one.kind, one.sha, one.size_bytes) for one in _entries(listed)]


def tree(repo: GitRepo, sha: str, *, recursive: bool) -> list[Entry]:
    """The entries of a tree by id; with `recursive`, those of all trees below too."""
    flags = ["-r", "-t"] if recursive else []
    return list(_entries(repo.git("ls-tree", "-z", "--long", *flags, sha)))


def blob(repo: GitRepo, sha: str) -> bytes:
    """The content of a file by the id of its blob."""
    return repo.git("cat-file", "blob", sha)


def commit(repo: GitRepo, sha: str) -> Commit:
    """One commit by its full id."""
    return next(_commits(repo.git("log", "-z", "-1", f"--format={_FIELDS}", sha, "--")))


def log(repo: GitRepo, start: str, *, path: str = "", limit: int = 30, skip: int = 0) -> list[Commit]:
    """Commits from `start` backwards, newest first; with `path`, those that changed it."""
    paths = [path] if path else []
    window = [f"--max-count={limit}", f"--skip={skip}"]
    out = repo.git("--literal-pathspecs", "log", "-z", *window, f"--format={_FIELDS}", start, "--", *paths)
    return list(_commits(out))


def between(repo: GitRepo, base: str, head: str, *, limit: int = 250) -> list[Commit]:
    """The commits of `head` that `base` lacks, oldest first; at most the newest `limit` of them."""
    listed = repo.git("log", "-z", f"--max-count={limit}", f"--format={_FIELDS}", f"{base}..{head}", "--")
    return list(_commits(listed))[::-1]


def count(repo: GitRepo, start: str, path: str = "") -> int:
    """How many commits `log` would give without a limit."""
    paths = [path] if path else []
    return int(repo.git("--literal-pathspecs", "rev-list", "--count", start, "--", *paths))


def compare(repo: GitRepo, base: str, head: str) -> Comparison:
    """How many commits each of two commits has that the other lacks, and where they part."""
    behind, ahead = repo.git("rev-list", "--left-right", "--count", f"{base}...{head}", "--").split()
    bases = repo.try_git("merge-base", base, head).stdout.decode("ascii").split()
    return Comparison(bases[0] if bases else None, int(ahead), int(behind))


def changes(repo: GitRepo, old: str, new: str) -> list[FileChange]:
    """The files that differ between two commits or trees, by path, with a patch of three lines of context."""
    raw = repo.git("diff", "-M", "--raw", "--no-abbrev", "-z", old, new, "--").decode("utf-8", "replace")
    numbers = repo.git("diff", "-M", "--numstat", "-z", old, new, "--").decode("utf-8", "replace")
    patches = iter(_patches(repo.git("diff", "-M", "--patch", old, new, "--").decode("utf-8", "replace")))
    found = []
    for row, (additions, deletions) in zip(_raw_rows(raw), _numstat_rows(numbers), strict=True):
        path, previous, status, sha = row
        patch = next(patches)
        if status == "changed":  # a file that became a link is shown as a removal and an addition
            patch += "\n" + next(patches)
        found.append(FileChange(path, previous, status, sha, additions, deletions, patch))
    return found


def commit_changes(repo: GitRepo, one: Commit) -> list[FileChange]:
    """What a commit changed against its first parent, or against nothing."""
    return changes(repo, one.parents[0] if one.parents else EMPTY_TREE, one.sha)


def touched(repo: GitRepo, shas: Sequence[str]) -> dict[str, list[FileChange]]:
    """What each of these commits changed, by commit, without counts and patches; a merge changes nothing."""
    asked = "".join(f"{sha}\n" for sha in shas).encode()
    flags = ("--stdin", "--root", "-r", "-M", "--raw", "--no-abbrev", "-z")
    fields = iter(repo.git("diff-tree", *flags, stdin=asked).decode("utf-8", "replace").split("\0")[:-1])
    found: dict[str, list[FileChange]] = {sha: [] for sha in shas}
    current = ""
    for field in fields:
        if not field.startswith(":"):
            current = field.strip()
            continue
        path, previous, status, sha = _raw_row(field, fields)
        found[current].append(FileChange(path, previous, status, sha, 0, 0, ""))
    return found


def _entries(listed: bytes) -> Iterator[Entry]:
    for record in listed.decode("utf-8", "replace").split("\0")[:-1]:
        described, path = record.split("\t", 1)
        mode, kind, sha, size = described.split()
        yield Entry(path, mode, kind, sha, 0 if size == "-" else int(size))


def _commits(out: bytes) -> Iterator[Commit]:
    fields = out.decode("utf-8", "replace").split("\0")
    for at in range(0, len(fields) - 9, 10):
        sha, its_tree, parents, name, email, when, by, by_email, by_when, message = fields[at : at + 10]
        yield Commit(
            sha=sha.strip("\n"),
            tree=its_tree,
            parents=tuple(parents.split()),
            author=Person(name, email),
            authored_at=int(when),
            committer=Person(by, by_email),
            committed_at=int(by_when),
            message=message.rstrip("\n"),
        )


def _raw_rows(raw: str) -> Iterator[tuple[str, str | None, str, str]]:
    """Each file of `git diff --raw -z`; see _raw_row."""
    fields = iter(raw.split("\0")[:-1])
    for described in fields:
        yield _raw_row(described, fields)


def _raw_row(described: str, fields: Iterator[str]) -> tuple[str, str | None, str, str]:
    """Path, earlier path, status and blob (the new one, or the last one of a removed file) of one file."""
    _, _, old, new, letter = described.split(" ")
    previous = next(fields) if letter[0] in "RC" else None
    return next(fields), previous, _STATUS[letter[0]], old if letter[0] == "D" else new


def _numstat_rows(numbers: str) -> Iterator[tuple[int, int]]:
    """Added and removed lines of each file, from `git diff --numstat -z`; a binary file counts none."""
    fields = iter(numbers.split("\0")[:-1])
    for described in fields:
        added, removed, path = described.split("\t")
        if not path:  # a rename: the two paths follow as fields of their own
            next(fields), next(fields)
        yield (0, 0) if added == "-" else (int(added), int(removed))


def _patches(text: str) -> list[str]:
    """The hunks of each file; only a header begins with `diff --git` at the start of a line."""
    files: list[list[str]] = []
    inside = False
    for line in text.split("\n"):
        if line.startswith("diff --git "):
            files.append([])
            inside = False
        elif files:
            inside = inside or line.startswith("@@ ")
            if inside:
                files[-1].append(line)
    return ["\n".join(lines).rstrip("\n") for lines in files]
