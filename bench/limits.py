"""The limit: the two providers' clients alone, with nothing stored and nothing decided."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

from bench.measuring import Cpu, Figures, answer_for, peak_mb, resident_mb
from bench.salon import phone
from bot.loops import complete

WIRES = 30
WARM = 200
"""Messages that open the connections, and are not counted; to people of their own."""
ACCOUNT = "AC" + "0" * 32
BODY = (
    "Катерино, ви записані: четвер, 31 грудня, 15:00, Стрижка, майстер Тарас, Салон «Мрія», вул. Хрещатик, 1, Київ. "
    "Тривалість 1 год, 650 грн. Підтвердьте, будь ласка, що прийдете."
)
"""About as long as a notice of this service."""

BUTTONS = (("confirm", "✅ Підтвердити"), ("move", "Перенести"), ("cancel", "Скасувати"))

Send = Callable[[int], Awaitable[object]]


async def drain(numbers: Iterator[int], send: Send) -> None:
    """Send to these people, so many at once as there are wires."""

    async def one() -> None:
        for number in numbers:
            await send(number)

    await asyncio.gather(*(one() for _ in range(WIRES)))


async def timed(send: Send, number: int) -> Figures:
    """Messages a second and what they cost."""
    await drain(iter(range(5_000_000, 5_000_000 + WARM)), send)
    start, cpu = time.perf_counter(), Cpu()
    await drain(iter(range(number)), send)
    seconds = time.perf_counter() - start
    return {"rate": number / seconds, "cpu_us": cpu.per(number), "peak_mb": peak_mb()}


async def _aiogram(sink: str, number: int, buttons: bool = False) -> Figures:
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

    def keyboard(number: int) -> InlineKeyboardMarkup:
        rows = [
            [InlineKeyboardButton(text=title, callback_data=f"1:{verb}:{number:032x}:0")] for verb, title in BUTTONS
        ]
        return InlineKeyboardMarkup(inline_keyboard=rows)

    async with Bot("42:TOKEN", session=AiohttpSession(api=TelegramAPIServer.from_base(sink))) as bot:

        def send(n: int) -> Awaitable[object]:
            return bot.send_message(1_000_000 + n, BODY, reply_markup=keyboard(n) if buttons else None)

        return await timed(send, number)


async def _twilio(sink: str, number: int) -> Figures:
    from bot.twilio_http import make_client

    client, http = make_client(ACCOUNT, "token", api=sink)

    async def send(n: int) -> object:
        to = f"whatsapp:{phone(n)}"
        return await client.messages.create_async(to=to, from_="whatsapp:+14155238886", body=BODY)

    figures = await timed(send, number)
    await http.close()
    return figures


def imports() -> Figures:
    """What a process costs that has made a bot of aiogram's, and does nothing."""
    start = time.perf_counter()
    from aiogram import Bot

    Bot("42:TOKEN")
    return {"seconds": time.perf_counter() - start, "mb": resident_mb()}


if __name__ == "__main__":
    answer_for(
        {
            "aiogram": lambda sink, number: complete(_aiogram(sink, number)),
            "aiogram-buttons": lambda sink, number: complete(_aiogram(sink, number, True)),
            "twilio": lambda sink, number: complete(_twilio(sink, number)),
            "imports": imports,
        }
    )
