"""Where a client can be reached: channels in the order of the settings, and the address on each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from storage.records import MAILING_LANE, Address, Client, Millis

MANUAL: Final = "manual"
"""The channel on which a person sends what is shown to the staff."""
PHONE_CHANNELS = frozenset({"whatsapp", "sms"})
"""Channels on which a phone is an address."""
NO_ADVERTISING: Final[Mapping[str, tuple[str, ...]]] = {"sms": ("+90",)}
"""Channel to the calling codes of countries whose law forbids advertising on it. Turkey lets advertising pass only through
its own register of consents, and Twilio prohibits it (twilio.com/en-us/guidelines/tr/sms)."""


class Way(NamedTuple):
    """One way to a client. ``address`` None: the manual channel, where a person finds the way."""

    channel: str
    address: str | None


def lawful(lane: int, way: Way) -> bool:
    """Whether a message of ``lane`` may go this way by the law of the country that the phone belongs to."""
    if lane != MAILING_LANE or way.address is None:
        return True
    return not way.address.startswith(NO_ADVERTISING.get(way.channel, ()))


def ways(
    client: Client, addresses: Sequence[Address], order: Iterable[str], linked: Collection[str], now: Millis
) -> list[Way]:
    """Every way to ``client`` that is open now, in ``order``, over the channels that are ``linked`` in this process.

    ``addresses`` may hold those of others. A dead address closes its way until ``dead_until``, a phone that is dead on
    WhatsApp too. Of several living addresses the client's own link comes first, then the newest.
    """
    return [
        Way(channel, address)
        for channel in order
        if channel in linked
        for address in _addresses(channel, client, addresses, now)
    ]


def _addresses(channel: str, client: Client, addresses: Sequence[Address], now: Millis) -> list[str | None]:
    if channel == MANUAL:
        return [None]
    known = [row for row in addresses if row.channel == channel and _is_of(client, row)]
    living = [row for row in known if row.dead_until is None or row.dead_until <= now]
    if living:
        living.sort(key=lambda row: (row.client != client.id, -row.linked_at, row.id))
        return [living[0].address]
    if channel in PHONE_CHANNELS and client.phone is not None and all(row.address != client.phone for row in known):
        return [client.phone]
    return []


def _is_of(client: Client, row: Address) -> bool:
    return row.client == client.id or (row.phone is not None and row.phone == client.phone)
