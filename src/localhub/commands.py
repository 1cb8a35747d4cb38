"""The player commands: each does one thing to a running localhub, as a person would on GitHub's pages."""

import base64
import functools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import click

from localhub import client
from localhub.client import Client

_P = ParamSpec("_P")
_FIELDS = ("id", "full_name", "visibility", "archived", "default_branch", "created_at", "pushed_at")


def _connected(command: Callable[Concatenate[Client, _P], None]) -> Callable[_P, None]:
    """Give a command the options that find a localhub, and a Client as its first argument."""

    @click.option("--url", help="Address of the localhub.")
    @click.option("--token", help="A token of it.")
    @click.option("--data-dir", type=click.Path(path_type=Path), help="Its data directory.")
    @functools.wraps(command)
    def run(url: str | None, token: str | None, data_dir: Path | None, *args: Any, **more: Any) -> None:
        connection = Client(client.find(url, token, data_dir))
        try:
            command(connection, *args, **more)
        finally:
            connection.close()

    return run  # type: ignore[return-value] # click fills the three options in


_org = click.option("--org", metavar="LOGIN", help="Organisation; needed only where there are several.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _show(found: Any, rows: Iterable[Iterable[object]], *, as_json: bool) -> None:
    """Print JSON, or rows in columns."""
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _facts(one: dict[str, Any]) -> list[object]:
    return [one["id"], one["full_name"], one["visibility"], "archived" if one["archived"] else ""]


@click.group()
def repo() -> None:
    """Repositories: list, show, create, rename, delete, restore, transfer, archive, unarchive.

    REPO is a name, OWNER/NAME, or an id.
    """


@repo.command("list")
@click.option("--deleted", is_flag=True, help="Those that can be restored.")
@_org
@_json
@_connected
def repo_list(hub: Client, deleted: bool, org: str | None, as_json: bool) -> None:  # click's flags
    """List an organisation's repositories."""
    if deleted:
        gone = hub.ask("GET", "/_localhub/repos/deleted").json()
        _show(gone, ([one["id"], one["full_name"], one["deleted_at"]] for one in gone), as_json=as_json)
        return
    found = list(hub.pages(f"/orgs/{hub.org(org)}/repos"))
    _show([{name: one[name] for name in _FIELDS} for one in found], map(_facts, found), as_json=as_json)


@repo.command("show")
@click.argument("name", metavar="REPO")
@_org
@_json
@_connected
def repo_show(hub: Client, name: str, org: str | None, as_json: bool) -> None:  # click's flags
    """Show one repository."""
    found = hub.repo(name, org)
    fields = (*_FIELDS, "description", "clone_url")
    _show(found, ([field, found[field]] for field in fields), as_json=as_json)


@repo.command("create")
@click.argument("name")
@click.option("--visibility", type=click.Choice(["private", "public", "internal"]), default="private")
@click.option("--description")
@click.option("--empty", is_flag=True, help="Without a first commit.")
@_org
@_json
@_connected
def repo_create(
    hub: Client,
    name: str,
    visibility: str,
    description: str | None,
    empty: bool,  # click's flags
    org: str | None,
    as_json: bool,  # click's flags
) -> None:
    """Make a repository, with a README unless it is to be empty."""
    wanted = {"name": name, "visibility": visibility, "description": description, "auto_init": not empty}
    made = hub.ask("POST", f"/orgs/{hub.org(org)}/repos", wanted).json()
    _show(made, [["created", *_facts(made), made["clone_url"]]], as_json=as_json)


@repo.command("rename")
@click.argument("name", metavar="REPO")
@click.argument("new_name", metavar="NEW")
@_org
@_connected
def repo_rename(hub: Client, name: str, new_name: str, org: str | None) -> None:
    """Give a repository another name; the old one leads to it until it is used again."""
    found = hub.repo(name, org)
    renamed = hub.ask("PATCH", f"/repositories/{found['id']}", {"name": new_name}).json()
    click.echo(f"renamed {found['full_name']} to {renamed['full_name']} ({found['id']})")


@repo.command("delete")
@click.argument("name", metavar="REPO")
@_org
@_connected
def repo_delete(hub: Client, name: str, org: str | None) -> None:
    """Delete a repository; for 90 days it can be restored."""
    found = hub.repo(name, org)
    hub.ask("DELETE", f"/repositories/{found['id']}")
    click.echo(
        f"deleted {found['full_name']} ({found['id']}); `localhub repo restore {found['id']}` undoes it"
    )


@repo.command("restore")
@click.argument("name", metavar="REPO")
@_connected
def repo_restore(hub: Client, name: str) -> None:
    """Bring a deleted repository back, under its id; of several of one name the last one deleted."""
    gone = hub.ask("GET", "/_localhub/repos/deleted").json()
    wanted = name.lower()
    for one in gone:
        full = str(one["full_name"]).lower()
        if wanted in {str(one["id"]), full, full.split("/")[1]}:
            restored = hub.ask("POST", f"/_localhub/repos/{one['id']}/restore").json()
            click.echo(f"restored {restored['full_name']} ({restored['id']})")
            return
    raise click.ClickException(
        f"no deleted repository is called {name}; `localhub repo list --deleted` names all"
    )


@repo.command("transfer")
@click.argument("name", metavar="REPO")
@click.argument("owner")
@click.option("--name", "new_name", help="Rename it on the way.")
@_org
@_connected
def repo_transfer(hub: Client, name: str, owner: str, new_name: str | None, org: str | None) -> None:
    """Give a repository to another owner, who is made when there is none of that login."""
    found = hub.repo(name, org)
    wanted = {"new_owner": owner} | ({"new_name": new_name} if new_name else {})
    moved = hub.ask("POST", f"/repositories/{found['id']}/transfer", wanted).json()
    click.echo(f"transferred {found['full_name']} to {moved['full_name']} ({found['id']})")


@repo.command("archive")
@click.argument("name", metavar="REPO")
@_org
@_connected
def repo_archive(hub: Client, name: str, org: str | None) -> None:
    """Make a repository read-only."""
    _archive(hub, name, org, archived=True)


@repo.command("unarchive")
@click.argument("name", metavar="REPO")
@_org
@_connected
def repo_unarchive(hub: Client, name: str, org: str | None) -> None:
    """Make a repository writable again."""
    _archive(hub, name, org, archived=False)


def _archive(hub: Client, name: str, org: str | None, *, archived: bool) -> None:
    found = hub.repo(name, org)
    if found["archived"] != archived:
        hub.ask("PATCH", f"/repositories/{found['id']}", {"archived": archived})
    click.echo(f"{found['full_name']} is {'archived' if archived else 'no longer archived'} ({found['id']})")


@click.group()
def org() -> None:
    """Organisations: list, rename."""


@org.command("list")
@_json
@_connected
def org_list(hub: Client, as_json: bool) -> None:  # click's flags
    """List the organisations that are served."""
    logins = hub.ask("GET", "/_localhub").json()["organisations"]
    found = [hub.ask("GET", f"/orgs/{login}").json() for login in logins]
    rows = ([one["id"], one["login"], one["public_repos"] + one["total_private_repos"]] for one in found)
    _show(found, rows, as_json=as_json)


@org.command("rename")
@click.argument("login")
@click.argument("new_login", metavar="NEW")
@_connected
def org_rename(hub: Client, login: str, new_login: str) -> None:
    """Give an organisation another login."""
    renamed = hub.ask("POST", f"/_localhub/orgs/{login}/rename", {"login": new_login}).json()
    click.echo(f"renamed {login} to {renamed['login']} ({renamed['id']})")


@click.command()
@click.argument("name", metavar="REPO")
@click.option("--message", "-m", required=True, help="The commit's message.")
@click.option("--file", "path", default="NOTES.md", show_default=True, help="The file that gets a line.")
@_org
@_connected
def push(hub: Client, name: str, message: str, path: str, org: str | None) -> None:
    """Commit to a repository's default branch: the message is added to a file as a line."""
    found = hub.repo(name, org)
    where = f"/repositories/{found['id']}/contents/{path}"
    text, sha = _file(hub, where)
    content = base64.b64encode(f"{text}- {message}\n".encode()).decode()
    wanted = {"message": message, "content": content} | ({"sha": sha} if sha else {})
    done = hub.ask("PUT", where, wanted).json()
    click.echo(
        f"pushed {done['commit']['sha'][:12]} to {found['full_name']} {found['default_branch']}: {message}"
    )


def _file(hub: Client, where: str) -> tuple[str, str | None]:
    """The text and the id of a file; nothing when it is not there."""
    try:
        kept = hub.ask("GET", where).json()
    except client.Refused as error:
        if error.status != 404:
            raise
        return "", None
    return base64.b64decode(kept["content"]).decode(), kept["sha"]


@click.group()
def fault() -> None:
    """Faults: set, list, clear. They need `localhub serve --faults`."""


@fault.command("set")
@click.argument("kind")
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@_connected
def fault_set(hub: Client, kind: str, parameters: tuple[str, ...]) -> None:
    """Turn a fault on, as in: localhub fault set status code=503 path=^/orgs/ times=2."""
    wanted: dict[str, Any] = {"kind": kind}
    for one in parameters:
        name, equals, value = one.partition("=")
        if not equals:
            raise click.UsageError(f"{one!r} is not NAME=VALUE")
        wanted[name] = _value(value)
    click.echo(json.dumps(hub.ask("POST", "/_localhub/faults", wanted).json()))


def _value(text: str) -> Any:
    """A parameter as JSON where it is that, else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@fault.command("list")
@click.option("--kinds", is_flag=True, help="All kinds that there are, with their parameters.")
@_json
@_connected
def fault_list(hub: Client, kinds: bool, as_json: bool) -> None:  # click's flags
    """List the faults that are on."""
    found = hub.ask("GET", "/_localhub/faults").json()
    if kinds:
        rows = ([name, ", ".join(kind["parameters"]), kind["does"]] for name, kind in found["kinds"].items())
        _show(found["kinds"], rows, as_json=as_json)
        return
    on = found["faults"]
    _show(on, ([one["id"], one["kind"], f"used {one['used']} times"] for one in on), as_json=as_json)


@fault.command("clear")
@click.argument("fault_id", required=False, type=int, metavar="[ID]")
@_connected
def fault_clear(hub: Client, fault_id: int | None) -> None:
    """Turn one fault off, or all."""
    path = "/_localhub/faults" + (f"/{fault_id}" if fault_id is not None else "")
    click.echo(f"cleared {hub.ask('DELETE', path).json()['cleared']}")


@click.group()
def hook() -> None:
    """Webhooks of an organisation: list, deliveries."""


@hook.command("list")
@_org
@_json
@_connected
def hook_list(hub: Client, org: str | None, as_json: bool) -> None:  # click's flags
    """List the hooks."""
    found = list(hub.pages(f"/orgs/{hub.org(org)}/hooks"))
    rows = ([one["id"], one["config"]["url"], ",".join(one["events"]), one["active"]] for one in found)
    _show(found, rows, as_json=as_json)


@hook.command("deliveries")
@click.argument("hook_id", type=int)
@_org
@_json
@_connected
def hook_deliveries(hub: Client, hook_id: int, org: str | None, as_json: bool) -> None:  # as above
    """List the latest deliveries of a hook."""
    path = f"/orgs/{hub.org(org)}/hooks/{hook_id}/deliveries"
    found = hub.ask("GET", path, query={"per_page": 100}).json()
    rows = (
        [one["id"], one["delivered_at"], one["event"], one["action"], one["status_code"]] for one in found
    )
    _show(found, rows, as_json=as_json)
