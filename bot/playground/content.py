"""WhatsApp templates for the salon on stage: approved on the emulated Twilio, and named in the settings."""

from __future__ import annotations

from typing import Any, Final

from bot.playground.twilio_emulator import TwilioEmulator
from handlers.wording import labels
from handlers.wording_choices import without_emoji

BODIES: Final = {
    "reminder": {
        "uk": "Нагадуємо про ваш візит. Коли: {{1}}, {{2}}. Послуга: {{3}}. Підтвердьте, будь ласка, свій візит.",
        "tr": "Randevunuzu hatırlatmak isteriz. Tarih: {{1}}, {{2}}. Hizmet: {{3}}. Gelebilecek misiniz?",
        "ru": "Напоминаем о вашем визите. Когда: {{1}}, {{2}}. Услуга: {{3}}. Подтвердите, пожалуйста, визит.",
    },
    "booking_created": {
        "uk": "Ви записані. Коли: {{1}}, {{2}}. Послуга: {{3}}. Чекаємо на вас!",
        "tr": "Randevunuz oluşturuldu. Tarih: {{1}}, {{2}}. Hizmet: {{3}}. Sizi bekliyoruz!",
        "ru": "Вы записаны. Когда: {{1}}, {{2}}. Услуга: {{3}}. Ждём вас!",
    },
    "booking_changed": {
        "uk": "Ваш запис змінено. Було: {{4}}, {{5}}. Стало: {{1}}, {{2}}. Послуга: {{3}}. Якщо час незручний, напишіть нам.",
        "tr": "Randevunuz değişti. Önceki: {{4}}, {{5}}. Yeni: {{1}}, {{2}}. Hizmet: {{3}}. Uymuyorsa lütfen bize yazın.",
        "ru": "Ваша запись изменена. Было: {{4}}, {{5}}. Стало: {{1}}, {{2}}. Услуга: {{3}}. Если неудобно, напишите нам.",
    },
    "booking_cancelled": {
        "uk": "Ваш запис скасовано. Коли: {{1}}, {{2}}. Послуга: {{3}}. Перепрошуємо за незручності!",
        "tr": "Randevunuz iptal edildi. Tarih: {{1}}, {{2}}. Hizmet: {{3}}. Özür dileriz!",
        "ru": "Ваша запись отменена. Когда: {{1}}, {{2}}. Услуга: {{3}}. Приносим извинения!",
    },
}
VARIABLES: Final = ["date", "time", "service", "old_date", "old_time"]
SAMPLES: Final = {"1": "27.11", "2": "15:00", "3": "Стрижка", "4": "26.11", "5": "12:00"}
BUTTONS: Final = {
    "reminder": ["confirm", "move", "cancel"],
    "booking_created": ["move", "cancel"],
    "booking_changed": ["move", "cancel"],
    "booking_cancelled": [],
}


def approved_templates(twilio: TwilioEmulator) -> dict[str, Any]:
    """Put an approved template there for every kind and language; answers with the patch of the settings."""
    patch: dict[str, dict[str, Any]] = {}
    for kind, bodies in BODIES.items():
        for language, body in bodies.items():
            verbs = BUTTONS[kind]
            used = [number for number in SAMPLES if f"{{{{{number}}}}}" in body]
            samples = {number: SAMPLES[number] for number in used}
            sid = twilio.template(f"{kind}_{language}", language, _types(body, verbs, language), samples)
            entry = {"sid": sid, "variables": VARIABLES[: len(used)], "buttons": verbs}
            patch.setdefault(kind, {})[language] = entry
    return {"whatsapp_templates": patch}


def _types(body: str, verbs: list[str], language: str) -> dict[str, Any]:
    if not verbs:
        return {"twilio/text": {"body": body}}
    actions = [{"type": "QUICK_REPLY", "title": without_emoji(labels(verb, language)), "id": verb} for verb in verbs]
    return {"twilio/quick-reply": {"body": body, "actions": actions}}
