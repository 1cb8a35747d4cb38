"""The kinds of fault that localhub can be told to show, each a validated value.

Which of them are on, and whether one applies to a request, is faultset.py's to say. `KINDS` is the list that the
admin interface and the command line show.

A fault of the first group applies to requests that match `method`, `path` (a regular expression searched in the
path, without `/api/v3`) and `page`, after `skip` such requests, for `times` of them (until cleared when null).
Faults of the checks that localhub runs are in checkfaults.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal, get_args

import msgspec

from localhub import checkfaults
from localhub.wire import Answer, Call, Problem

LISTINGS = r"^/(orgs/[^/]+/repos|organizations/\d+/repos|installation/repositories)$"
"""The paths that list an organisation's repositories: where faults of pages apply unless told otherwise."""


class _Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all faults share: nothing but the way they are written."""


class Matched(_Fault, kw_only=True):
    """A fault of single requests."""

    method: str | None = None
    path: str | None = None
    page: int | None = None
    skip: int = 0
    times: int | None = None
    changes_body: ClassVar[bool] = False

    def instead(self, call: Call) -> Answer | None:
        """The answer in place of the true one, or None to let the true one come."""

    def alter(self, call: Call, answer: Answer) -> Answer:  # noqa: ARG002 # kinds that need the call use it
        """What becomes of the true answer."""
        return answer


class Paged(Matched, kw_only=True):
    """A fault of a page of a list of repositories."""

    changes_body: ClassVar[bool] = True
    method: str | None = "GET"
    path: str | None = LISTINGS


class Status(Matched, kw_only=True, tag="status"):
    """Answer with a status of your choice: `code`, and if you like `message`, `headers` and `body`."""

    code: int
    message: str = "localhub was told to answer so"
    headers: dict[str, str] = {}
    body: Any = None

    def instead(self, call: Call) -> Answer:  # noqa: ARG002 # the shape of all kinds
        """The status, with GitHub's error shape unless a body is given."""
        if self.body is not None:
            return Answer(self.code, self.body, self.headers)
        return Problem(self.code, self.message, headers=self.headers).answer()


class RateLimit(Matched, kw_only=True, tag="rate_limit"):
    """The primary rate limit is used up and resets in `reset_s`."""

    reset_s: int = 60

    def instead(self, call: Call) -> Answer:
        """403 with nothing remaining."""
        reset = int(call.core.clock.now().timestamp()) + self.reset_s
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
        limit = call.core.limits.window(call.caller.key).limit
        headers |= {"x-ratelimit-limit": str(limit), "x-ratelimit-used": str(limit)}
        return Problem(403, f"API rate limit exceeded for {call.caller.login}.", headers=headers).answer()


class SecondaryLimit(Matched, kw_only=True, tag="secondary_limit"):
    """A secondary rate limit: 403 (or `code`), without `retry-after` unless `retry_after_s` is given."""

    code: Literal[403, 429] = 403
    retry_after_s: int | None = None

    def instead(self, call: Call) -> Answer:  # noqa: ARG002 # the shape of all kinds
        """The refusal; GitHub leaves the primary limit's headers as they are."""
        headers = {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}
        words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        return Problem(self.code, words, headers=headers).answer()


class TooManyRequests(Matched, kw_only=True, tag="too_many_requests"):
    """429 with `retry-after: retry_after_s`."""

    retry_after_s: int = 1

    def instead(self, call: Call) -> Answer:  # noqa: ARG002 # the shape of all kinds
        """The refusal."""
        headers = {"retry-after": str(self.retry_after_s)}
        return Problem(429, "Too many requests", headers=headers).answer()


class Html(Matched, kw_only=True, tag="html"):
    """An HTML page with status 200, as a proxy or a maintenance page gives."""

    code: int = 200

    def instead(self, call: Call) -> Answer:  # noqa: ARG002 # the shape of all kinds
        """The page."""
        page = b"<!DOCTYPE html><html><body><h1>We are doing some maintenance</h1></body></html>\n"
        return Answer(self.code, page, {"content-type": "text/html; charset=utf-8"})


class ErrorObject(Paged, kw_only=True, tag="error_object"):
    """Status 200 with an error object where a list should be."""

    def instead(self, call: Call) -> Answer:  # noqa: ARG002 # the shape of all kinds
        """The object."""
        return Answer(200, {"message": "Server Error", "documentation_url": "https://docs.github.com/rest"})


class EmptyPage(Paged, kw_only=True, tag="empty_page"):
    """An empty list in place of the page; its links stay."""

    def alter(self, call: Call, answer: Answer) -> Answer:  # noqa: ARG002 # the shape of all kinds
        """The page without entries."""
        return _with_entries(answer, [])


class LostLink(Paged, kw_only=True, tag="lost_link"):
    """The page without its Link header."""

    def alter(self, call: Call, answer: Answer) -> Answer:  # noqa: ARG002 # the shape of all kinds
        """The page without links."""
        return _with_link(answer, None)


class NullEntries(Paged, kw_only=True, tag="null_entries"):
    """Null in place of the entries at `positions` (counted from 0 in each page)."""

    positions: tuple[int, ...] = (0,)

    def alter(self, call: Call, answer: Answer) -> Answer:  # noqa: ARG002 # the shape of all kinds
        """The page with holes."""
        entries = [None if at in self.positions else one for at, one in enumerate(_entries(answer))]
        return _with_entries(answer, entries)


class ShortPage(Paged, kw_only=True, tag="short_page"):
    """Only the first `keep` entries of the page, which says that it is the last one."""

    keep: int = 1

    def alter(self, call: Call, answer: Answer) -> Answer:  # noqa: ARG002 # the shape of all kinds
        """The page cut off, with no link onward."""
        onward = ('rel="next"', 'rel="last"')
        kept = [one for one in answer.headers.get("Link", "").split(", ") if not one.endswith(onward)]
        return _with_link(_with_entries(answer, _entries(answer)[: self.keep]), ", ".join(kept))


class EndlessPaging(Paged, kw_only=True, tag="endless_paging"):
    """Every page, also one past the end, is full and has a next one: past the end the first is given again."""

    def alter(self, call: Call, answer: Answer) -> Answer:
        """The page, or the first one where it is empty, with a link to a further one."""
        page = call.page()
        link = f'<{call.base}{call.path}?per_page={page.size}&page={page.number + 1}>; rel="next"'
        if not _entries(answer) and page.number > 1:
            answer = call.core.again(call, {**call.query, "page": "1"})
        return _with_link(answer, link)


class AfterPage(Paged, kw_only=True, tag="after_page"):
    """Once `page` was served, `action` happens to `repo` (id or name), with `name` as new name or owner."""

    changes_body: ClassVar[bool] = False
    page: int | None = 1
    times: int | None = 1
    action: Literal["delete", "rename", "transfer", "push", "create"] = "delete"
    repo: int | str
    name: str | None = None

    def alter(self, call: Call, answer: Answer) -> Answer:
        """The page as it is; the change is made after it was read."""
        call.core.change_behind_back(self.action, self.repo, self.name)
        return answer


class Slow(Matched, kw_only=True, tag="slow"):
    """Answer only after `delay_s`."""

    delay_s: float


class Drop(Matched, kw_only=True, tag="drop"):
    """Break the connection after `after_bytes` of the body were sent."""

    after_bytes: int = 0


class NoRateHeaders(Matched, kw_only=True, tag="no_rate_headers"):
    """No `x-ratelimit-*` headers and no limit, as GitHub Enterprise Server answers by default."""


class NotFound(_Fault, kw_only=True, tag="not_found"):
    """404 for a repository (id or name), when asked for `by` its id, its name or any; for `times` requests."""

    repo: int | str
    by: Literal["id", "name", "any"] = "any"
    times: int | None = None


class Blocked(_Fault, kw_only=True, tag="blocked"):
    """451 for a repository (id or name), as after a legal notice."""

    repo: int | str


class PrivateHidden(_Fault, kw_only=True, tag="private_hidden"):
    """Tokens see public repositories alone, as after they lost the scope."""


class Selection(_Fault, kw_only=True, tag="selection"):
    """Callers see only these repositories (ids or names), as with an App's selection."""

    repositories: list[int | str]


class AppUninstalled(_Fault, kw_only=True, tag="app_uninstalled"):
    """The organisation and all in it are 404, as after the App was uninstalled."""

    org: str


class ReplicaLag(_Fault, kw_only=True, tag="replica_lag"):
    """Repositories younger than `lag_s` are neither listed nor found."""

    lag_s: float


class WebhookFault(_Fault, kw_only=True):
    """A fault of deliveries; `events` limits it to these events (all when empty)."""

    events: list[str] = []
    rate: float = 1.0
    seed: int = 0


class WebhookDelay(WebhookFault, kw_only=True, tag="webhook_delay"):
    """Deliver after `delay_s` and up to `jitter_s` more."""

    delay_s: float
    jitter_s: float = 0.0


class WebhookDouble(WebhookFault, kw_only=True, tag="webhook_double"):
    """Deliver twice, with the same GUID: a share `rate` of the deliveries, drawn with `seed`."""


class WebhookDrop(WebhookFault, kw_only=True, tag="webhook_drop"):
    """Never deliver a share `rate` of the deliveries, drawn with `seed`; they are listed as failed.

    With `listed` false they are not even listed, as GitHub treats an event of more than 25 MB.
    """

    listed: bool = True


class WebhookReorder(WebhookFault, kw_only=True, tag="webhook_reorder"):
    """Hold deliveries until `window` of them are there, then send them last first."""

    window: int = 2


Fault = (
    Status
    | RateLimit
    | SecondaryLimit
    | TooManyRequests
    | Html
    | ErrorObject
    | EmptyPage
    | LostLink
    | NullEntries
    | ShortPage
    | EndlessPaging
    | AfterPage
    | Slow
    | Drop
    | NoRateHeaders
    | NotFound
    | Blocked
    | PrivateHidden
    | Selection
    | AppUninstalled
    | ReplicaLag
    | WebhookDelay
    | WebhookDouble
    | WebhookDrop
    | WebhookReorder
    | checkfaults.Failing
    | checkfaults.SlowChecks
    | checkfaults.Flaky
    | checkfaults.Absent
    | checkfaults.Stuck
    | checkfaults.Infrastructure
)


def parse(document: object) -> Fault:
    """A fault from JSON. Raises ValueError that names what is wrong."""
    known = [str(kind.__struct_config__.tag) for kind in get_args(Fault)]
    if not isinstance(document, dict) or document.get("kind") not in known:
        raise ValueError(f"`kind` must be one of {', '.join(known)}")
    try:
        found: Fault = msgspec.convert(document, Fault)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    return found


def kinds() -> dict[str, dict[str, Any]]:
    """Every kind by name: what it does, and its parameters with their defaults (`required` for none)."""
    found = {}
    for kind in get_args(Fault):
        fields = {
            field.name: "required" if field.required else _default(field)
            for field in msgspec.structs.fields(kind)
        }
        found[str(kind.__struct_config__.tag)] = {
            "does": " ".join(kind.__doc__.split()),
            "parameters": fields,
        }
    return found


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _entries(answer: Answer) -> list[Any]:
    """The entries of a page, whether it is a list or an object that holds one."""
    body = answer.body
    if isinstance(body, Mapping):
        return next((value for value in body.values() if isinstance(value, list)), [])
    return body if isinstance(body, list) else []


def _with_entries(answer: Answer, entries: list[Any]) -> Answer:
    if isinstance(answer.body, Mapping):
        body: Any = {
            name: entries if isinstance(value, list) else value for name, value in answer.body.items()
        }
    elif isinstance(answer.body, list):
        body = entries
    else:
        return answer
    return replace(answer, body=body, etag=None)


def _with_link(answer: Answer, link: str | None) -> Answer:
    headers = {name: value for name, value in answer.headers.items() if name != "Link"}
    return replace(answer, headers=headers | ({"Link": link} if link else {}), etag=None)
