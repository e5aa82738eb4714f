"""What keeps another site from pressing a form of ours: a signature over the page and a cookie that only we can set."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

from aiohttp import web
from itsdangerous import Signer

COOKIE: Final = "vizit_form"
FIELD: Final = "form"
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22}")


class Forms:
    """Signs the forms of a page and checks what comes back. ``secure``: the cookie goes over https alone.

    The signature holds for one page and one browser. It does not run out: a page may lie open for days.
    """

    def __init__(self, secret: bytes, *, secure: bool) -> None:
        self._signer = Signer(secret, salt="page form", key_derivation="hmac", digest_method=hashlib.sha256)
        self._secure = secure

    def nonce(self, request: web.Request) -> str:
        """What this browser's cookie says, or something fresh where it says nothing."""
        return _nonce_of(request) or secrets.token_urlsafe(16)

    def sign(self, page: str, nonce: str) -> str:
        """The value of the hidden field :data:`FIELD` for the forms of ``page`` (its path, token included)."""
        return self._signer.get_signature(f"{nonce}:{page}").decode()

    def remember(self, request: web.Request, response: web.StreamResponse, nonce: str) -> None:
        """Set the cookie where the browser has not got it."""
        if _nonce_of(request) != nonce:
            response.set_cookie(COOKIE, nonce, httponly=True, samesite="Lax", secure=self._secure, path="/")

    def genuine(self, request: web.Request, page: str, signature: str) -> bool:
        """Whether a form of ``page`` was made for this browser."""
        nonce = _nonce_of(request)
        return nonce is not None and self._signer.verify_signature(f"{nonce}:{page}", signature)


def _nonce_of(request: web.Request) -> str | None:
    found = request.cookies.get(COOKIE, "")
    return found if _NONCE.fullmatch(found) else None
