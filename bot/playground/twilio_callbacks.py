"""How Twilio calls back: a signed form POST, tried again as the URL's fragment asks."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, ConnectionTimeoutError
from yarl import URL

from bot.playground.twilio_rules import signature

CONNECTS_WITHIN, ANSWERS_WITHIN = 5, 15
"""Seconds; the second one holds for all attempts together."""
USUAL_RETRIES, MOST_RETRIES = 1, 5
DELIVERIES_KEPT = 2000


@dataclass(frozen=True)
class Delivery:
    """One attempt at calling back; `status` is the HTTP status of the answer, 0 if there was none."""

    url: str
    fields: Mapping[str, str]
    status: int


class Courier:
    """Posts to the customer's URLs.

    A fragment `#rc=3&rp=ct,5xx` on a URL (connection overrides, twilio.com/docs/usage/webhooks) sets how often (`rc`,
    0 to 5, one by default) and after what (`rp`: `ct` no connection, the default; `rt` no answer in time; `4xx`;
    `5xx`; `all`) a call is tried again. The fragment is neither sent nor signed.
    """

    def __init__(self, token: str, session: Callable[[], ClientSession], chance: random.Random) -> None:
        self._token = token
        self._session = session
        self._chance = chance
        self.deliveries: deque[Delivery] = deque(maxlen=DELIVERIES_KEPT)

    async def post(self, url: str, fields: Mapping[str, str]) -> None:
        """Deliver once, or as often as the URL's fragment asks. Giving up is silent, as it is for Twilio's customer."""
        bare, _, fragment = url.partition("#")
        overrides = {key: values[-1] for key, values in parse_qs(fragment).items()}
        retries = min(int(overrides.get("rc", USUAL_RETRIES)), MOST_RETRIES)
        reasons = frozenset(overrides.get("rp", "ct").split(","))
        headers = {
            "X-Twilio-Signature": signature(self._token, bare, fields),
            "I-Twilio-Idempotency-Token": f"{self._chance.getrandbits(128):032x}",
            "User-Agent": "TwilioProxy/1.1",
        }
        until = asyncio.get_running_loop().time() + ANSWERS_WITHIN
        for _ in range(retries + 1):
            status, outcome = await self._attempt(bare, fields, headers, until)
            self.deliveries.append(Delivery(url, fields, status))
            if outcome == "ok" or not reasons & {outcome, "all"}:
                return

    async def _attempt(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str], until: float
    ) -> tuple[int, str]:
        left = max(until - asyncio.get_running_loop().time(), 0.001)
        timeout = ClientTimeout(total=left, sock_connect=CONNECTS_WITHIN)
        try:
            target = URL(url, encoded=True)
            posted = self._session().post(
                target, data=dict(fields), headers=headers, timeout=timeout, allow_redirects=False
            )
            async with posted as answer:
                await answer.read()
                return answer.status, f"{answer.status // 100}xx" if answer.status >= 400 else "ok"
        except (ClientConnectorError, ConnectionTimeoutError):
            return 0, "ct"
        except (ClientError, TimeoutError):
            return 0, "rt"
