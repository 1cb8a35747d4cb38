"""The methods of the Bot API that the bot uses, each with its refusals. Source: Bot API; its server's own errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from tests.telegram.markup import BadRequest, Json, keyboard, written
from tests.telegram.state import QUERY_S, Message, Notice, Room, State, Webhook, fits_alert

DELETE_S: Final = 48 * 3600
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
Answer = Json | bool | list[Json] | int | str


def get_me(state: State, _given: Json) -> Answer:
    """Who the bot is."""
    return state.bot() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not state.privacy,
        "supports_inline_queries": False,
    }


def send_message(state: State, given: Json) -> Answer:
    """Send a text, with buttons."""
    room = state.room_for(given.get("chat_id"))
    if room.muzzled:
        raise BadRequest("not enough rights to send text messages to the chat")
    text, entities = written(str(given.get("text", "")), str(given.get("parse_mode", "")))
    buttons = keyboard(given.get("reply_markup"))
    thread = _thread(room, given)
    reply_to, reply_thread = _replied(room, given)
    state.pace(room)
    message = Message(
        state.message_id(room), room.id, state.bot_id, state.now(), text, entities, str(given.get("text"))
    )
    message.buttons, message.reply_to, message.silent = buttons, reply_to, _is(given, "disable_notification")
    message.thread_id = thread or reply_thread
    room.messages[message.message_id] = message
    state.lock.notify_all()
    return state.message_json(message)


def _thread(room: Room, given: Json) -> int:
    thread = int(given.get("message_thread_id") or 0)
    if not thread:
        return 0
    if thread not in room.topics:
        raise BadRequest("message thread not found")
    if thread in room.closed_topics and room.bot_status != "administrator":
        raise BadRequest("TOPIC_CLOSED")
    return thread


def _replied(room: Room, given: Json) -> tuple[int | None, int]:
    wanted = _json(given.get("reply_parameters")) or {}
    if given.get("reply_to_message_id"):
        wanted = {"message_id": given["reply_to_message_id"]} | given
    if not wanted:
        return None, 0
    replied = room.messages.get(int(wanted["message_id"]))
    if replied is None or replied.deleted:
        if _is(wanted, "allow_sending_without_reply"):
            return None, 0
        raise BadRequest("message to be replied not found")
    return replied.message_id, replied.thread_id


def edit_text(state: State, given: Json) -> Answer:
    """Change the text and the buttons of a message of the bot's own."""
    room = state.room_for(given.get("chat_id"))
    message = _own(state, room, given)
    text, entities = written(str(given.get("text", "")), str(given.get("parse_mode", "")))
    return _changed(state, room, message, (text, entities, str(given.get("text"))), given)


def edit_markup(state: State, given: Json) -> Answer:
    """Change the buttons alone."""
    room = state.room_for(given.get("chat_id"))
    message = _own(state, room, given)
    return _changed(state, room, message, (message.text, message.entities, message.html), given)


def _own(state: State, room: Room, given: Json) -> Message:
    message = room.messages.get(int(given.get("message_id") or 0))
    if message is None or message.deleted:
        raise BadRequest("message to edit not found")
    if message.author != state.bot_id:
        raise BadRequest("message can't be edited")
    return message


def _changed(
    state: State, room: Room, message: Message, new: tuple[str, list[Json], str], given: Json
) -> Answer:
    buttons = keyboard(given.get("reply_markup"))
    if (message.text, message.entities, message.buttons) == (new[0], new[1], buttons):
        raise BadRequest(NOT_MODIFIED)
    state.pace(room)
    message.text, message.entities, message.html = new
    message.buttons = buttons
    message.edited += 1
    state.lock.notify_all()
    return state.message_json(message)


def delete_message(state: State, given: Json) -> Answer:
    """Delete a message: of anybody in a private chat or for an administrator, else of the bot's own; for 48 hours."""
    room = state.room_for(given.get("chat_id"))
    message = room.messages.get(int(given.get("message_id") or 0))
    if message is None or message.deleted:
        raise BadRequest("message to delete not found")
    own = message.author == state.bot_id or room.kind == "private" or room.bot_status == "administrator"
    if not own or message.at < state.now() - DELETE_S:
        raise BadRequest("message can't be deleted for everyone" if own else "message can't be deleted")
    message.deleted = True
    state.lock.notify_all()
    return True


def answer_query(state: State, given: Json) -> Answer:
    """Answer a press, once, while it is young."""
    query_id = str(given.get("callback_query_id", ""))
    person_id, at, answered = state.queries.get(query_id, (0, 0.0, True))
    if answered or at < state.now() - QUERY_S:
        raise BadRequest("query is too old and response timeout expired or query ID is invalid")
    text = str(given.get("text", ""))
    if not fits_alert(text):
        raise BadRequest("MESSAGE_TOO_LONG")
    state.queries[query_id] = (person_id, at, True)
    state.notices.append(Notice(person_id, query_id, text, _is(given, "show_alert")))
    state.lock.notify_all()
    return True


def set_commands(state: State, given: Json) -> Answer:
    """What the menu of commands shows, per language."""
    commands = _json(given.get("commands")) or []
    if len(commands) > 100:
        raise BadRequest("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", command.get("command", "")):
            raise BadRequest("BOT_COMMAND_INVALID")
        if not 1 <= len(command.get("description", "")) <= 256:
            raise BadRequest("BOT_COMMAND_DESCRIPTION_INVALID")
    state.commands[str(given.get("language_code", ""))] = commands
    return True


def chat_action(state: State, given: Json) -> Answer:
    """Show that the bot is typing."""
    state.room_for(given.get("chat_id"))
    if given.get("action") not in ("typing", "upload_document", "upload_photo", "find_location"):
        raise BadRequest("wrong parameter action in request")
    return True


def get_chat(state: State, given: Json) -> Answer:
    """What a chat is."""
    return state.chat_json(state.room_for(given.get("chat_id")))


def get_member(state: State, given: Json) -> Answer:
    """How somebody is in a group."""
    room = state.room_for(given.get("chat_id"))
    user_id = int(given.get("user_id") or 0)
    if user_id == state.bot_id:
        return {"status": room.bot_status, "user": state.bot()}
    if user_id not in state.users:
        raise BadRequest("user not found")
    status = "member" if user_id in room.members else "left"
    return {"status": status, "user": state.users[user_id].json()}


def get_file(_state: State, given: Json) -> Answer:
    """No file can be fetched from here."""
    raise BadRequest("invalid file_id" if not given.get("file_id") else "file is too big")


def leave_chat(state: State, given: Json) -> Answer:
    """Leave a group."""
    room = state.room_for(given.get("chat_id"))
    if room.kind == "private":
        raise BadRequest("chat not found")
    room.bot_status = "left"
    return True


def set_webhook(state: State, given: Json) -> Answer:
    """Have updates delivered: to https, or, as a server of one's own allows, to the loopback address."""
    url, secret = str(given.get("url", "")), str(given.get("secret_token", ""))
    parts = urlsplit(url)
    if url and parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise BadRequest("bad webhook: An HTTPS URL must be provided for webhook")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise BadRequest("bad webhook: Invalid secret token")
    state.webhook = Webhook(url, secret)
    _allow(state, given)
    _forget_waiting(state, given)
    state.lock.notify_all()
    return True


def delete_webhook(state: State, given: Json) -> Answer:
    """Have updates wait until they are fetched."""
    state.webhook = Webhook()
    _forget_waiting(state, given)
    state.lock.notify_all()
    return True


def webhook_info(state: State, _given: Json) -> Answer:
    """Where updates are delivered to, and how that goes."""
    hook = state.webhook
    told: Json = {
        "url": hook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(state.updates),
        "max_connections": hook.max_connections,
    }
    if hook.error:
        told |= {"last_error_date": int(hook.error_at), "last_error_message": hook.error}
    return told


def get_updates(state: State, given: Json) -> Answer:
    """Fetch updates, waiting for one; an offset forgets those before it. One poller at a time."""
    if state.webhook.url:
        raise BadRequest(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            409,
        )
    _allow(state, given)
    offset, limit = int(given.get("offset") or 0), min(100, int(given.get("limit") or 100))
    timeout = float(given.get("timeout") or 0)
    state.poll_number += 1
    mine = state.poll_number
    state.lock.notify_all()
    if offset < 0:
        while len(state.updates) > -offset:
            state.updates.popleft()
    while offset > 0 and state.updates and state.updates[0]["update_id"] < offset:
        state.updates.popleft()
    state.lock.wait_for(
        lambda: (
            state.updates or state.closed or state.rival or state.webhook.url or state.poll_number != mine
        ),
        timeout=timeout,
    )
    if state.rival or state.poll_number != mine:
        raise BadRequest(
            "terminated by other getUpdates request; make sure that only one bot instance is running", 409
        )
    if state.webhook.url:
        raise BadRequest("terminated by setWebhook request", 409)
    return list(state.updates)[:limit]


def _allow(state: State, given: Json) -> None:
    allowed = _json(given.get("allowed_updates"))
    if isinstance(allowed, list):
        state.allowed = frozenset(allowed) or None


def _forget_waiting(state: State, given: Json) -> None:
    if _is(given, "drop_pending_updates"):
        state.updates.clear()


def _json(value: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value or None
    try:
        return json.loads(value)
    except ValueError:
        raise BadRequest("can't parse JSON object") from None


def _is(given: Json, name: str) -> bool:
    return str(given.get(name, "")).lower() in ("true", "1", "yes", "y")


def taken(_state: State, _given: Json) -> Answer:
    """Taken, without a trace."""
    return True


METHODS: Final[dict[str, Callable[[State, Json], Answer]]] = {
    "getme": get_me,
    "sendmessage": send_message,
    "editmessagetext": edit_text,
    "editmessagereplymarkup": edit_markup,
    "deletemessage": delete_message,
    "answercallbackquery": answer_query,
    "setmycommands": set_commands,
    "deletemycommands": taken,
    "setmydescription": taken,
    "setmyshortdescription": taken,
    "setmyname": taken,
    "setchatmenubutton": taken,
    "sendchataction": chat_action,
    "getchat": get_chat,
    "getchatmember": get_member,
    "getfile": get_file,
    "leavechat": leave_chat,
    "setwebhook": set_webhook,
    "deletewebhook": delete_webhook,
    "getwebhookinfo": webhook_info,
    "getupdates": get_updates,
    "close": taken,
    "logout": taken,
}
