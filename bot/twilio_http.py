"""The HTTP client below the Twilio SDK.

The SDK's own asynchronous one waits for ever, sends JSON endpoints a form, ignores its proxy, and logs every address at
INFO. This one does the opposite, keeps its connections, and can send a host's requests elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector, encode_basic_auth
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from yarl import URL

API_HOST: Final = "https://api.twilio.com"
CONTENT_HOST: Final = "https://content.twilio.com"
TIMEOUT: Final = ClientTimeout(total=35, sock_connect=10)
"""Seconds for a whole call, and for reaching the server. A message that was cut off later than that is unknown."""
CONNECTIONS: Final = 100
JSON_TYPES: Final = frozenset({"application/json", "application/scim+json"})


class TwilioHttp(AsyncHttpClient):
    """An HTTP client for :class:`twilio.rest.Client`, made within a running loop or outside of one; close it at the end.

    ``hosts`` maps the beginnings of the SDK's addresses to base URLs that take their place. Nothing is tried again here:
    a message is sent twice that way. Raises aiohttp.ClientError and TimeoutError.
    """

    def __init__(
        self,
        *,
        hosts: Mapping[str, str] | None = None,
        proxy: str | None = None,
        timeout: ClientTimeout = TIMEOUT,
    ) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._hosts = {host: base.rstrip("/") for host, base in (hosts or {}).items()}
        self._proxy = proxy
        self._timeout = timeout
        self._session: ClientSession | None = None

    async def request(  # type: ignore[override]  # as AsyncHttpClient does itself
        self,
        method: str,
        uri: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Make one request, as the SDK asks for it; ``timeout`` in seconds shortens that of the client."""
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = encode_basic_auth(*auth)
        as_json = sent.get("Content-Type") in JSON_TYPES
        answer = self._open().request(
            method.upper(),
            URL(self._address(uri)),
            params=params or None,
            headers=sent,
            timeout=self._timeout if timeout is None else ClientTimeout(total=timeout),
            allow_redirects=allow_redirects,
            proxy=self._proxy,
            json=data if as_json else None,
            data=None if as_json else data,
        )
        async with answer as response:
            return Response(response.status, await response.text(errors="replace"), response.headers)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(connector=TCPConnector(limit=CONNECTIONS))
        return self._session

    def _address(self, uri: str) -> str:
        for host, base in self._hosts.items():
            if uri.startswith(f"{host}/"):
                return base + uri.removeprefix(host)
        return uri


def make_client(
    account_sid: str, auth_token: str, *, api: str | None = None, content_api: str | None = None
) -> tuple[Client, TwilioHttp]:
    """The SDK's client, and what has to be closed at the end. ``api`` and ``content_api`` are other base URLs for its
    two hosts."""
    elsewhere = {API_HOST: api, CONTENT_HOST: content_api}
    http = TwilioHttp(hosts={host: base for host, base in elsewhere.items() if base})
    return Client(account_sid, auth_token, http_client=http), http
