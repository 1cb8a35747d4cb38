"""The application as faces hold it: one object, built by `main`, with everything they may ask."""

from __future__ import annotations

from dataclasses import dataclass

from steward.app.access import Access
from steward.app.activity import Activity
from steward.app.adopting import Adopting
from steward.app.attending import Attending
from steward.app.attention import Attention
from steward.app.board import Board
from steward.app.building import Building
from steward.app.callers import Callers
from steward.app.chats import Chats
from steward.app.credentials import Credentials
from steward.app.deciding import Deciding
from steward.app.doctor import Check, examine
from steward.app.forms import Forms
from steward.app.hands import Hands
from steward.app.holding import Holding
from steward.app.judging import judge
from steward.app.measures import Measures, in_order
from steward.app.mending import Mending
from steward.app.notices import Notices
from steward.app.parts import Parts
from steward.app.people import People
from steward.app.queries import Queries
from steward.app.readiness import Readiness
from steward.app.restoring import Restoring
from steward.app.secret_files import SecretFiles
from steward.app.service import Service
from steward.app.spending import Spending
from steward.app.sync import Sync
from steward.app.talks import Talks
from steward.app.times import Times
from steward.app.webhooks import Webhooks
from steward.app.works import Works
from steward.domain.people import Principal
from steward.domain.repository import Budget


@dataclass(frozen=True, slots=True)
class Application(Parts):
    """Everything that faces may ask for."""

    @property
    def access(self) -> Access:
        """Sign-in, and the recognition of whoever asks."""
        return Access(self.store, self.clock)

    def queries(self, by: Principal) -> Queries:
        """What that principal may be shown."""
        return Queries(self.store, by, builds=self.templates is not None)

    def activity(self, by: Principal) -> Activity:
        """The history as that principal may see it."""
        return Activity(self.store, by)

    def attention(self, by: Principal) -> Attention:
        """The incidents that want that principal's attention."""
        return Attention(self.store, self.clock, by)

    def board(self, by: Principal) -> Board:
        """What that principal may be shown of many projects at once."""
        return Board(self.store, self.clock, by, self.rules, self.policy)

    def times(self, by: Principal) -> Times:
        """How long the projects that principal may see stand in their statuses."""
        return Times(self.store, self.clock, by)

    def holding(self, by: Principal) -> Holding:
        """Held losses and first looks, as that principal may see them."""
        return Holding(self.store, by)

    def readiness(self, by: Principal) -> Readiness:
        """What the projects that principal may see lack, and what they do without."""
        return Readiness(self.store, self.clock, by, judge(self))

    def sync(self, by: Principal) -> Sync:
        """Looks on demand."""
        return Sync(self, by)

    def commands(self, by: Principal, expecting: int | None = None) -> Building:
        """What that principal may ask of projects; `expecting` is the version a project must still have."""
        return Building(
            self.store,
            self.clock,
            by,
            self.channels,
            self.policy,
            expecting,
            self.templates,
            self.vault,
            scans=self.surveying is not None,
        )

    def setup(self, by: Principal, expecting: int | None = None) -> Adopting:
        """What that principal may do about taking in what we did not make."""
        return Adopting(
            self.store,
            self.clock,
            by,
            self.channels,
            self.policy,
            expecting,
            vault=self.vault,
            scans=self.surveying is not None,
            surveying=self.surveying,
        )

    def hands(self, by: Principal, expecting: int | None = None) -> Hands:
        """What that principal may ask about holds; `expecting` as in `commands`."""
        return Hands(
            self.store,
            self.clock,
            by,
            self.channels,
            self.policy,
            expecting,
            self.templates,
            self.vault,
            scans=self.surveying is not None,
        )

    def mending(self, by: Principal, expecting: int | None = None) -> Mending:
        """What that principal may do about settings that were changed on GitHub; `expecting` as in `commands`."""
        return Mending(
            self.store, self.clock, by, self.channels, self.policy, expecting, writing=self.writing
        )

    def secrets(self, by: Principal, expecting: int | None = None) -> SecretFiles:
        """What that principal may do with the values of projects, none of which is ever shown."""
        return SecretFiles(
            self.store,
            self.clock,
            by,
            self.channels,
            self.policy,
            expecting,
            self.templates,
            self.vault,
            writing=self.writing,
        )

    def forms(self, by: Principal | None = None) -> Forms:
        """Web forms that take one value each; what their links open needs nobody to be signed in."""
        return Forms(self, by)

    def works(self, by: Principal) -> Works:
        """What that principal may be shown of building."""
        return Works(self.store, by, self.templates)

    def talks(self, by: Principal) -> Talks:
        """The talks of that principal."""
        return Talks(self, by, self.commands(by))

    def spending(self, by: Principal) -> Spending:
        """What calls of the model cost, as that principal may see it."""
        return Spending(self.store, self.clock, by, self.allowance)

    def deciding(self, by: Principal) -> Deciding:
        """What that principal may decide of organisations."""
        return Deciding(self.store, self.clock, by, self.channels, self.policy, restoring=self.restoring(by))

    def restoring(self, by: Principal) -> Restoring:
        """What a restored database comes to, as that principal may see it."""
        return Restoring(self, by)

    def attending(self, by: Principal) -> Attending:
        """What that principal may do with incidents."""
        return Attending(self.store, self.clock, by)

    def people(self, by: Principal) -> People:
        """What that principal may do about people."""
        return People(self.store, self.clock, by)

    def chats(self, by: Principal) -> Chats:
        """What that principal may do about chats."""
        return Chats(self.store, self.clock, by)

    @property
    def callers(self) -> Callers:
        """Who writes to the bot, and what is said back."""
        return Callers(self.store, self.clock, self.channels)

    def webhooks(self, by: Principal) -> Webhooks:
        """What that principal may ask of webhooks."""
        return Webhooks(self, by)

    def credentials(self, by: Principal) -> Credentials:
        """What the credential declares, as that principal may see it."""
        return Credentials(self, by)

    def notices(self, by: Principal) -> Notices:
        """The notices on their way, as that principal may see them."""
        return Notices(self.store, self.channels, by)

    def service(self) -> Service:
        """The loops of a running Steward."""
        return Service(self)

    def budget(self) -> Budget:
        """The rate limit as this process was last told."""
        return self.forge().budget()

    def measures(self) -> Measures:
        """The numbers for one monitor."""
        return Measures(self)

    def in_order(self) -> dict[str, bool]:
        """Whether the database answers, and whether its schema is current."""
        return in_order(self.store)

    def doctor(self) -> list[Check]:
        """Examine what must hold for Steward to work."""
        return examine(self)
