"""What each provider brings into the process: channels, readers of its events, routes, and work in the background.

Their libraries are imported when they are set up: aiogram alone takes seconds, and not everybody has a bot.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from aiohttp import web

from bot.config import Config
from bot.inbox import Inbox, Read
from bot.receipts import Heard, StatusWord
from handlers import tips
from handlers.channel import Channel
from handlers.turn import Desk, Links
from scheduler.clock import Tick
from scheduler.standing import run_standing
from scheduler.sweeps import Runner
from storage.records import Millis
from storage.store import Store

Job = Callable[[], Coroutine[Any, Any, object]]


@dataclass(frozen=True, slots=True)
class Attached:
    """What follows once there is an inbox. ``routes`` take events in, ``serving`` is done by whoever serves them,
    ``fetching``, by names, by one of the processes that work; these jobs never fail, and end or are cancelled. ``ticks``
    are done from time to time by every process that works."""

    routes: list[web.RouteDef] = field(default_factory=list)
    serving: tuple[Job, ...] = ()
    fetching: Mapping[str, Job] = field(default_factory=dict)
    ticks: tuple[Tick, ...] = ()


class Provider(Protocol):
    """A company that carries messages."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels that it carries, as these settings switch them on."""

    @property
    def readers(self) -> Mapping[str, Read]:
        """What turns its stored events into turns, by their source."""

    def attach(self, inbox: Inbox, heard: Heard) -> Attached:
        """Let its events go to ``inbox``, its words about messages to ``heard``."""

    async def close(self) -> None:
        """Finish what is on its way, and give up connections."""


class Telegram:
    """A :class:`Provider`. The bot's user name, which links need, is asked for in the background."""

    def __init__(self, config: Config, desk: Desk) -> None:
        from bot.telegram import TelegramChannel, make_bot
        from bot.telegram_profile import Identity
        from bot.telegram_updates import Reader

        assert config.telegram_token is not None
        self._config, self._desk, self._links = config, desk, desk.links
        payments = config.telegram_payment_token
        self._bot = make_bot(config.telegram_token.get_secret_value(), config.telegram_api)
        self._identity = Identity()
        self.channels: tuple[Channel, ...] = (
            TelegramChannel(self._bot, payments.get_secret_value() if payments is not None else None),
        )
        self.readers: Mapping[str, Read] = {"telegram": Reader(lambda: self._identity.name)}

    def attach(self, inbox: Inbox, heard: Heard) -> Attached:
        """See :class:`Provider`."""
        from bot.telegram_inbound import TelegramIntake, poll, set_webhook, webhook_route

        config, bot = self._config, self._bot
        intake = self._intake = TelegramIntake(bot, inbox, partial(tips.checkout, self._desk))
        if config.telegram_mode == "polling":
            return Attached(serving=(self._introduce,), fetching={"telegram-polling": lambda: poll(bot, intake)})
        assert config.telegram_secret is not None and config.public_url is not None
        secret, address = config.telegram_secret.get_secret_value(), config.public_url
        return Attached([webhook_route(intake, secret)], (self._introduce, lambda: set_webhook(bot, address, secret)))

    async def _introduce(self) -> None:
        """Learn the bot's name, then give it its profile."""
        from bot.telegram_profile import set_profile

        self._links.bot = await self._identity.find_out(self._bot)
        await set_profile(self._bot, self._config.telegram_names)

    async def close(self) -> None:
        """See :class:`Provider`."""
        await self._intake.close()
        await self._bot.session.close()


class Twilio:
    """A :class:`Provider` for WhatsApp and SMS. ``texts`` carries the SMS, where these settings name a sender: of SMS, or
    a Messaging Service that is not there for WhatsApp. Where the salon's phone sends first, the channel is the phone's."""

    def __init__(self, config: Config, desk: Desk) -> None:
        from bot.sms import SmsChannel, twilio_texts
        from bot.twilio_http import make_client
        from bot.twilio_updates import read_message
        from bot.whatsapp import WhatsAppChannel

        assert config.twilio_account_sid is not None and config.twilio_auth_token is not None
        self._config, self._desk = config, desk
        self._client, self._http = make_client(
            config.twilio_account_sid,
            config.twilio_auth_token.get_secret_value(),
            api=config.twilio_api,
            content_api=config.twilio_content_api,
        )
        sender, texter, service = config.twilio_whatsapp_from, config.twilio_sms_from, config.twilio_messaging_service
        self.texts = (
            twilio_texts(self._client, texter, service, config.public_url)
            if texter is not None or (service is not None and sender is None)
            else None
        )
        carried: list[Channel] = []
        if sender is not None:
            carried.append(WhatsAppChannel(self._client, sender, service, config.public_url))
        if self.texts is not None:
            carried.append(SmsChannel(self.texts))
        self._carried = {channel.name: channel for channel in carried}
        phone_first = config.sms_gateway_url is not None
        self.channels: tuple[Channel, ...] = tuple(one for one in carried if one.name != "sms" or not phone_first)
        self.readers: Mapping[str, Read] = {"twilio": read_message}

    def attach(self, inbox: Inbox, heard: Heard) -> Attached:
        """See :class:`Provider`."""
        from bot.content import REVIEW, WITHDRAWN, ask_soon, review
        from bot.content_api import ContentApi
        from bot.reconciliation import RECONCILE, Reconciliation
        from bot.twilio_inbound import Signature, twilio_routes

        config, desk = self._config, self._desk
        assert config.public_url is not None
        tokens = (config.twilio_auth_token, config.twilio_auth_token_previous)
        signature = Signature(config.public_url, [token.get_secret_value() for token in tokens if token is not None])
        templates = ContentApi(self._client)
        accounts = Reconciliation(desk, self._client, self._carried, heard)
        runners: dict[str, Runner] = {
            REVIEW: lambda _, task: review(desk, templates, task),
            RECONCILE: lambda _, task: accounts.run(task),
        }

        async def told(word: StatusWord) -> None:
            await heard(word)
            if word.verdict.code in WITHDRAWN:
                await ask_soon(desk)

        return Attached(
            twilio_routes(inbox, signature, told),
            ticks=(Tick("twilio", lambda: run_standing(desk, runners), 30),),
        )

    async def close(self) -> None:
        """See :class:`Provider`."""
        await self._http.close()


class SalonPhone:
    """A :class:`Provider` for SMS through a phone of the salon's own. Twilio, if it carries SMS, takes what the phone can't
    send. ``phone`` tells how the phone is."""

    def __init__(
        self, config: Config, links: Links, store: Store, now: Callable[[], Millis], twilio: Twilio | None
    ) -> None:
        from bot.sms import Carrier, SmsChannel
        from bot.sms_gateway import Gateway, GatewayTexts, Phone, Reports
        from bot.sms_gateway_inbound import SOURCE, read_text

        url, user, password = config.sms_gateway_url, config.sms_gateway_user, config.sms_gateway_password
        assert url is not None and user is not None and password is not None
        self._config, self._links = config, links
        self._gateway = Gateway(url, user, password.get_secret_value())
        client = self._gateway.client
        self.phone = Phone(client, store, now, config.sms_gateway_daily_limit)
        self._reports = Reports(client, now)
        carriers: list[Carrier] = [GatewayTexts(client, self.phone)]
        if twilio is not None and twilio.texts is not None:
            carriers.append(twilio.texts)
        self.channels: tuple[Channel, ...] = (SmsChannel(*carriers),)
        self.readers: Mapping[str, Read] = {SOURCE: read_text}

    def attach(self, inbox: Inbox, heard: Heard) -> Attached:
        """See :class:`Provider`. Without a public address nothing is heard of what people write back."""
        from bot.sms_gateway_inbound import gateway_routes, register, secret_name

        reports = Tick("sms reports", lambda: self._reports.fetch(heard), 20)
        url, client = self._config.public_url, self._gateway.client
        if url is None:
            return Attached(ticks=(reports,))
        secret = secret_name(self._links)
        return Attached(gateway_routes(inbox, secret), (lambda: register(client, url, secret),), ticks=(reports,))

    async def close(self) -> None:
        """See :class:`Provider`."""
        await self._gateway.close()


def providers(config: Config, links: Links, store: Store, now: Callable[[], Millis]) -> list[Provider]:
    """Those that the settings name."""
    found: list[Provider] = []
    desk = Desk(store, now, links)
    if config.telegram_token is not None:
        found.append(Telegram(config, desk))
    twilio = Twilio(config, desk) if config.twilio_account_sid is not None else None
    if twilio is not None:
        found.append(twilio)
    if config.sms_gateway_url is not None:
        found.append(SalonPhone(config, links, store, now, twilio))
    return found
