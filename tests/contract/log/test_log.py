"""Log lines: their two forms, the number of the request, and that no secret is in any of them."""

from __future__ import annotations

import base64
import json
import logging
import sys
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.adapters.log import MASK, Lines, Redaction

SECRET = "hunter2-Ключ/+ =&?%"
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


def line(
    message: str, *args: object, as_json: bool = False, secrets: tuple[str, ...] = (SECRET,), **extra: object
) -> str:
    record = logging.LogRecord("steward.test", logging.WARNING, __file__, 1, message, args, None)
    vars(record).update(extra)
    return Lines(Redaction(secrets), lambda: "req-12345678", as_json=as_json).format(record)


def test_a_line_for_people_bears_the_number_of_its_request() -> None:
    assert line("it went %s", "well").endswith("WARNING steward.test it went well [req-12345678]")


def test_a_line_for_programs_is_one_object() -> None:
    told = json.loads(line("it went %s", "well", as_json=True, status=200, actor="user:anna"))
    assert (told["level"], told["logger"], told["message"]) == ("warning", "steward.test", "it went well")
    assert (told["request_id"], told["status"], told["actor"]) == ("req-12345678", 200, "user:anna")
    assert told["time"].endswith("+00:00")


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
        "stt_" + "a1B2" * 10,
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2_" * 9,
    ],
)
def test_a_secret_is_masked_in_every_form(shown: str, *, as_json: bool) -> None:
    for text in (line("said %s twice", shown, as_json=as_json), line("x", as_json=as_json, note=shown)):
        assert shown not in text
        assert json.dumps(shown)[1:-1] not in text
    assert MASK in line("said %s", shown, as_json=as_json)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_traceback_holds_no_secret(*, as_json: bool) -> None:
    record = logging.LogRecord("steward.test", logging.ERROR, __file__, 1, "it failed", (), None)
    try:
        int(f"Authorization: Bearer abcdefgh12345 {SECRET}")
    except ValueError:
        record.exc_info = sys.exc_info()
    text = Lines(Redaction([SECRET]), str, as_json=as_json).format(record)
    assert "ValueError" in text
    assert "hunter2" not in text
    assert "abcdefgh12345" not in text


@given(TEXTS, st.text(st.characters(codec="utf-8"), min_size=8, max_size=40), TEXTS)
def test_a_secret_within_base64_of_more_is_masked(before: str, secret: str, after: str) -> None:
    packed = base64.b64encode((before + secret + after).encode()).decode()
    masked = Redaction([secret])(f"header {packed} end")
    raw = base64.b64decode(packed)
    assert secret.encode() in raw
    for piece in masked.replace("header ", "").replace(" end", "").split(MASK):
        for start in range(4):
            chunk = piece[start : start + (len(piece) - start) // 4 * 4]
            try:
                left = base64.b64decode(chunk)
            except ValueError:
                continue
            assert secret.encode() not in left


def test_ordinary_words_are_left() -> None:
    text = "the look of acme was whole; basics of bearer tokens"
    assert Redaction(["a"])(text) == text
