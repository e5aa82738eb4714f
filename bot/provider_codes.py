"""What the errors of any provider can mean, and what failures of the wire do; each provider has a table of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal

import aiohttp

from handlers.channel import SendError
from storage.records import Millis


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a provider's error means; the fields are those of :class:`handlers.channel.SendError`."""

    outcome: Literal["not_sent", "permanent", "unknown"]
    retry_after: Millis | None = None
    scope: Literal["chat", "channel"] = "chat"
    address_dead: bool = False
    needs_template: bool = False
    opted_out: bool = False

    def error(self, code: str, text: str = "", *, moved_to: str | None = None) -> SendError:
        """The error to raise for the provider's own ``code`` and ``text``."""
        return SendError(
            self.outcome,
            code,
            text,
            retry_after=self.retry_after,
            scope=self.scope,
            address_dead=self.address_dead,
            moved_to=moved_to,
            needs_template=self.needs_template,
            opted_out=self.opted_out,
        )


AGAIN: Final = Meaning("not_sent")
"""Surely not sent; a later try may do."""
REFUSED: Final = Meaning("permanent")
"""Not with this content, or not by this channel at all."""
DEAD: Final = Meaning("permanent", address_dead=True)
"""Not to this address."""
LEFT: Final = Meaning("permanent", address_dead=True, opted_out=True)
"""The person does not want it."""
UNCERTAIN: Final = Meaning("unknown")
"""It may have gone out."""
LOCKED_OUT: Final = Meaning("not_sent", retry_after=60_000, scope="channel")
"""The provider does not accept our credentials: nothing goes out until a person corrects them."""


def slow_down(retry_after: Millis, scope: Literal["chat", "channel"]) -> Meaning:
    """Surely not sent, and the provider asks for a pause of ``retry_after`` milliseconds."""
    return Meaning("not_sent", retry_after=retry_after, scope=scope)


NEVER_LEFT: Final = (
    aiohttp.ClientConnectorError,  # DNS, refused, TLS, proxy out of reach
    aiohttp.ConnectionTimeoutError,  # also while waiting for a free connection
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)
"""Failures before the first byte of a request. All others of aiohttp, and timeouts, may come after the last one."""


def wire_error(error: BaseException | None) -> SendError:
    """A failure of the HTTP client. Its own words are left out: they may hold a URL, and that the bot's token."""
    meaning = AGAIN if isinstance(error, NEVER_LEFT) else UNCERTAIN
    code = "timeout" if isinstance(error, asyncio.TimeoutError) else "network"
    return meaning.error(code, type(error).__name__)
