"""The settings of the process: read from the environment and `.env`, and checked all at once before anything starts."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX: Final = "VIZIT_"
ENV_FILE: Final = Path(".env")
SHORTEST_SECRET: Final = 32
PLACEHOLDERS: Final = ("changeme", "changethis", "placeholder", "replaceme", "replacethis", "example", "yoursecret")
"""What people leave standing in a file that they copied; compared without case and punctuation."""
TYPO: Final = 0.8
"""How alike two names must be for the one to be taken for a slip of the other (`difflib`'s ratio)."""
MAKE_ONE: Final = 'this makes one: python3 -c "import secrets; print(secrets.token_hex(32))"'
PHONE: Final = r"\+[1-9]\d{6,14}"


class Mistake(NamedTuple):
    """One thing wrong with the settings: the variable, and what to do about it."""

    variable: str
    advice: str

    def __str__(self) -> str:
        return f"{self.variable} {self.advice}"


class WrongSettings(Exception):
    """The settings can't be used. `mistakes` holds all that is wrong with them; no value that may be secret is repeated."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class Listen(NamedTuple):
    """An address to listen on. Port 0 takes any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host's name or address means this very machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _database(value: SecretStr) -> SecretStr:
    scheme, found, rest = value.get_secret_value().partition("://")
    if not found or scheme not in ("sqlite", "mongodb", "mongodb+srv") or not rest:
        raise ValueError("must look like sqlite:///vizit.db or mongodb://host/db?replicaSet=name")
    if scheme == "sqlite" and (not rest.startswith("/") or rest == "/"):
        raise ValueError("must name a file after three slashes: sqlite:///vizit.db")
    return value


def parse_listen(text: str) -> Listen:
    """The address that `HOST:PORT` or `[IPv6]:PORT` means. Raises ValueError."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/]+)):([0-9]{1,5})", text)
    if match is None or int(match[3]) > 65535:
        raise ValueError("must be HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080")
    return Listen(match[1] or match[2], int(match[3]))


def _base_url(value: str) -> str:
    """An http(s) address without anything that would be lost, or leak, once a path is put behind it."""
    try:
        url = urlsplit(value)
        sound = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        sound = False
    if not sound or re.search(r"[\s\\]", value):
        raise ValueError("must be an address: https://host")
    if "@" in url.netloc:
        raise ValueError("must be an address without a user name or a password")
    if "?" in value or "#" in value:
        raise ValueError("must be an address without ? and #")
    return value.rstrip("/")


def _public_url(value: str) -> str:
    address = _base_url(value)
    url = urlsplit(address)
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValueError("must begin with https:// (http:// on loopback only), or providers refuse it")
    return address


def _strong(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    letters = re.sub(r"[^a-z]", "", text.casefold())
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"needs at least {SHORTEST_SECRET} characters; {MAKE_ONE}")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("travels in a header: it takes Latin letters, digits and punctuation, no spaces")
    if text in (text + text)[1:-1] or any(word in letters for word in PLACEHOLDERS):
        raise ValueError(f"is easily guessed; {MAKE_ONE}")
    return value


def _listen(value: object) -> object:
    return parse_listen(value) if isinstance(value, str) else value


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("must be networks separated by commas, for example 10.0.0.0/8,192.168.1.0/24") from None


def _days(value: int) -> int:
    """Telegram repeats an event for a day: what is forgotten sooner would be answered twice."""
    if not 2 <= value <= 90:
        raise ValueError("must be from 2 to 90 days")
    return value


def _by_language(value: str) -> dict[str, str]:
    parts = (part.rpartition("=") for part in value.split(";") if part.strip())
    return {language.strip(): name.strip() for language, _, name in parts}


def _names(value: str) -> str:
    """A name is 1 to 64 characters long (Bot API, setMyName)."""
    names = _by_language(value)
    if not names or not set(names) <= {"", "uk", "tr", "ru", "en"} or not all(0 < len(n) <= 64 for n in names.values()):
        raise ValueError("is a name of at most 64 characters, or one for each language: uk=Мрія; tr=Mriya")
    return value


def _whatsapp_sender(value: object) -> object:
    return value.removeprefix("whatsapp:") if isinstance(value, str) else value


def _like(pattern: str, advice: str) -> AfterValidator:
    """A check that the whole of a text, secret or not, matches `pattern`."""

    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if re.fullmatch(pattern, text, re.ASCII) is None:
            raise ValueError(advice)
        return value

    return AfterValidator(check)


Strong = Annotated[SecretStr, AfterValidator(_strong)]
Url = Annotated[str, AfterValidator(_base_url)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
BotToken = Annotated[SecretStr, _like(r"\d+:[\w-]+", "must be the token that @BotFather gave: 123456:ABC-DEF")]
WebhookSecret = Annotated[SecretStr, _like(r"[\w-]{1,256}", "takes 1 to 256 of A-Z, a-z, 0-9, _ and -")]
AccountSid = Annotated[str, _like(r"AC[0-9a-f]{32}", "must be AC and 32 hex digits, as in the Twilio console")]
ServiceSid = Annotated[str, _like(r"MG[0-9a-f]{32}", "must be MG and 32 hex digits, as in the Twilio console")]
AuthToken = Annotated[SecretStr, _like(r"[!-~]+", "must be the token as in the Twilio console, without spaces")]
WhatsAppSender = Annotated[
    str, BeforeValidator(_whatsapp_sender), _like(PHONE, "must be a number with its country: +14155238886")
]
SmsSender = Annotated[
    str,
    _like(
        rf"{PHONE}|\d{{3,8}}|(?=.*[A-Za-z])[\w +&-]{{1,11}}",
        "must be a number with its country, a short code, or a name of at most 11 characters",
    ),
]


class Config(BaseSettings):
    """What the operator decides, one field a variable: `telegram_token` is `VIZIT_TELEGRAM_TOKEN`. Made by :func:`load`.

    Rates are messages a second over all workers, `api_rate` requests a second for one key; 0 means no limit.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    admin_key: Strong
    secret: Strong
    database: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite:///vizit.db")
    listen: Annotated[Listen, NoDecode, BeforeValidator(_listen)] = Listen("127.0.0.1", 8080)
    public_url: Annotated[str, AfterValidator(_public_url)] | None = None
    log: Literal["text", "json"] | None = None
    """None: text on a terminal, else JSON."""

    telegram_token: BotToken | None = None
    telegram_mode: Literal["polling", "webhook"] = "polling"
    telegram_secret: WebhookSecret | None = None
    telegram_api: Url = "https://api.telegram.org"
    telegram_name: Annotated[str, AfterValidator(_names)] | None = None
    """The bot's name: one for all, or one for each language, `uk=…; tr=…`."""
    telegram_payment_token: SecretStr | None = None

    twilio_account_sid: AccountSid | None = Field(None, repr=False)
    twilio_auth_token: AuthToken | None = None
    twilio_auth_token_previous: AuthToken | None = None
    twilio_whatsapp_from: WhatsAppSender | None = None
    twilio_sms_from: SmsSender | None = None
    twilio_messaging_service: ServiceSid | None = None
    twilio_api: Url = "https://api.twilio.com"
    twilio_content_api: Url = "https://content.twilio.com"

    sms_gateway_url: Url | None = None
    sms_gateway_user: str | None = None
    sms_gateway_password: SecretStr | None = None
    sms_gateway_daily_limit: Annotated[int, Field(ge=0)] = 0
    """Texts from midnight to midnight UTC; 0: no limit."""

    telegram_rate: Rate = 28
    whatsapp_rate: Rate = 70
    sms_rate: Rate = 10
    api_rate: Rate = 1000
    inbox_days: Annotated[int, AfterValidator(_days)] = 7
    """How long inbound events are remembered, to know their repeats."""
    webhook_allow: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)] = ()

    @property
    def telegram_names(self) -> dict[str, str]:
        """The bot's name by language; `""` stands for every language that has none of its own."""
        return _by_language(self.telegram_name) if self.telegram_name else {}

    @property
    def secrets(self) -> frozenset[str]:
        """The values that must never be seen. An address of MongoDB is one: it may hold a password."""
        held = (getattr(self, name) for name in type(self).model_fields)
        values = {value.get_secret_value() for value in held if isinstance(value, SecretStr)}
        return frozenset(value for value in values if not value.startswith("sqlite:"))

    @staticmethod
    def of(**values: Any) -> Config:
        """A Config of these values alone: neither the environment nor a file is read. Raises pydantic's ValidationError."""
        return _Fixed(**values)


class _Fixed(Config):
    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


VARIABLES: Final = tuple(PREFIX + name.upper() for name in Config.model_fields)


class Need(NamedTuple):
    """A variable, or one value of it, that means nothing without one of others."""

    of: str
    wants: tuple[str, ...]
    value: str | None = None


NEEDS: Final = (
    Need("TELEGRAM_MODE", ("TELEGRAM_TOKEN",), "webhook"),
    Need("TELEGRAM_MODE", ("TELEGRAM_SECRET",), "webhook"),
    Need("TELEGRAM_MODE", ("PUBLIC_URL",), "webhook"),
    Need("TELEGRAM_PAYMENT_TOKEN", ("TELEGRAM_TOKEN",)),
    Need("TWILIO_ACCOUNT_SID", ("TWILIO_AUTH_TOKEN",)),
    Need("TWILIO_ACCOUNT_SID", ("TWILIO_WHATSAPP_FROM", "TWILIO_SMS_FROM", "TWILIO_MESSAGING_SERVICE")),
    Need("TWILIO_ACCOUNT_SID", ("PUBLIC_URL",)),
    Need("TWILIO_AUTH_TOKEN", ("TWILIO_ACCOUNT_SID",)),
    Need("TWILIO_AUTH_TOKEN_PREVIOUS", ("TWILIO_AUTH_TOKEN",)),
    Need("TWILIO_WHATSAPP_FROM", ("TWILIO_ACCOUNT_SID",)),
    Need("TWILIO_SMS_FROM", ("TWILIO_ACCOUNT_SID",)),
    Need("TWILIO_MESSAGING_SERVICE", ("TWILIO_ACCOUNT_SID",)),
    Need("SMS_GATEWAY_URL", ("SMS_GATEWAY_USER",)),
    Need("SMS_GATEWAY_URL", ("SMS_GATEWAY_PASSWORD",)),
    Need("SMS_GATEWAY_USER", ("SMS_GATEWAY_URL",)),
    Need("SMS_GATEWAY_PASSWORD", ("SMS_GATEWAY_URL",)),
)
MEANING: Final[Mapping[str, str]] = {
    "missing": f"is needed; {MAKE_ONE}",
    "float_parsing": "must be a number",
    "int_parsing": "must be a whole number",
    "finite_number": "must be a number",
    "greater_than_equal": "must not be negative; 0 means no limit",
    "literal_error": "must be {expected}",
}
"""What is said instead of pydantic's own words, by the type of its error."""


def load(env_file: Path = ENV_FILE) -> Config:
    """Read the settings from the environment, and from `env_file` what the environment does not say.

    Raises :class:`WrongSettings` with every mistake that there is.
    """
    given = _given(env_file)
    mistakes = {*_lacking(given), *_misspelt(given)}
    try:
        config = Config(_env_file=env_file)
    except ValidationError as error:
        mistakes |= {_mistake(one["loc"], one["type"], one.get("ctx", {})) for one in error.errors()}
    if mistakes:
        raise WrongSettings(tuple(sorted(mistakes)))
    return config


def unknown(env_file: Path = ENV_FILE) -> tuple[str, ...]:
    """The variables that are set, begin like ours and mean nothing here."""
    return tuple(sorted(_given(env_file).keys() - set(VARIABLES)))


def _given(env_file: Path) -> dict[str, str]:
    """Our variables that have a value, those of the environment over those of the file."""
    both = (*dotenv_values(env_file).items(), *os.environ.items())
    return {name.upper(): value for name, value in both if value and name.upper().startswith(PREFIX)}


def _lacking(given: Mapping[str, str]) -> Iterator[Mistake]:
    for need in NEEDS:
        value = given.get(PREFIX + need.of)
        wanted = [PREFIX + name for name in need.wants]
        if value is None or need.value not in (None, value) or any(name in given for name in wanted):
            continue
        condition = f"{PREFIX}{need.of} is {value}" if need.value else f"{PREFIX}{need.of} is set"
        others = f", or one of {', '.join(wanted[1:])}," if wanted[1:] else ""
        yield Mistake(wanted[0], f"is needed{others} because {condition}")


def _misspelt(given: Mapping[str, str]) -> Iterator[Mistake]:
    for name in given.keys() - set(VARIABLES):
        for right in difflib.get_close_matches(name, VARIABLES, n=1, cutoff=TYPO):
            yield Mistake(name, f"means nothing here; {right} does")


def _mistake(loc: tuple[int | str, ...], kind: str, context: Mapping[str, Any]) -> Mistake:
    """A complaint of pydantic's in words that name the variable and repeat nothing of its value."""
    variable = PREFIX + str(loc[0]).upper()
    if kind == "value_error":
        return Mistake(variable, str(context["error"]))
    return Mistake(variable, MEANING.get(kind, "can't be understood").format(**context))
