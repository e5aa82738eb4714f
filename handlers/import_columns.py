"""What columns and words of imported tables mean: names of columns, states and answers, in every language that we speak."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeVar

from storage.records import BookingStatus

M = TypeVar("M")

COLUMNS: Final[Mapping[str, str]] = {
    "id": "id; booking id; booking; appointment id; id запису; номер запису; randevu no; randevu id; id записи; номер записи",
    "client_id": "client id; customer id; id клієнта; код клієнта; müşteri no; müşteri id; id клиента; код клиента",
    "name": (
        "name; full name; client; client name; customer; customer name; клієнт; клієнтка; імя клієнта; імя та прізвище; піб;"
        "müşteri; müşteri adı; ad soyad; adı soyadı; isim soyisim; клиент; имя клиента; имя и фамилия; фио"
    ),
    "first_name": "first name; імя; ad; adı; isim; имя",
    "last_name": "last name; surname; прізвище; soyad; soyadı; soyisim; фамилия",
    "phone": (
        "phone; phone number; mobile; mobile phone; client phone; телефон; номер телефону; мобільний; мобільний телефон;"
        "телефон клієнта; telefon; telefon no; telefon numarası; cep; cep telefonu; gsm; номер телефона; мобильный;"
        "мобильный телефон; телефон клиента"
    ),
    "language": "language; мова; dil; язык",
    "birthday": (
        "birthday; birth date; date of birth; день народження; дата народження; doğum günü; doğum tarihi;"
        "день рождения; дата рождения"
    ),
    "source": "source; джерело; звідки; kaynak; nereden; источник; откуда",
    "consent": (
        "consent; marketing consent; offers; згода; згода на розсилку; згода на пропозиції; izin; onay; kampanya izni;"
        "pazarlama izni; согласие; согласие на рассылку; согласие на предложения"
    ),
    "salon": "salon; branch; location; салон; філія; філіал; şube; salon adı; филиал",
    "master": (
        "master; staff; employee; specialist; stylist; майстер; спеціаліст; працівник; співробітник; usta; uzman; personel;"
        "çalışan; kuaför; мастер; специалист; сотрудник"
    ),
    "services": "service; services; treatment; послуга; послуги; hizmet; hizmetler; işlem; услуга; услуги",
    "start": (
        "start; starts at; start time; date and time; date time; початок; дата і час; дата та час; дата й час;"
        "başlangıç; tarih ve saat; tarih saat; начало; дата и время"
    ),
    "date": "date; visit date; day; дата; дата візиту; день; tarih; randevu tarihi; gün; дата визита",
    "time": "time; час; час візиту; saat; randevu saati; время; время визита",
    "end": "end; ends at; end time; кінець; закінчення; bitiş; конец; окончание",
    "duration": "duration; minutes; тривалість; хвилин; süre; dakika; длительность; продолжительность; минут",
    "price": "price; amount; total; ціна; вартість; сума; fiyat; ücret; tutar; цена; стоимость; сумма",
    "currency": "currency; валюта; para birimi",
    "status": "status; state; статус; стан; durum; состояние",
    "created_at": (
        "created; created at; booked at; створено; дата створення; oluşturulma; oluşturulma tarihi; создано; дата создания"
    ),
}
"""Field to the names of its column, separated by semicolons."""
STATUSES: Final[Mapping[BookingStatus, str]] = {
    "booked": (
        "booked; planned; scheduled; new; заплановано; запланований; записаний; записана; очікується; новий;"
        "planlandı; bekliyor; yeni; запланировано; запланирован; записан; записана; ожидается; новый"
    ),
    "confirmed": "confirmed; підтверджено; підтверджений; onaylandı; onaylı; подтверждено; подтвержден",
    "arrived": (
        "arrived; came; completed; done; visited; paid; завершено; завершений; виконано; прийшов; прийшла; відбувся;"
        "оплачено;"
        "tamamlandı; geldi; ödendi; завершено; завершен; выполнено; выполнен; пришел; пришла; состоялся; оплачено"
    ),
    "no_show": (
        "no show; did not come; missed; не прийшов; не прийшла; неявка; gelmedi; не пришел; не пришла; не явился"
    ),
    "cancelled": (
        "cancelled; canceled; скасовано; скасований; відмінено; відмова; iptal; iptal edildi;"
        "отменено; отменен; отмена; отказ"
    ),
}
ANSWERS: Final[Mapping[bool, str]] = {
    True: "yes; y; true; 1; +; так; є; evet; var; да; есть",
    False: "no; n; false; 0; -; ні; немає; hayır; yok; нет",
}
CURRENCIES: Final[Mapping[str, str]] = {
    "UAH": "uah; грн; гривень; ₴",
    "TRY": "try; tl; ₺; lira",
    "RUB": "rub; руб; р; ₽",
    "USD": "usd; $",
    "EUR": "eur; €; євро; евро",
}


def folded(text: str) -> str:
    """A word as it is compared: without case, apostrophes, dots over or under an i, and signs at its ends."""
    plain = text.replace("İ", "i").replace("I", "i").replace("ı", "i").casefold().replace("ё", "е")
    plain = re.sub(r"['’ʼ`\"]", "", plain)
    return re.sub(r"[\s_./-]+", " ", plain).strip(" :*#№") or plain.strip()


def meanings(table: Mapping[M, str]) -> dict[str, M]:
    """Folded word to what it stands for."""
    return {folded(word): meaning for meaning, words in table.items() for word in words.split(";")}
