"""What a REST handler is given and what it gives back: Call, Answer, Problem, and pages with their links.

Nothing here knows a path or a table.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from localhub.registry import Owner, Repo

if TYPE_CHECKING:
    from localhub.core import Core
    from localhub.tokens import Caller

DOCS = "https://docs.github.com/rest"
MAX_PER_PAGE = 100


@dataclass(frozen=True)
class Answer:
    """A whole answer: `body` is JSON-able, bytes that are sent as they are, or None for an empty one.

    `etag` is set where the handler knows a validator for the body that is cheaper than the body itself.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None


class Problem(Exception):
    """An answer other than success, in the shape of GitHub's."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message}
        if errors is not None:
            self.body["errors"] = list(errors)
        self.body |= {"documentation_url": DOCS, "status": str(status), **(more or {})}
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        """The answer that says so."""
        return Answer(self.status, self.body, self.headers)


def not_found() -> Problem:
    """GitHub's answer for what is not there, and for what the caller may not see."""
    return Problem(404, "Not Found")


def invalid(resource: str, field_name: str, message: str, code: str = "custom") -> Problem:
    """422 with one error, as GitHub answers a field that it cannot take."""
    error = {"resource": resource, "field": field_name, "code": code, "message": message}
    return Problem(422, "Validation Failed", errors=[error])


class Page(NamedTuple):
    """A part of a list: page numbers count from 1."""

    number: int
    size: int

    @property
    def skip(self) -> int:
        """How many entries come before it."""
        return (self.number - 1) * self.size


@dataclass
class Call:
    """One request, with the caller known.

    `base` is the address of the API as the caller wrote it (with `/api/v3` where used), `site` that of the
    server; neither ends in a slash. `path` starts after `base`. `route` is None where no handler is. `conditional` is False while a fault changes
    the answer, so that a validator does not hide it.
    """

    core: "Core"
    caller: "Caller"
    method: str
    path: str
    base: str
    site: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    route: "Route | None" = None
    conditional: bool = True

    def etag(self, *parts: bytes) -> str:
        """The weak validator of a body that these bytes stand for: another for each credential, as GitHub's."""
        digest = hashlib.sha256(self.caller.key.encode())
        for part in parts:
            digest.update(b"\0" + part)
        return f'W/"{digest.hexdigest()}"'

    def has(self, etag: str) -> bool:
        """Whether the caller says that it holds the body of this validator."""
        held = self.headers.get("if-none-match", "")
        return self.conditional and etag.removeprefix("W/") in {
            one.strip().removeprefix("W/") for one in held.split(",")
        }

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty body is an empty object. Raises Problem 400."""
        if not self.body.strip():
            return {}
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Problem(400, "Problems parsing JSON") from error
        if not isinstance(found, dict):
            raise Problem(400, "Body should be a JSON object")
        return found

    def text(self, name: str, *, resource: str, default: str | None = None) -> str:
        """A text of the body. Raises Problem 422 when it is missing without a default, or no text."""
        value = self.json().get(name, default)
        if value is None:
            raise invalid(resource, name, f"{name} is missing", "missing_field")
        if not isinstance(value, str):
            raise invalid(resource, name, f"{name} is not a string", "invalid")
        return value

    def number(self, name: str) -> int:
        """A number in the path. Raises Problem 404 when it is none, as GitHub does."""
        text = self.params[name]
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise not_found()
        return int(text)

    def page(self, *, size: int = 30) -> Page:
        """Which page is asked for; what is out of range counts as the nearest that is in it."""
        return Page(max(1, self._asked("page", 1)), min(MAX_PER_PAGE, max(1, self._asked("per_page", size))))

    def _asked(self, name: str, default: int) -> int:
        text = self.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default

    def links(self, page: Page, total: int, path: str | None = None) -> dict[str, str]:
        """The `Link` header for a page of a list of `total`; empty when there is only one page.

        The form is GitHub's: the query is kept, `page` is last, prev, next, last and first in this order.
        """
        last = max(1, -(-total // page.size))
        kept = {name: value for name, value in self.query.items() if name != "page"}

        def link(number: int, rel: str) -> str:
            return f'<{self.base}{path or self.path}?{urlencode({**kept, "page": number})}>; rel="{rel}"'

        parts = [link(min(page.number - 1, last), "prev")] if page.number > 1 else []
        if page.number < last:
            parts += [link(page.number + 1, "next"), link(last, "last")]
        if page.number > 1:
            parts.append(link(1, "first"))
        return {"Link": ", ".join(parts)} if parts else {}

    def paged(self, entries: Sequence[Any], path: str | None = None) -> Answer:
        """One page of a list that is at hand whole, with its links."""
        page = self.page()
        return Answer(
            body=list(entries[page.skip : page.skip + page.size]),
            headers=self.links(page, len(entries), path),
        )

    def org(self) -> Owner:
        """The organisation named by `{org}` or `{organization_id}` in the path, if the caller may see it."""
        return self.core.access.organisation(self)

    def repo(self, *, write: str | None = None, archived: bool = False) -> Repo:
        """The repository in the path (`{owner}/{repo}` or `{repository_id}`), if the caller may see it.

        `write` names the right that a change needs (`contents`, `administration`, `pull_requests`, `checks`,
        `statuses`, `issues`, ...): Problem 403 without it, and for an archived repository unless `archived`
        says that this change may be made to one. A former name raises Problem 301 (GET) or 307 with the
        address by id; what is not there or not visible raises Problem 404.
        """
        return self.core.access.repository(self, write=write, archived=archived)


Handler = Callable[[Call], Answer]


class Route(NamedTuple):
    """A method, a path in Starlette's form (`/repos/{owner}/{repo}/contents/{path:path}`), its handler."""

    method: str
    path: str
    handler: Handler
