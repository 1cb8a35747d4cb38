"""What a repository's git repository is made from when it is first asked for.

A seed is a short text kept with the repository: `empty`, `readme` (one commit with a README), or
`sample:NAME` (a history of sample.py's). Until then the repository exists in the database alone, so that an
organisation of 100,000 repositories starts at once.
"""

from localhub import sample
from localhub.clock import moment_of
from localhub.gitstore import ZERO_SHA, GitRepo, NewCommit, Person
from localhub.registry import Repo

AUTHOR = Person("localhub", "localhub@localhost")


def plant(git: GitRepo, repo: Repo) -> None:
    """Make the git repository of `repo` from its seed. Raises ValueError for an unknown seed."""
    kind, _, name = repo.seed.partition(":")
    if kind == "empty":
        git.create(repo.default_branch)
    elif kind == "readme":
        git.create(repo.default_branch, [first_commit(repo)])
    elif kind == "sample":
        git.create(repo.default_branch, sample.commits(name))
    else:
        raise ValueError(f"{repo.full_name} has the unknown seed {repo.seed!r}")


def first_commit(repo: Repo) -> NewCommit:
    """The commit that GitHub makes where `auto_init` is asked for: a README with name and description."""
    text = f"# {repo.name}\n" + (f"{repo.description}\n" if repo.description else "")
    at = int(moment_of(repo.pushed_at or repo.created_at).timestamp())
    return NewCommit("Initial commit", {"README.md": text.encode()}, AUTHOR, at, branch=repo.default_branch)


def copy_template(template: GitRepo, target: GitRepo, repo: Repo) -> None:
    """Make `target` with one commit that holds the files of the template's default branch."""
    tip = template.resolve(repo.default_branch)
    if tip is None:
        target.create(repo.default_branch)
        return
    template.copy_to(target.path)
    at = f"{int(moment_of(repo.created_at).timestamp())} +0000"
    who = {"NAME": AUTHOR.name, "EMAIL": AUTHOR.email, "DATE": at}
    env = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in who.items()}
    commit = target.git("commit-tree", f"{tip}^{{tree}}", "-m", "Initial commit", env=env).decode().strip()
    for ref, sha in target.refs().items():
        target.set_ref(ref, ZERO_SHA, sha)
    target.set_ref(f"refs/heads/{repo.default_branch}", commit, ZERO_SHA)
    target.set_head_branch(repo.default_branch)
