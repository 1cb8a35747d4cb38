"""Lists of repositories: of an organisation, and of an installation.

A page's validator is made from the ids and versions of its repositories, which the index holds, so that a page
that has not changed costs no rendering, and an organisation of 100,000 repositories is never read whole. What a
page was found to hold is remembered until any repository or owner changes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localhub.registry import Owner
from localhub.rest import shapes
from localhub.wire import Answer, Call, Page, Problem, Route

if TYPE_CHECKING:
    from localhub.core import Core

_SORTS = {
    "created": "created_at {0}, id {0}",
    "updated": "updated_at {0}, id {0}",
    "pushed": "coalesce(pushed_at, '') {0}, id {0}",
    "full_name": "name_key {0}",
}


@dataclass(frozen=True)
class Listed:
    """What one page holds: ids and versions in order, and how many repositories there are in all."""

    rows: tuple[tuple[int, int], ...]
    total: int


def org_repos(call: Call) -> Answer:
    """`GET /orgs/{org}/repos` and `GET /organizations/{organization_id}/repos`.

    The links name the organisation by id, as GitHub's do. Without `sort` the order is by age, oldest first, as
    GitHub's recorded answers show; with `sort` and no `direction` it is as documented: newest first, names a to z.
    """
    owner = call.org()
    path = f"/organizations/{owner.id}/repos"
    listed = _listed(call, owner)
    page = call.page()
    seen = f"{call.base} {owner.login} {owner.version} {listed.rows}"
    etag = call.etag(seen.encode())
    if call.has(etag):
        return Answer(304, etag=etag)
    return Answer(body=_bodies(call, listed), headers=call.links(page, listed.total, path), etag=etag)


def installation_repos(call: Call) -> Answer:
    """`GET /installation/repositories`: what the installation of this token may see."""
    if call.caller.kind != "installation" or call.caller.owner_id is None:
        raise Problem(
            403, "You must authenticate with an installation access token in order to list repositories"
        )
    owner = call.core.registry.owner_by_id(call.caller.owner_id)
    if owner is None:
        raise Problem(404, "Not Found")
    listed = _listed(call, owner)
    chosen = call.core.access.view(call.caller).only is not None
    body = {
        "total_count": listed.total,
        "repository_selection": "selected" if chosen else "all",
        "repositories": _bodies(call, listed),
    }
    return Answer(body=body, headers=call.links(call.page(), listed.total))


def _bodies(call: Call, listed: Listed) -> list[dict[str, Any]]:
    ids = [number for number, _ in listed.rows]
    found = call.core.registry.repos_by_id(ids)
    return [shapes.repo(call, found[number]) for number in ids if number in found]


def _listed(call: Call, owner: Owner) -> Listed:
    page = call.page()
    view = call.core.access.view(call.caller)
    where, values = view.where(owner.id, call.query.get("type", "all"))
    return _read(call.core, where, tuple(values), _order(call), page)


def _order(call: Call) -> str:
    sort = call.query.get("sort")
    if sort not in _SORTS:
        return _SORTS["created"].format("DESC" if call.query.get("direction") == "desc" else "ASC")
    direction = call.query.get("direction")
    if direction not in {"asc", "desc"}:
        direction = "asc" if sort == "full_name" else "desc"
    return _SORTS[sort].format(direction.upper())


def _read(core: "Core", where: str, values: tuple[object, ...], order: str, page: Page) -> Listed:
    def rows() -> tuple[tuple[int, int], ...]:
        sql = f"SELECT id, version FROM repo WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608 # made by access.View.where
        found = core.store.rows(sql, *values, page.size, page.skip)
        return tuple((row["id"], row["version"]) for row in found)

    def total() -> int:
        sql = f"SELECT count(*) AS number FROM repo WHERE {where}"  # noqa: S608 # made by access.View.where
        row = core.store.row(sql, *values)
        return 0 if row is None else int(row["number"])

    with core.store.lock:
        return Listed(
            core.remembered(("page", where, values, order, page), rows),
            core.remembered(("total", where, values), total),
        )


ROUTES = [
    Route("GET", "/orgs/{org}/repos", org_repos),
    Route("GET", "/organizations/{organization_id}/repos", org_repos),
    Route("GET", "/installation/repositories", installation_repos),
]
