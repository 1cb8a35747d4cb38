"""Secrets of projects at a Steward elsewhere; see `app.secrets`. They go there, and never come back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from steward.adapters.remote.shapes import Json
from steward.adapters.remote.wire import Wire, project_path
from steward.app.errors import Invalid
from steward.app.keeping import LENGTH, Alphabet
from steward.domain.needs import Sort
from steward.domain.vault import Place

RUN = frozenset({Place.RUN})


@dataclass(frozen=True, slots=True)
class RemoteSecrets:
    """What can be done with secrets."""

    wire: Wire

    def listed(self, reference: str) -> Json:
        """What is kept, never the values."""
        return self.wire.get(Json, project_path(reference, "secrets"))

    def set_many(
        self,
        reference: str,
        values: Mapping[str, str],
        sort: Sort = Sort.SECRET,
        places: Collection[Place] = RUN,
    ) -> list[Json]:
        """Keep values."""
        body: Json = {"values": dict(values), "sort": str(sort), "places": _sorted(places)}
        return self.wire.send(list[Json], "POST", project_path(reference, "secrets"), body)

    def generate(
        self,
        reference: str,
        name: str,
        length: int = LENGTH,
        alphabet: Alphabet = Alphabet.URLSAFE,
        places: Collection[Place] = RUN,
        *,
        replacing: bool = False,
    ) -> Json:
        """Make up a secret there."""
        body: Json = {
            "length": length,
            "alphabet": str(alphabet),
            "places": _sorted(places),
            "replace": replacing,
        }
        return self.wire.send(Json, "POST", project_path(reference, "secrets", name, "generate"), body)

    def unset(self, reference: str, name: str) -> Json:
        """Forget a value."""
        return self.wire.send(Json, "DELETE", project_path(reference, "secrets", name))

    def waive(self, reference: str, name: str, reason: str) -> Json:
        """Do without a name."""
        at = project_path(reference, "secrets", name, "waive")
        return self.wire.send(Json, "POST", at, {"reason": reason})

    def unwaive(self, reference: str, name: str) -> Json:
        """Need it after all."""
        return self.wire.send(Json, "DELETE", project_path(reference, "secrets", name, "waive"))

    def send(self, reference: str) -> Json:
        """Have GitHub given what is kept for the checks."""
        return self.wire.send(Json, "POST", project_path(reference, "secrets", "send"))

    def rotate(self, reference: str | None = None) -> Json:
        """Have the values of a project encrypted anew. Raises Invalid for all at once."""
        if reference is None:
            raise Invalid(
                "all secrets are rotated at once on the machine of Steward alone",
                "Name a project, or run it there.",
            )
        return self.wire.send(Json, "POST", project_path(reference, "secrets", "rotate"))


def _sorted(places: Collection[Place]) -> list[str]:
    return sorted(str(place) for place in places)
