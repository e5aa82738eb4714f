"""What the playground's page shows: chats with their messages and buttons, bookings with their plans."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.playground import cast
from bot.playground.stage import Stage
from bot.playground.wire import Json

ZONE: Final = ZoneInfo(cast.ZONE)
SHOWN: Final = 30
"""How many messages of a chat, and how many bookings, the page shows."""
KIND_NAMES: Final = {
    "booking_created": "Booking notice",
    "booking_changed": "News of the change",
    "booking_cancelled": "News of the cancellation",
    "review_request": "Request for a review",
}
STAFF_SAYS: Final = ("/today", "/stats", "/manual", "/settings", "/help")
DONE: Final = ("sent", "delivered", "read")
BAD: Final = ("failed", "expired", "unknown")


def people(stage: Stage, group: int) -> list[Json]:
    """Every client's chat, and last the staff's (``group``): messages with their buttons, and what the person may do."""
    telegram, twilio = stage.telegram.state(), stage.twilio.state()
    chats = {chat["id"]: chat for chat in telegram["chats"]}
    persons = {person["phone"]: person for person in twilio["people"]}
    shown = []
    for role in cast.CLIENTS:
        if role.platform == "telegram":
            shown.append(_telegram_client(role, chats[role.account]))
        else:
            shown.append(_whatsapp_client(role, persons[role.phone], stage))
    return [*shown, _staff(chats[group])]


def _telegram_client(role: cast.Role, chat: Json) -> Json:
    path = f"/play/telegram/users/{role.account}"
    blocked = chat["bot"] == "kicked"
    tools = [_tool("/start", f"{path}/start"), _tool("/bookings", f"{path}/says", text="/bookings")]
    tools.append(_tool("Unblock the bot", f"{path}/unblocks") if blocked else _tool("Block the bot", f"{path}/blocks"))
    if any(key.get("request_contact") for row in chat["keyboard"] or () for key in row if isinstance(key, dict)):
        tools.insert(0, _tool("Share my number", f"{path}/shares_contact"))
    note = "has blocked the bot" if blocked else f"Telegram · {role.language}"
    messages = [_telegram_message(message, path) for message in chat["messages"][-SHOWN:]]
    return _person(role.id, role.name, role.first_name, note, "telegram", role.first_name, messages, path, tools)


def _staff(chat: Json) -> Json:
    path = f"/play/telegram/users/{cast.STAFF_ACCOUNT}"
    messages = [_telegram_message(message, path, chat["id"]) for message in chat["messages"][-SHOWN:]]
    tools = [_tool(word, f"{path}/says", text=word, chat=chat["id"]) for word in STAFF_SAYS]
    shown = _person("staff", "Staff chat", "Staff", "Telegram group", "staff", cast.STAFF_NAME, messages, path, tools)
    return shown | {"says_with": {"chat": chat["id"]}}


def _whatsapp_client(role: cast.Role, person: Json, stage: Stage) -> Json:
    path = f"/play/twilio/people/{person['key']}"
    tools = [_tool("Read all", f"{path}/reads")]
    online = person["online"]
    tools.append(_tool("Phone off", f"{path}/goes_offline") if online else _tool("Phone on", f"{path}/comes_online"))
    window = "window open" if person["window_open"] else "window closed: templates only"
    messages = [_whatsapp_message(message, path) for message in person["messages"][-SHOWN:]]
    note = f"WhatsApp · {role.language} · {window}"
    return _person(role.id, role.name, role.first_name, note, "whatsapp", "person", messages, path, tools)


def _person(
    id: str,
    name: str,
    tab: str,
    note: str,
    platform: str,
    speaks: str,
    messages: list[Json],
    path: str,
    tools: list[Json],
) -> Json:
    return {
        "id": id,
        "name": name,
        "tab": tab,
        "note": note,
        "platform": platform,
        "speaks": [speaks],
        "messages": messages,
        "says": f"{path}/says",
        "says_with": {},
        "tools": tools,
    }


def _tool(title: str, path: str, **body: Any) -> Json:
    return {"title": title, "path": path, "body": body}


def _clock(date: str) -> str:
    return f"{datetime.fromisoformat(date).astimezone(ZONE):%H:%M}"


def _telegram_message(message: Json, path: str, chat: int | None = None) -> Json:
    place = 0
    keys = []
    for row in message["buttons"]:
        line = []
        for button in row:
            body = {"button": place, "message": message["id"], **({"chat": chat} if chat else {})}
            deed = "taps"
            if button.get("pay"):
                deed, body = "pays", {"message": message["id"]}
            line.append({"title": button["text"], "url": button.get("url"), "path": f"{path}/{deed}", "body": body})
            place += 1
        keys.append(line)
    text = message["text"] or _wordless(message["extra"])
    return {
        "from": message["from"],
        "who": message["from"] if chat else "",
        "text": text,
        "clock": _clock(message["date"]),
        "edited": message["edited"],
        "status": "",
        "keys": keys,
    }


def _wordless(content: Json) -> str:
    """What stands for a message without a text: money in figures, all else by its name."""
    invoice, paid = content.get("invoice"), content.get("successful_payment")
    if invoice is not None:
        return f"{invoice['title']} · {_sum(invoice)}\n{invoice['description']}"
    return f"Paid: {_sum(paid)}" if paid is not None else ", ".join(content)


def _sum(money: Json) -> str:
    return f"{money['total_amount'] / 100:.2f} {money['currency']}"


def _whatsapp_message(message: Json, path: str) -> Json:
    keys = [
        [
            {
                "title": key["title"],
                "url": key.get("url"),
                "path": f"{path}/taps",
                "body": {"title": key["title"], "on": message["sid"]},
            }
        ]
        for key in message["buttons"]
    ]
    keys += [
        [
            {
                "title": key["item"],
                "url": None,
                "path": f"{path}/picks",
                "body": {"item": key["item"], "on": message["sid"]},
            }
        ]
        for key in message["items"]
    ]
    mine = message["from"] == "person"
    return {
        "from": message["from"],
        "who": "",
        "text": message["text"],
        "clock": _clock(message["date"]),
        "edited": False,
        "status": "" if mine else message["status"],
        "keys": keys,
    }


def _said(review: Json | None) -> str:
    """A review in a few words."""
    if review is None:
        return ""
    stars = "★" * review["rating"] + "☆" * (5 - review["rating"])
    return f"{stars} {review['text'] or ''}{' 📷' if review['photo'] else ''}".strip()


def booking_of(booking: Json, plan: list[Json], review: Json | None = None) -> Json:
    """One booking of the API with its plan, what was said of the visit, and the values of the form that changes it."""
    start = datetime.fromisoformat(booking["starts_at"]).astimezone(ZONE)
    role = next((role for role in cast.CLIENTS if role.id == (booking.get("client") or {}).get("id")), None)
    services = booking.get("services") or []
    named = ", ".join(cast.SERVICES[service]["name"] for service in services if service in cast.SERVICES)
    master = cast.MASTERS.get(booking.get("master") or "", {}).get("name", "")
    over = booking["status"] in ("cancelled", "arrived", "no_show")
    path = f"/play/bookings/{booking['id']}"
    moves = [
        {"title": "Change", "edit": True},
        _tool("Cancel", f"{path}/cancelled"),
        _tool("Arrived", f"{path}/arrived"),
    ]
    answer = (booking.get("answer") or {}).get("value")
    return {
        "id": booking["id"],
        "title": f"{start:%a %-d %b, %H:%M}",
        "starts_at": booking["starts_at"],
        "over": over,
        "note": " · ".join(filter(None, (role.first_name if role else "nobody", named, master, _said(review)))),
        "status": booking["status"],
        "state": "asked to move" if answer == "move_requested" and not over else booking["status"].replace("_", "-"),
        "tools": [] if over else moves,
        "plan": plan,
        "form": {
            "client": role.id if role else "",
            "master": booking.get("master") or "",
            "services": services,
            "day": start.date().isoformat(),
            "time": f"{start:%H:%M}",
        },
    }


def plan_line(row: Json) -> Json:
    """One line of a booking's plan: when, what, and what became of it or why it is not sent."""
    due = datetime.fromisoformat(row["due_at"]).astimezone(UTC).astimezone(ZONE)
    staff = row["kind"].startswith("staff_")
    name = KIND_NAMES.get(row["kind"], row["kind"].removeprefix("staff_").replace("_", " ").capitalize())
    title = f"{'Staff: ' if staff else ''}{name} · {row['channel'] or 'no channel'}"
    if row["hop"]:
        title += f" (hop {row['hop']})"
    status = "to come" if row["status"] == "planned" else row["status"]
    why = status if row["reason"] is None else f"{status}: {row['reason'].replace('_', ' ')}"
    if row.get("error"):
        why += f" ({row['error']['code']})"
    tone = "done" if row["status"] in DONE else "bad" if row["status"] in BAD else ""
    return {"when": f"{due:%-d %b %H:%M}", "title": title, "why": why, "tone": tone}
