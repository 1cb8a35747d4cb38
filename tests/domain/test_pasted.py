"""Secrets in texts: each kind is found whole, and what people write besides is left alone."""

from __future__ import annotations

import base64
import string
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain.pasted import secrets_in, without

FOUND = [
    ("the token is ghp_" + "a1B2" * 9, "GITHUB_TOKEN"),
    ("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz", "GITHUB_TOKEN"),
    ("glpat-abcDEF123456ghiJKL78", "GITLAB_TOKEN"),
    ("AKIAIOSFODNN7EXAMPLE", "AWS_ACCESS_KEY_ID"),
    ("use AIza" + "Sy0aB-" * 5 + "12345 please", "GOOGLE_API_KEY"),
    ("sk-ant-api03-abcDEF123456ghiJKL789", "ANTHROPIC_API_KEY"),
    ("sk-proj-abc123DEF456ghi789jkl012", "OPENAI_API_KEY"),
    ("sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "STRIPE_SECRET_KEY"),
    ("xoxb-" + "123456789012-abcdefghij", "SLACK_TOKEN"),
    ("123456789:AAEhBOweik6ad6PsVc9Hq8dHc1Xx0abcdeF", "TELEGRAM_BOT_TOKEN"),
    ("stt_abcdefghijklmnopqrstuvwx", "STEWARD_TOKEN"),
    (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "TOKEN",
    ),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----", "PRIVATE_KEY"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk and the rest is cut", "PRIVATE_KEY"),
    ("db: postgres://app:s3cr3t@db.example.com/app.", "DATABASE_URL"),
    ("https://me:tok3n@example.com/feed", "SECRET_URL"),
    ("Authorization: Bearer abcdef1234567890xyz", "TOKEN"),
    ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1", "SECRET"),
    ("DB_PASSWORD=hunter", "DB_PASSWORD"),
    ("export STRIPE_API_KEY='abcdef'", "STRIPE_API_KEY"),
    ('{"password": "hunter"}', "PASSWORD"),
    ("password: hunter2!", "PASSWORD"),
    ("the password is Zx9kk2aa", "PASSWORD"),
    ("--password hunter22", "PASSWORD"),
    ("Пароль от админки: Qwerty123!", "PASSWORD"),
    ("пароль: 123456", "PASSWORD"),
    ("логин admin, пароль Secret99", "PASSWORD"),
    ("API-ключ: 8f14e45fceea167a5a36dedd4bea2543", "API_KEY"),
    ("токен — abcd-1234-efgh", "TOKEN"),
    ("https://x.example/?api_key=abcdef123456&page=1", "API_KEY"),
]

PROSE = [
    "A shop with a password: users choose it themselves",
    "Sign in with e-mail and a password, two factors, and a token in the URL",
    "password: required",
    "password - at least 8 characters",
    "The password is stored hashed, the secret is good service",
    "token: we use JWT; a token expires in 24 hours",
    "secret sharing between 2 people",
    "API key: https://example.com/keys",
    "PASSWORD=<your password>",
    "API_KEY=your_api_key",
    "TOKEN=${TOKEN}",
    "the token = cached, password = required()",
    "PORT=8080 and MAX_TOKENS=4096",
    "postgres://user:password@localhost/db",
    "https://docs.google.com/document/d/1A2b3C4d5E6f7G8h9I0jKlMnOpQrStUvWxYz/edit",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b fixed it",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "550e8400-e29b-41d4-a716-446655440000",
    "src/steward/adapters/store/schema_chats_v0006_talks.py",
    "getUserProfileByIdFromDatabaseV2",
    "Пароль: не короче 8 символов",
    "пароль: обязателен",
    "пароль: 2024-01-01",
    "пароль = логин",
    "Нужен вход по паролю, токен: Telegram-бот, секрет успеха — в простоте",
    "Ключ: быстрая доставка. Ключевые функции: каталог, корзина",
    "Запись к врачу с 10:00 до 18:00, телефон +7 999 123-45-67, почта info@example.com",
]

ALPHABET = string.ascii_letters + string.digits


def secret(seed: int, length: int, letters: str = ALPHABET) -> str:
    random = Random(seed)
    return "".join(random.choice(letters) for _ in range(length - 3)) + "7a9"


KINDS = [
    lambda seed: "ghp_" + secret(seed, 36),
    lambda seed: "github_pat_" + secret(seed, 60),
    lambda seed: "AKIA" + secret(seed, 16, string.ascii_uppercase + string.digits).upper(),
    lambda seed: "AIza" + secret(seed, 35),
    lambda seed: "sk-ant-" + secret(seed, 40),
    lambda seed: "sk-" + secret(seed, 48),
    lambda seed: "sk_test_" + secret(seed, 24),
    lambda seed: "xoxp-" + secret(seed, 30),
    lambda seed: f"{10**8 + seed}:" + secret(seed, 35),
    lambda seed: base64.b64encode(Random(seed).randbytes(36)).decode() + "A1b2",
    lambda seed: "postgres://app:" + secret(seed, 12) + "@db.example.com/app",
    lambda seed: "SOME_PASSWORD=" + secret(seed, 12),
    lambda seed: "password: " + secret(seed, 12),
    lambda seed: "пароль: " + secret(seed, 12),
]


@pytest.mark.parametrize(("text", "name"), FOUND)
def test_a_secret_is_found_and_named(text: str, name: str) -> None:
    assert [one.name for one in secrets_in(text)] == [name]
    assert f"‹{name}›" in without(text, secrets_in(text))


@pytest.mark.parametrize("text", PROSE)
def test_what_people_write_besides_is_left_alone(text: str) -> None:
    assert without(text, secrets_in(text)) == text


def test_each_of_several_is_named_and_the_words_around_stay() -> None:
    text = "Take ghp_" + "a1B2" * 9 + " and then\nDB_PASSWORD=hunter, thanks"
    cut = without(text, secrets_in(text))
    assert cut == "Take ‹GITHUB_TOKEN› and then\nDB_PASSWORD=‹DB_PASSWORD›, thanks"


@given(st.integers(0, 10**7), st.integers(0, len(KINDS) - 1), st.sampled_from([" ", "\n", ", ", " («", "; "]))
def test_no_secret_survives_whatever_stands_around_it(seed: int, kind: int, apart: str) -> None:
    pasted = KINDS[kind](seed)
    text = f"вот{apart}{pasted}{apart}and more words"
    cut = without(text, secrets_in(text))
    assert pasted[-8:] not in cut
    assert "and more words" in cut
    assert secrets_in(cut) == ()


WORDS = st.sampled_from(
    [
        *(
            "shop",
            "cart",
            "password",
            "secret",
            "token",
            "key",
            "login",
            "users",
            "api",
            "the",
            "is",
            "for",
            "with",
        ),
        *(
            "пароль",
            "токен",
            "ключ",
            "магазин",
            "доставка",
            "корзина",
            "оплата",
            "для",
            "что",
            "это",
            "вход",
            "по",
        ),
        *(
            "users'",
            "e-mail",
            "24",
            "hours",
            "3",
            "pages",
            "2026",
            "v2",
            "Telegram",
            "GitHub",
            "iPhone",
            "и",
            "or",
        ),
    ]
)


@given(st.lists(st.tuples(WORDS, st.sampled_from([" ", ", ", ". ", ": ", " - ", "\n"])), max_size=60))
def test_prose_of_ordinary_words_holds_none(parts: list[tuple[str, str]]) -> None:
    assert secrets_in("".join(word + mark for word, mark in parts)) == ()


@given(st.text(max_size=400))
def test_any_text_is_cut_within_its_bounds_and_only_once(text: str) -> None:
    found = secrets_in(text)
    assert all(0 <= one.begin < one.end <= len(text) for one in found)
    assert all(one.end <= other.begin for one, other in pairwise(found))


def test_a_huge_text_is_searched_to_its_end() -> None:
    secret = "ghp_" + "a1B2" * 9
    for text in (
        "a" * 10_000,
        "password " * 1_100,
        "-----BEGIN PRIVATE KEY" * 450,
        "A_" * 5_000,
        "a:b@" * 2_500,
    ):
        whole = f"{text} {secret}"
        assert secret not in without(whole, secrets_in(whole)), text[:30]
