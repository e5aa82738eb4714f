"""Records to store: one of any type with every field filled or every optional one empty, and short makers of a few."""

from typing import Any, Literal

from storage.codec import shapes
from storage.records import Booking, Choice, Client, LinkCode, Master, Message, new_id
from storage.store import Changes, Delete, Patch, Put, Store

Fill = Literal["full", "bare"]

NESTED: dict[str, Any] = {
    "рядок": "Її Ґанок 🙂 \u0000 \u2028 'лапки\"",
    "a.b": {"$set": 1, "": None},
    "list": [1, -(2**53) - 1, 2.5, True, None, {"deep": [[]]}],
}
LARGEST = 2**63 - 1


def filled(record: type[Any], fill: Fill, business: str = "Салон 'Ї'", id: str = "id:1/%") -> Any:
    """A record of any type: `full` fills every field with something awkward, `bare` leaves empty whatever may be."""
    values: dict[str, Any] = {}
    for name, shape in shapes(record).items():
        if fill == "bare" and shape.optional:
            values[name] = None
        elif shape.kind == "text":
            values[name] = shape.words[-1] if shape.words else ("" if fill == "bare" else f"{name}: ґї İıŞ 🙂\u0000")
        elif shape.kind == "integer":
            values[name] = 0 if fill == "bare" else LARGEST
        elif shape.kind == "boolean":
            values[name] = fill == "full"
        elif shape.kind == "mapping":
            values[name] = {} if fill == "bare" else NESTED
        elif shape.kind == "texts":
            values[name] = () if fill == "bare" else ("перша", "", "ikinci")
        else:
            values[name] = () if fill == "bare" else (Choice("confirm", {"booking": "b:1"}), Choice("menu"))
    return record(**{**values, "business": business, "id": id})


def message(**fields: Any) -> Message:
    """A planned message of the business `a`, due at 1,000, with a key of its own."""
    id = fields.pop("id", None) or new_id()
    given: dict[str, Any] = {
        "key": f"key:{id}",
        "kind": "reminder",
        "lane": 1,
        "due_at": 1000,
        "not_after": 9000,
        "revision": 3,
    }
    given.update(fields)
    given.setdefault("next_at", given["due_at"])
    return Message(**{"business": "a", "id": id, **given})


def booking(id: str, **fields: Any) -> Booking:
    """A booking of the business `a` in the salon `s`."""
    given: dict[str, Any] = {
        "business": "a",
        "salon": "s",
        "client": "c",
        "starts_at": 5000,
        "ends_at": 6000,
        "created_at": 1,
    }
    return Booking(id=id, **{**given, "revision": 1, **fields})


def client(id: str, **fields: Any) -> Client:
    """A client of the business `a`."""
    return Client(id=id, **{"business": "a", "name": id, "revision": 1, **fields})


def master(id: str, **fields: Any) -> Master:
    """A master of the business `a` in the salon `s`."""
    return Master(id=id, **{"business": "a", "salon": "s", "name": id, "revision": 1, **fields})


# What a busy commit looks like: every part of Changes, several records each.
BEFORE = (client("old"), client("gone"), booking("b", revision=1), message(id="a" * 32, key="kept"))
BUSY = Changes(
    inserts=(client("new"), message(id="b" * 32, key="new"), message(id="c" * 32, key="kept")),
    puts=(Put(booking("b", revision=2), 1), Put(client("put"), 0), Put(client("over"))),
    patches=(
        Patch(Client, "a", "old", {"name": "patched"}),
        Patch(Message, None, "a" * 32, {"status": "cancelled"}, {"status": "planned"}),
        Patch(Client, "a", "none", {"name": "x"}, must=False),
    ),
    deletes=(Delete(Client, "a", "gone"), Delete(LinkCode, "", "x")),
)


async def everything(store: Store) -> list[Any]:
    """What a busy commit can have touched."""
    kinds: tuple[type[Any], ...] = (Client, Booking, Message)
    return [row for kind in kinds for row in await store.find(kind, {})]
