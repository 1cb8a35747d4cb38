"""A small organisation to look at: what a studio that makes shops, bots and landing pages might have.

The same every time: names, texts, people and dates are fixed, so that commit ids are too. It does not touch the
database or the disk; world.py lists it in, and seeds.py asks for the commits.
"""

from dataclasses import dataclass
from datetime import timedelta
from textwrap import dedent

from localhub.clock import moment_of, stamp
from localhub.gitstore import NewCommit, Person

_PEOPLE = (
    Person("Anna Sokolova", "anna@studio.example"),
    Person("Marco Rinaldi", "marco@studio.example"),
    Person("Priya Nair", "priya@studio.example"),
)


@dataclass(frozen=True)
class Step:
    """One commit: how many days after the repository was made, with which files."""

    day: int
    message: str
    files: dict[str, str | None]
    branch: str = "main"
    parent: str | None = None


@dataclass(frozen=True)
class Sample:
    """One repository; `created_at` is its first day."""

    name: str
    description: str
    visibility: str
    created_at: str
    language: str
    steps: tuple[Step, ...]
    topics: tuple[str, ...] = ()
    archived: bool = False
    template: bool = False
    stars: int = 0

    @property
    def pushed_at(self) -> str:
        """When its last commit was made."""
        return stamp(moment_of(self.created_at) + timedelta(days=max(step.day for step in self.steps)))


def commits(name: str) -> list[NewCommit]:
    """The history of a sample repository. Raises ValueError for an unknown one."""
    found = next((one for one in SAMPLES if one.name == name), None)
    if found is None:
        raise ValueError(f"there is no sample repository {name}")
    begun = moment_of(found.created_at)
    return [
        NewCommit(
            message=step.message,
            files={
                path: None if text is None else dedent(text).lstrip("\n").encode()
                for path, text in step.files.items()
            },
            author=_PEOPLE[(len(name) + number) % len(_PEOPLE)],
            at=int((begun + timedelta(days=step.day)).timestamp()),
            branch=step.branch,
            parent=step.parent,
        )
        for number, step in enumerate(found.steps)
    ]


def _readme(title: str, text: str) -> dict[str, str | None]:
    return {"README.md": f"# {title}\n\n{text}\n"}


def _page(title: str, text: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f'<link rel="stylesheet" href="style.css"></head>\n<body><h1>{title}</h1><p>{text}</p></body>\n</html>\n'
    )


_STYLE = "body { font: 1.1rem/1.6 Georgia, serif; max-width: 40rem; margin: 4rem auto; color: #222; }\n"

_CART = '''
    """A customer's cart: amounts are in cents."""


    def total_cents(lines):
        return sum(price_cents * count for price_cents, count in lines)
'''
_CART_TEST = """
    import unittest

    from shop.cart import total_cents


    class CartTest(unittest.TestCase):
        def test_total_counts_every_piece(self):
            self.assertEqual(total_cents([(250, 2), (1000, 1)]), 1500)

        def test_empty_cart_costs_nothing(self):
            self.assertEqual(total_cents([]), 0)
"""
_CART_WITH_DISCOUNT = '''
    """A customer's cart: amounts are in cents."""


    def total_cents(lines, discount_percent=0):
        full = sum(price_cents * count for price_cents, count in lines)
        return full - full * discount_percent // 100
'''
_SEATS = '''
    """Which seats of a hall are free."""


    def free(hall, sold):
        return [seat for seat in hall if seat not in set(sold)]
'''
_SEATS_TEST = """
    import unittest

    from tickets.seats import free


    class SeatsTest(unittest.TestCase):
        def test_a_sold_seat_is_not_free(self):
            self.assertEqual(free(["A1", "A2"], ["A1"]), ["A2"])
"""
_BOT = '''
    """Answers people who want to book a table."""


    def answer(text):
        if "table" in text.lower():
            return "For how many people, and when?"
        return "Write 'table' to book one."
'''
_REMIND = '''
    """Reminds guests a day before they come."""

    from datetime import timedelta


    def remind_at(visit):
        return visit - timedelta(days=1)
'''
_INVOICE = '''
    """Adds up an invoice."""


    def gross_cents(net_cents, vat_percent):
        return net_cents + (net_cents * vat_percent + 50) // 100
'''
_INVOICE_TEST = """
    import unittest

    from invoice import gross_cents


    class InvoiceTest(unittest.TestCase):
        def test_vat_is_rounded_to_the_nearest_cent(self):
            self.assertEqual(gross_cents(999, 19), 1189)
"""
_WATCH = '''
    """Tells when a price fell."""


    def fell(before_cents, now_cents, at_least_percent=5):
        return now_cents * 100 <= before_cents * (100 - at_least_percent)
'''

SAMPLES: tuple[Sample, ...] = (
    Sample(
        name="company-site",
        description="Who we are and what we make",
        visibility="public",
        created_at="2024-02-05T09:12:00Z",
        language="HTML",
        steps=(
            Step(0, "Start the site", _readme("Company site", "The studio's own pages.")),
            Step(1, "Add the front page", {"index.html": _page("Studio", "Shops, bots and pages.")}),
            Step(40, "Make it pleasant to read", {"style.css": _STYLE}),
        ),
        topics=("website",),
        stars=4,
    ),
    Sample(
        name="old-crm",
        description="Our first customer database, replaced by a service we rent",
        visibility="private",
        created_at="2024-03-18T14:40:00Z",
        language="PHP",
        steps=(
            Step(0, "Import from the office computer", _readme("Old CRM", "Customers and calls.")),
            Step(
                2, "List customers", {"customers.php": "<?php\nforeach ($customers as $one) { echo $one; }\n"}
            ),
            Step(210, "Say that it is no longer used", _readme("Old CRM", "No longer used; kept to read.")),
        ),
        archived=True,
    ),
    Sample(
        name="service-template",
        description="What every new service of ours starts from",
        visibility="public",
        created_at="2024-06-10T08:00:00Z",
        language="Python",
        steps=(
            Step(
                0, "Start the template", _readme("Service template", "Generate a repository from this one.")
            ),
            Step(
                3, "Add an empty service", {"service.py": 'VERSION = "0"\n', ".gitignore": "__pycache__/\n"}
            ),
        ),
        topics=("template",),
        template=True,
        stars=11,
    ),
    Sample(
        name="shop",
        description="The shop that our customers build theirs from",
        visibility="private",
        created_at="2024-09-02T10:05:00Z",
        language="Python",
        steps=(
            Step(0, "Start the shop", _readme("Shop", "Run the tests with `python -m unittest`.")),
            Step(2, "Add the cart", {"shop/__init__.py": "", "shop/cart.py": _CART}),
            Step(3, "Test the cart", {"tests/__init__.py": "", "tests/test_cart.py": _CART_TEST}),
            Step(380, "Let a cart have a discount", {"shop/cart.py": _CART_WITH_DISCOUNT}),
        ),
        topics=("shop", "service"),
        stars=2,
    ),
    Sample(
        name="brand-assets",
        description="Logos, colours and fonts",
        visibility="internal",
        created_at="2024-11-21T16:30:00Z",
        language="SVG",
        steps=(
            Step(0, "Collect what we have", _readme("Brand assets", "Ask before you change a colour.")),
            Step(
                1,
                "Add the logo",
                {
                    "logo.svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
                    '<circle cx="4.5" cy="4.5" r="4"/></svg>\n'
                },
            ),
        ),
    ),
    Sample(
        name="event-tickets",
        description="Sells tickets for concerts and fairs",
        visibility="private",
        created_at="2025-01-13T11:20:00Z",
        language="Python",
        steps=(
            Step(0, "Start event tickets", _readme("Event tickets", "Seats, prices and QR codes.")),
            Step(5, "Know which seats are free", {"tickets/__init__.py": "", "tickets/seats.py": _SEATS}),
            Step(5, "Test the seats", {"tests/__init__.py": "", "tests/test_seats.py": _SEATS_TEST}),
        ),
        topics=("service",),
    ),
    Sample(
        name="booking-bot",
        description="A chat bot that books restaurant tables",
        visibility="private",
        created_at="2025-03-03T13:00:00Z",
        language="Python",
        steps=(
            Step(0, "Start the booking bot", _readme("Booking bot", "Say 'table' to it.")),
            Step(4, "Answer the first question", {"bot.py": _BOT}),
            Step(
                60,
                "Remind guests the day before",
                {"remind.py": _REMIND},
                branch="feature/reminders",
                parent="main",
            ),
        ),
        topics=("bot",),
        stars=1,
    ),
    Sample(
        name="landing-spring-sale",
        description="Landing page of the spring sale",
        visibility="public",
        created_at="2025-03-24T07:45:00Z",
        language="HTML",
        steps=(
            Step(0, "Start the page", _readme("Spring sale", "Goes live on the first of April.")),
            Step(1, "Announce the sale", {"index.html": _page("Spring sale", "A fifth off everything.")}),
            Step(2, "Add the style", {"style.css": _STYLE}),
        ),
        topics=("landing-page",),
    ),
    Sample(
        name="price-watch",
        description="Watches the prices of competitors",
        visibility="internal",
        created_at="2025-06-16T12:10:00Z",
        language="Python",
        steps=(
            Step(0, "Start price watch", _readme("Price watch", "Runs every night.")),
            Step(9, "Tell when a price fell", {"watch.py": _WATCH}),
        ),
    ),
    Sample(
        name="invoice-maker",
        description="Makes invoices out of orders",
        visibility="private",
        created_at="2025-09-08T09:00:00Z",
        language="Python",
        steps=(
            Step(0, "Start the invoice maker", _readme("Invoice maker", "Amounts are in cents.")),
            Step(2, "Add value added tax", {"invoice.py": _INVOICE, "test_invoice.py": _INVOICE_TEST}),
        ),
        topics=("service",),
    ),
    Sample(
        name="landing-yoga-studio",
        description="Landing page for a yoga studio",
        visibility="public",
        created_at="2026-02-11T15:25:00Z",
        language="HTML",
        steps=(
            Step(0, "Start the page", _readme("Yoga studio", "The customer sends the photographs.")),
            Step(3, "Invite to a trial lesson", {"index.html": _page("Yoga", "The first lesson is free.")}),
        ),
        topics=("landing-page",),
    ),
    Sample(
        name="newsletter",
        description="Writes to those who asked for it",
        visibility="private",
        created_at="2026-06-01T08:30:00Z",
        language="Python",
        steps=(Step(0, "Start the newsletter", _readme("Newsletter", "Nobody is added without asking.")),),
    ),
)
