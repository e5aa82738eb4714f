"""Birthday gifts: to whom one is due, and what is entered and said then. Once a year each; twice is the same as once.

Gift and word go together: who has not agreed to offers gets neither, since a gift that nobody hears of is spent by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from handlers import bonuses
from handlers.bonus_news import BOOK
from handlers.bonuses import Points
from handlers.durations import local_day, moment_of
from handlers.keys import encoded
from handlers.ledger import end_of_day
from handlers.offer_facts import ENTRIES, birthday_in
from handlers.offers import home_of, offer_row, standing
from handlers.reach import Way
from handlers.settings import Place, Settings, in_force, place
from handlers.timing import rings_at
from handlers.turn import Desk
from storage.records import Business, Client, Message, Millis, Salon
from storage.store import Changes, Conflict, OneOf, Range

KIND: Final = "bonus_birthday"
PAGE: Final = 200
LEAP_DAY: Final = "02-29"


@dataclass(frozen=True, slots=True)
class Custom:
    """How one salon, or the business as a whole, gives: its settings, its place, and the day it is there."""

    settings: Settings
    here: Place
    today: date

    @property
    def ahead(self) -> timedelta:
        """How long before the birthday the gift comes."""
        return timedelta(days=self.settings.kinds[KIND].days_before)

    def moment(self, birthday: date) -> Millis:
        """When the gift for this birthday comes."""
        return moment_of(birthday - self.ahead, self.settings.kinds[KIND].at, self.here.zone)

    def birthdays(self) -> list[date]:
        """The birthdays whose gifts come today, or should have come yesterday and may still."""
        days = (self.today + self.ahead - timedelta(days=late) for late in (0, 1))
        return [day for day in days if day >= self.today]


async def customs(desk: Desk, business: Business) -> list[Custom]:
    """Every way in which gifts are given in this business; empty where none are."""
    salons: list[Salon | None] = [None, *await desk.store.find(Salon, {"business": business.id}, limit=PAGE)]
    found = []
    for salon in salons:
        settings, here = in_force(business, salon), place(business, salon)
        if settings.birthday_bonus and settings.kinds[KIND].enabled:
            found.append(Custom(settings, here, local_day(desk.now(), here.zone)))
    return found


async def give(desk: Desk, business: Business) -> int:
    """Give every gift whose time has come, and that was not given yet; how many were."""
    days = sorted({day for custom in await customs(desk, business) for day in custom.birthdays()})
    given = 0
    for day in days:
        for name in names_of(day):
            given += await _give_all(desk, business, day, name)
    return given


def names_of(day: date) -> tuple[str, ...]:
    """The birthdays, as ``MM-DD``, that are celebrated on ``day``."""
    own = f"{day.month:02}-{day.day:02}"
    return (own, LEAP_DAY) if birthday_in(LEAP_DAY, day.year) == day and own != LEAP_DAY else (own,)


async def _give_all(desk: Desk, business: Business, birthday: date, name: str) -> int:
    given, after = 0, None
    while True:
        clients = await desk.store.find(
            Client, {"business": business.id, "birth_day": name}, order=("id",), after=after, limit=PAGE
        )
        for client in await _missing(desk, business, clients, birthday):
            given += await _give(desk, business, client, birthday)
        if len(clients) < PAGE:
            return given
        after = (clients[-1].id,)


async def _missing(desk: Desk, business: Business, clients: Iterable[Client], birthday: date) -> list[Client]:
    keys = {key_of(client, birthday): client for client in clients}
    if not keys:
        return []
    where = {"business": business.id, "key": OneOf(tuple(keys))}
    known = {row.key for row in await desk.store.find(Message, where, order=("key",), limit=len(keys))}
    return [client for key, client in keys.items() if key not in known]


def key_of(client: Client, birthday: date) -> str:
    """The key of a birthday's message."""
    return f"birthday:{encoded(client.id)}:{birthday.year}"


async def _give(desk: Desk, business: Business, client: Client, birthday: date) -> int:
    salon = await home_of(desk, client)
    settings, here, now = in_force(business, salon), place(business, salon), desk.now()
    custom = Custom(settings, here, local_day(now, here.zone))
    if not settings.birthday_bonus or now < custom.moment(birthday) or custom.today > birthday:
        return 0
    way = await standing(desk, business, salon, client, KIND)
    points = Points(
        id=f"birthday~{client.id}~{birthday.year}", amount=settings.birthday_bonus, reason="birthday", announce=False
    )
    due = rings_at(KIND, None, max(custom.moment(birthday), now), settings.quiet_hours, here.zone)
    row = offer_row(
        desk,
        business,
        salon,
        client,
        KIND,
        key=key_of(client, birthday),
        due=due,
        not_after=end_of_day(moment_of(birthday, settings.kinds[KIND].at, here.zone), here.zone),
        way=way,
        params={"birthday": birthday.isoformat(), ENTRIES: [points.id]},
        choices=(BOOK,),
    )
    gift = await bonuses.given(desk, business, client, (points,), salon) if isinstance(way, Way) else Changes()
    try:
        done = await desk.store.commit(Changes(inserts=(row,)) + gift)
    except Conflict:
        return 0
    return int(done.inserted[0])


async def next_gift(desk: Desk, business: Business) -> Millis | None:
    """When the next gift of this business is due, as far as birthdays tell."""
    moments = []
    for custom in await customs(desk, business):
        first = custom.today + custom.ahead
        for start in (first, first + timedelta(days=1)):
            day = await _next_birthday(desk, business, start)
            if day is not None and custom.moment(day) > desk.now():
                moments.append(custom.moment(day))
    return min(moments, default=None)


async def _next_birthday(desk: Desk, business: Business, start: date) -> date | None:
    """The first day from ``start`` on that is somebody's birthday."""
    since = min(names_of(start))
    for place_in_year in (Range(since, None), Range("01-01", None)):
        found = await desk.store.find(
            Client, {"business": business.id, "birth_day": place_in_year}, order=("birth_day", "id"), limit=1
        )
        if found and found[0].birth_day:
            days = (birthday_in(found[0].birth_day, year) for year in (start.year, start.year + 1))
            return next(day for day in days if day >= start)
    return None
