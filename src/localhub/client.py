"""Talks to a running localhub for the player commands: finds it, asks it, and turns refusals into messages.

It is found through `--url` and `--token`, else LOCALHUB_URL and LOCALHUB_TOKEN, else the `localhub.json` that
`localhub serve` keeps in its data directory while it runs.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx

from localhub.serve import PLACE_FILE

_USUAL = (Path(".localhub"), Path(".steward/demo/localhub"))
_TIMEOUT_S = 30.0


class Refused(click.ClickException):
    """localhub answered with an error of this HTTP `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Place:
    """Where a localhub is, and a token for it."""

    url: str
    token: str


def find(url: str | None, token: str | None, data_dir: Path | None) -> Place:
    """The localhub to talk to. Raises click.ClickException that says how to name one."""
    url = url or os.environ.get("LOCALHUB_URL")
    token = token or os.environ.get("LOCALHUB_TOKEN")
    if url and token:
        return Place(url.rstrip("/"), token)
    named = data_dir or (
        Path(os.environ["LOCALHUB_DATA_DIR"]) if os.environ.get("LOCALHUB_DATA_DIR") else None
    )
    for directory in (named,) if named is not None else _USUAL:
        path = directory / PLACE_FILE
        if path.exists():
            found = _read(path)
            return Place((url or found.url).rstrip("/"), token or found.token)
    where = f"{named / PLACE_FILE} is not there" if named is not None else "none is known here"
    raise click.ClickException(
        f"no running localhub was found: {where}. Start one with `localhub serve --data-dir DIR` and name it with "
        "--data-dir DIR (or LOCALHUB_DATA_DIR), or give --url and --token."
    )


def _read(path: Path) -> Place:
    try:
        facts = json.loads(path.read_text())
        return Place(str(facts["url"]), str(facts["token"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise click.ClickException(
            f"{path} cannot be read: {error}. Start localhub again, or give --url."
        ) from error


class Client:
    """A connection to one localhub. Every method raises click.ClickException when it is refused."""

    def __init__(self, place: Place) -> None:
        self.place = place
        headers = {"Authorization": f"Bearer {place.token}"}
        self._http = httpx.Client(base_url=place.url, headers=headers, timeout=_TIMEOUT_S)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
    ) -> httpx.Response:
        """One request and its good answer."""
        try:
            answer = self._http.request(
                method, path, json=body, params=query, follow_redirects=method == "GET"
            )
        except httpx.HTTPError as error:
            raise click.ClickException(
                f"localhub at {self.place.url} does not answer ({error}). Is it running? Start it with "
                "`localhub serve`."
            ) from error
        if answer.is_success:
            return answer
        raise Refused(answer.status_code, f"{method} {path}: {answer.status_code} {_words(answer)}")

    def pages(self, path: str) -> Iterator[Any]:
        """All entries of a list, page after page."""
        answer = self.ask("GET", path, query={"per_page": 100})
        while True:
            yield from answer.json()
            following = answer.links.get("next")
            if following is None:
                return
            answer = self.ask("GET", following["url"])

    def org(self, login: str | None) -> str:
        """The organisation that is meant: the named one, or the only one."""
        if login is not None:
            return login
        logins = self.ask("GET", "/_localhub").json()["organisations"]
        if len(logins) != 1:
            raise click.UsageError(f"name the organisation with --org: {', '.join(logins)}")
        return str(logins[0])

    def repo(self, wanted: str, login: str | None = None) -> dict[str, Any]:
        """A living repository by id, by name, or as `org/name`; former names are followed."""
        if wanted.isascii() and wanted.isdigit():
            path = f"/repositories/{wanted}"
        elif "/" in wanted:
            path = f"/repos/{wanted}"
        else:
            path = f"/repos/{self.org(login)}/{wanted}"
        found: dict[str, Any] = self.ask("GET", path).json()
        return found


def _words(answer: httpx.Response) -> str:
    """What an answer says went wrong, in one line."""
    try:
        told = answer.json()
    except ValueError:
        return answer.text.strip()[:200]
    if not isinstance(told, dict):
        return str(told)[:200]
    details = [str(one.get("message", one)) for one in told.get("errors", []) if isinstance(one, dict)]
    return "; ".join([str(told.get("message", "")), *details])
