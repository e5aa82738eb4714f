"""The catalogs are whole, and the check that says so finds every sort of fault."""

import shutil
from collections.abc import Callable
from pathlib import Path

import polib
import pytest

from tools.check_catalogs import catalog_faults, faults, reading_faults, stale_template, unseen_sentences
from tools.extract_catalogs import LANGUAGES, PLURALS, catalog, write
from tools.specimen import unseen

ROOT = Path(__file__).resolve().parent.parent
REMINDER = "A reminder about your visit 🗓"
WHERE = "Where: {salon}, {address}"
WHEN = "When: {date}, {time}"
HOURS = "Your visit is in {n} hour ⏰"


def test_nothing_is_wrong_with_the_catalogs() -> None:
    assert [str(fault) for fault in faults()] == []


def test_nothing_is_wrong_with_any_message_once_values_stand_in_it() -> None:
    assert [str(fault) for fault in reading_faults()] == []


def test_every_kind_of_message_has_a_specimen() -> None:
    assert unseen() == set()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the catalogs as they are."""
    shutil.copytree(
        ROOT / "locales", tmp_path / "locales", ignore=shutil.ignore_patterns("*.mo", "*.py", "__pycache__")
    )
    return tmp_path


def change(root: Path, language: str, msgid: str, text: str) -> None:
    """Put ``text`` in the place of one translation."""
    po = polib.pofile(catalog(root, language), wrapwidth=100)
    entry = po.find(msgid)
    assert entry is not None
    entry.msgstr = text
    po.save(str(catalog(root, language)))


def found(root: Path, language: str) -> list[str]:
    return [fault.why for fault in catalog_faults(root, language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_copy_itself_is_faultless(copy: Path, language: str) -> None:
    assert found(copy, language) == []


@pytest.mark.parametrize(
    ("language", "msgid", "text", "why"),
    [
        ("uk", WHERE, "Де: {salon}", "{address} is missing"),
        ("uk", WHERE, "Де: {salon}, {address} {price}", "{price} is not in the msgid"),
        ("uk", WHERE, "Де: {salon}, {address}, {adress}", "{adress} is no variable"),
        ("uk", WHERE, "Де: {salon}, {address}}", "a brace stands alone"),
        ("uk", REMINDER, "", "is not translated"),
        ("uk", REMINDER, REMINDER, "is the msgid itself"),
        ("uk", REMINDER, "Нагадуємо про ваш визыт 🗓", "has letters that the language has not: ы"),
        ("ru", REMINDER, "Напоминаем о вашем вiзите 🗓", "mixes two alphabets in “вiзите”"),
        ("ru", REMINDER, "Напоминаем о вашем візите 🗓", "has letters that the language has not: і"),
        ("uk", REMINDER, "Нагадуємо, пам’ятайте про візит 🗓", "has another apostrophe than ʼ"),
        ("tr", REMINDER, "Randevunuzu hati\u0307rlatmak isteriz 🗓", "has a dot above a letter of its own"),
        ("uk", REMINDER, "Нагадуємо про перенос 🗓", "“перенос” is not how one says it"),
        ("uk", REMINDER, "Нагадуємо, нажміть тут 🗓", "“нажм” is not how one says it"),
        ("ru", REMINDER, "Клиент подтвердил(а) визит 🗓", "“(а)” is not how one says it"),
        ("tr", REMINDER, "Rezervasyonunuzu hatırlatırız 🗓", "“Rezervasyon” is not how one says it"),
        ("tr", REMINDER, "Randevunuz icin hatırlatma 🗓", "has lost its accents: icin"),
        ("tr", WHERE, "{salon}'da, {address}", "has a suffix right after a variable"),
        ("tr", WHERE, "{salon}da, {address}", "has a suffix right after a variable"),
        ("uk", WHERE, "Де: «{salon}», {address}", "has quotes around a variable"),
        ("ru", WHEN, "в {date}, {time}", "“в {date}” will not agree with every value"),
        ("uk", WHEN, "Коли: {date}, о {time}", "“о {time}” will not agree with every value"),
        ("uk", REMINDER, " Нагадуємо про ваш візит 🗓", "begins or ends with a space"),
        ("uk", REMINDER, "Нагадуємо\nпро ваш візит 🗓", "has another number of lines than the msgid"),
        ("uk", REMINDER, "Нагадуємо  про ваш візит 🗓", "has two spaces in a row"),
        ("uk", "Choose a language:", "Оберіть мову", "ends in another way than the msgid"),
        ("uk", "Your booking has been cancelled.", "Ваш запис скасовано", "ends in another way than the msgid"),
        ("uk", "✅ I'll be there", "✅ Так, обовʼязково прийду", "is 25 characters long, a button takes 20"),
        ("uk", REMINDER, "🎁 Нагадуємо ⏰ про ваш візит 🗓", "has more than 2 emoji"),
        ("uk", REMINDER, "Нагадуємо про ваш візит ⏰", "has other emoji than the msgid"),
        ("uk", REMINDER, "Нагадуємо про Ваш візит 🗓", "has a capital in mid-sentence: “Ваш”"),
        ("tr", REMINDER, "Randevunuzu Size hatırlatırız 🗓", "has a capital in mid-sentence: “Size”"),
    ],
)
def test_a_fault_in_a_translation_is_found(copy: Path, language: str, msgid: str, text: str, why: str) -> None:
    change(copy, language, msgid, text)
    assert why in found(copy, language)


def edit(root: Path, language: str, change: Callable[[polib.POFile], None]) -> list[str]:
    """What is found after ``change`` of a catalog."""
    po = polib.pofile(catalog(root, language), wrapwidth=100)
    change(po)
    po.save(str(catalog(root, language)))
    return found(root, language)


def test_a_fuzzy_and_an_obsolete_entry_are_found(copy: Path) -> None:
    def spoil(po: polib.POFile) -> None:
        po[0].flags.append("fuzzy")
        po[1].obsolete = True

    assert {"is fuzzy", "is obsolete"} <= set(edit(copy, "uk", spoil))


def test_a_missing_and_a_surplus_sentence_are_found(copy: Path) -> None:
    def spoil(po: polib.POFile) -> None:
        po.remove(po[0])
        po.append(polib.POEntry(msgid="Nobody says this.", msgstr="Цього ніхто не каже."))

    assert {"is in the template, not here", "is here, not in the template"} <= set(edit(copy, "uk", spoil))


def test_a_wrong_number_of_plural_forms_is_found(copy: Path) -> None:
    def spoil(po: polib.POFile) -> None:
        entry = po.find(HOURS)
        assert entry is not None
        del entry.msgstr_plural[2]

    assert "must have 3 forms" in edit(copy, "uk", spoil)


def test_a_fault_in_one_plural_form_is_found(copy: Path) -> None:
    def spoil(po: polib.POFile) -> None:
        entry = po.find(HOURS)
        assert entry is not None
        entry.msgstr_plural[0] = "До вашого візиту — одна година ⏰"

    assert "{n} is missing" in edit(copy, "uk", spoil)


def test_the_header_that_tools_write_for_turkish_is_found(copy: Path) -> None:
    def spoil(po: polib.POFile) -> None:
        po.metadata["Plural-Forms"] = "nplurals=1; plural=0;"

    assert f"the header must say Plural-Forms: {PLURALS['tr']}" in edit(copy, "tr", spoil)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program of two files, its catalogs collected."""
    (tmp_path / "handlers").mkdir()
    (tmp_path / "bot").mkdir()
    (tmp_path / "handlers" / "said.py").write_text('t("Hello!")\nt.plural("{n} cat", "{n} cats", n)\n')
    (tmp_path / "bot" / "page.html").write_text('<h1>{{ t("Welcome") }}</h1>')
    list(write(tmp_path))
    return tmp_path


def test_sentences_of_code_and_of_pages_are_collected(program: Path) -> None:
    pot = polib.pofile(program / "locales" / "vizit.pot")
    assert {entry.msgid for entry in pot} == {"Hello!", "{n} cat", "Welcome"}
    assert list(stale_template(program)) == []


def test_collecting_twice_changes_nothing(program: Path) -> None:
    assert list(write(program)) == []


def test_a_new_sentence_makes_the_template_stale_until_it_is_collected(program: Path) -> None:
    (program / "handlers" / "new.py").write_text('t("Good morning!")\n')
    assert len(list(stale_template(program))) == 1
    assert len(list(write(program))) == 1 + len(LANGUAGES)
    assert list(stale_template(program)) == []


def test_a_translation_survives_collecting_and_leaves_with_its_sentence(program: Path) -> None:
    change(program, "uk", "Hello!", "Вітаємо!")
    (program / "handlers" / "new.py").write_text('t("Good morning!")\n')
    list(write(program))
    kept = polib.pofile(catalog(program, "uk")).find("Hello!")
    assert kept is not None
    assert kept.msgstr == "Вітаємо!"
    (program / "handlers" / "said.py").write_text("")
    list(write(program))
    assert polib.pofile(catalog(program, "uk")).find("Hello!") is None


@pytest.mark.parametrize("line", ['t(f"Hello, {name}!")', 't("Hello, " + name)', 'scene.t.plural(f"{n}", "x", n)'])
def test_a_sentence_that_extraction_cannot_see_is_found(program: Path, line: str) -> None:
    (program / "handlers" / "new.py").write_text(f"{line}\n")
    assert [fault.why for fault in unseen_sentences(program)] == ["handlers/new.py:1 translates a text put together"]
