"""A request that is sent twice acts once: the answer is kept under the key that came with it.

A program sends `Idempotency-Key`, a form of ours the field `key`. Kept is what acted (a status below 400); a
request that came to nothing gives its key back, so that it can be sent again. An answer that holds a secret
is not kept: its repeat is told so. Keys are one's own: another's same key is another key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from steward.app.errors import Invalid
from steward.faces.http.site import COOKIE, principal_of, site
from steward.ports import Answer, Permanent, StoreUnavailable

log = logging.getLogger(__name__)

HEADER: Final = "idempotency-key"
FIELD: Final = "key"
KEY: Final = re.compile(r"[!-~]{1,200}")
BODY_MAX_BYTES: Final = 256 * 1024
"""A larger answer is not kept; its repeat is told so."""
UNDER_WAY_S: Final = 120.0
"""For so long a request without an answer is taken to be still under way."""
KEPT_HEADERS: Final = ("content-type", "location", "etag", "link")
_MARK: Final = "steward_unrepeatable"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Awaitable[Response]]


class KeyTaken(Exception):
    """The key cannot be answered under. `code` says why; `wait_s`, where it may be answered later."""

    def __init__(self, code: str, words: str, advice: str, wait_s: int | None = None) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.advice = advice
        self.wait_s = wait_s


def unrepeatable(endpoint: Endpoint) -> Endpoint:
    """Say that the answer of an endpoint holds a secret and must not be kept."""
    setattr(endpoint, _MARK, True)
    return endpoint


def keeps(endpoint: Any) -> bool:
    """Whether the answers of an endpoint may be kept."""
    return not getattr(endpoint, _MARK, False)


@dataclass(frozen=True, slots=True)
class Repeats:
    """Answers requests that change something, each key once. `may_keep`: whether answers may be stored."""

    may_keep: bool

    async def answer(self, request: Request, inner: Handler) -> tuple[Response, bool]:
        """The answer, and whether it was given before. Raises Invalid, KeyTaken, and what `inner` raises."""
        key = await _key(request)
        if key is None:
            return await inner(request), False
        claim = Answer(
            key=key,
            actor=principal_of(request).actor,
            fingerprint=await _fingerprint(request),
            at=site(request).app.clock.now().at,
        )
        earlier = await run_in_threadpool(_claim, request, claim)
        if earlier is not None:
            return _again(earlier, claim), True
        try:
            response = await inner(request)
        except Exception:
            # One that is cut off is no Exception: its thread may still act, so its key stays taken.
            await run_in_threadpool(_give_back, request, claim)
            raise
        if response.status_code >= 400:
            await run_in_threadpool(_give_back, request, claim)
        else:
            await run_in_threadpool(_keep, request, claim, response, self.may_keep)
        return response, False


async def _key(request: Request) -> str | None:
    given = request.headers.get(HEADER)
    await (
        request.body()
    )  # kept by the request: a form that is read first would leave nothing for the endpoint
    if given is None and "form" in request.headers.get("content-type", ""):
        given = str((await request.form()).get(FIELD, "")) or None
    if given is not None and not KEY.fullmatch(given):
        raise Invalid(
            "the idempotency key cannot be used",
            "Send 1 to 200 visible ASCII characters, such as a random UUID.",
        )
    return given


async def _fingerprint(request: Request) -> str:
    """What makes a request the same: its method, address and body; of a form, its fields but the token.

    Keyed, where secrets are kept, with a key that is not in the database: a short secret in the body cannot be guessed
    from what is kept.
    """
    if "form" in request.headers.get("content-type", ""):
        fields = [
            (name, str(value.filename) if isinstance(value, UploadFile) else value)
            for name, value in (await request.form()).multi_items()
            if name != "csrf"
        ]
        body = json.dumps(fields).encode()
    else:
        body = await request.body()
    parts = (request.method.encode(), str(request.url.path).encode(), request.url.query.encode(), body)
    whole = hmac.new(await run_in_threadpool(_fingerprint_key, request), digestmod=hashlib.sha256)
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()


def _fingerprint_key(request: Request) -> bytes:
    vault = site(request).app.vault
    if vault is None:
        return b""
    try:
        return vault.seal_key()
    except Permanent:
        # Nothing can be kept then either; the caller's own proof is no less secret.
        proof = request.headers.get("authorization") or request.cookies.get(COOKIE, "")
        return proof.encode("utf-8", "surrogatepass")


def _claim(request: Request, claim: Answer) -> Answer | None:
    """Take the key; or return what is kept under it."""
    with site(request).app.store.writing() as tx:
        if tx.begin_answer(claim):
            return None
        return tx.answer(claim.key, claim.actor)


def _again(earlier: Answer, claim: Answer) -> Response:
    if earlier.fingerprint != claim.fingerprint:
        raise KeyTaken(
            "key-reused",
            "this idempotency key came with another request before",
            "Send a new key with a new request.",
        )
    if earlier.status is None:
        if (claim.at - earlier.at).total_seconds() < UNDER_WAY_S:
            raise KeyTaken(
                "key-under-way", "the request with this key is still being worked on", "Wait a moment.", 2
            )
        raise KeyTaken(
            "key-unfinished",
            "the request with this key was cut off; whether it acted is not known",
            "See how things stand, then send it with a new key if it is still wanted.",
        )
    kept = json.loads(earlier.body)
    if kept["body"] is None:
        raise KeyTaken(
            "key-not-kept",
            "this was done already; its answer is not kept",
            "What was a secret was shown once. Make a new one with a new key.",
        )
    response = Response(kept["body"], earlier.status)
    response.headers.update(kept["headers"])
    response.headers["Idempotent-Replay"] = "true"
    return response


def _keep(request: Request, claim: Answer, response: Response, may_keep: bool) -> None:
    body = bytes(response.body) if hasattr(response, "body") else None
    text = None
    if body is not None and may_keep and len(body) <= BODY_MAX_BYTES:
        text = body.decode(response.charset)
    kept = {
        "headers": {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
        "body": text,
    }
    try:
        with site(request).app.store.writing() as tx:
            tx.save_answer(replace(claim, status=response.status_code, body=json.dumps(kept)))
    except StoreUnavailable as error:
        # It acted, and says so; a repeat will be told that this one was cut off.
        log.warning("an answer could not be kept for its repeat: %s", error.reason)


def _give_back(request: Request, claim: Answer) -> None:
    try:
        with site(request).app.store.writing() as tx:
            tx.drop_answer(claim.key, claim.actor)
    except StoreUnavailable as error:
        log.warning("an idempotency key could not be given back: %s", error.reason)
