"""The settings of the process: what they mean, and how mistakes in them are told."""

import logging
import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from bot.config import VARIABLES, Config, Listen, WrongSettings, load, unknown

KEY = "0d4f1c2b3a59687786958473625140ffeeddccbb"
SECRET = "b7e23ec29af22b0b4e41da31e868d57226121c84"
SID = "AC" + "0123456789abcdef" * 2
TWILIO = {
    "VIZIT_PUBLIC_URL": "https://vizit.example",
    "VIZIT_TWILIO_ACCOUNT_SID": SID,
    "VIZIT_TWILIO_AUTH_TOKEN": "a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "VIZIT_TWILIO_WHATSAPP_FROM": "+14155238886",
}
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own settings, the two secrets that are always needed, and an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("VIZIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VIZIT_ADMIN_KEY", KEY)
    monkeypatch.setenv("VIZIT_SECRET", SECRET)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets these variables and reads the settings."""

    def read(**variables: str) -> Config:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load()

    return read


def advice(error: pytest.ExceptionInfo[WrongSettings]) -> dict[str, str]:
    return dict(error.value.mistakes)


def test_two_secrets_are_enough_and_all_else_has_its_default(given: Any) -> None:
    config = given()
    assert config.admin_key.get_secret_value() == KEY
    assert config.secret.get_secret_value() == SECRET
    assert config.database.get_secret_value() == "sqlite:///vizit.db"
    assert config.listen == Listen("127.0.0.1", 8080)
    assert config.public_url is None
    assert config.telegram_mode == "polling"
    assert config.telegram_api == "https://api.telegram.org"
    assert (config.twilio_api, config.twilio_content_api) == ("https://api.twilio.com", "https://content.twilio.com")
    assert (config.telegram_rate, config.whatsapp_rate, config.sms_rate, config.api_rate) == (28, 70, 10, 1000)
    assert config.webhook_allow == ()
    assert config.log is None


def test_a_file_fills_in_what_the_environment_leaves_out(given: Any) -> None:
    Path(".env").write_text(f"VIZIT_LISTEN=0.0.0.0:80\nVIZIT_API_RATE=7\nVIZIT_ADMIN_KEY={'f' * 8}\nOTHER=1\n")
    config = given(VIZIT_API_RATE="9")
    assert config.listen == Listen("0.0.0.0", 80)
    assert config.api_rate == 9
    assert config.admin_key.get_secret_value() == KEY


def test_an_empty_variable_is_one_that_is_not_set(given: Any) -> None:
    assert given(VIZIT_TELEGRAM_TOKEN="", VIZIT_LISTEN="").listen == Listen("127.0.0.1", 8080)


def test_the_example_file_names_every_variable_and_is_sound_once_the_secrets_are_filled_in() -> None:
    example = (ROOT / ".env.example").read_text()
    assert sorted(re.findall(r"^#?(VIZIT_\w+)=", example, re.MULTILINE)) == sorted(VARIABLES)
    Path(".env").write_text(re.sub(r"^#(VIZIT_\w+=.+)$", r"\1", example, flags=re.MULTILINE))
    assert load().listen == Listen("127.0.0.1", 8080)


def test_the_readme_explains_every_variable_and_no_other() -> None:
    readme = (ROOT / "README.md").read_text()
    assert set(re.findall(r"VIZIT_[A-Z_]+", readme)) == set(VARIABLES)


def test_the_example_file_shows_the_true_defaults() -> None:
    shown = dict(re.findall(r"^#(VIZIT_\w+)=(.+)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    defaults = load()
    shown.pop("VIZIT_LOG", None)
    for variable, text in shown.items():
        Path(".env").write_text(f"{variable}={text}\n")
        assert load() == defaults, variable


def test_all_mistakes_are_told_at_once_and_each_names_its_variable(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIZIT_SECRET")
    with pytest.raises(WrongSettings) as error:
        given(
            VIZIT_ADMIN_KEY="short",
            VIZIT_DATABASE="postgres://x",
            VIZIT_LISTEN="8080",
            VIZIT_PUBLIC_URL="http://vizit.example",
            VIZIT_LOG="xml",
            VIZIT_TELEGRAM_TOKEN="nonsense",
            VIZIT_TELEGRAM_MODE="webhook",
            VIZIT_TELEGRAM_API="api.telegram.org",
            VIZIT_TWILIO_ACCOUNT_SID="AC1",
            VIZIT_TWILIO_WHATSAPP_FROM="5551234",
            VIZIT_API_RATE="-1",
            VIZIT_SMS_RATE="many",
            VIZIT_WEBHOOK_ALLOW="10.0.0.1/8",
            VIZIT_TELEGRAM_TOKN="1",
        )
    told = advice(error)
    assert set(told) == {
        "VIZIT_SECRET",
        "VIZIT_ADMIN_KEY",
        "VIZIT_DATABASE",
        "VIZIT_LISTEN",
        "VIZIT_PUBLIC_URL",
        "VIZIT_LOG",
        "VIZIT_TELEGRAM_TOKEN",
        "VIZIT_TELEGRAM_SECRET",
        "VIZIT_TELEGRAM_API",
        "VIZIT_TWILIO_ACCOUNT_SID",
        "VIZIT_TWILIO_AUTH_TOKEN",
        "VIZIT_TWILIO_WHATSAPP_FROM",
        "VIZIT_API_RATE",
        "VIZIT_SMS_RATE",
        "VIZIT_WEBHOOK_ALLOW",
        "VIZIT_TELEGRAM_TOKN",
    }
    assert str(error.value).count("\n") == len(error.value.mistakes) - 1


@pytest.mark.parametrize("variable", ["VIZIT_ADMIN_KEY", "VIZIT_SECRET"])
@pytest.mark.parametrize(
    "value",
    [
        "0123456789abcdef0123456789abcde",
        "a" * 64,
        "abc12345" * 8,
        "change-me-please-1234567890-abcdefgh",
        "CHANGE_THIS_0123456789_ABCDEFGHIJKLM",
        "пароль" * 3 + KEY,
        f"{KEY[:20]} {KEY[20:]}",
    ],
)
def test_a_secret_that_is_short_or_guessed_or_cannot_travel_is_refused_and_not_repeated(
    given: Any, variable: str, value: str
) -> None:
    with pytest.raises(WrongSettings) as error:
        given(**{variable: value})
    assert set(advice(error)) == {variable}
    assert value not in str(error.value)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://vizit.example", "https://vizit.example"),
        ("https://vizit.example/", "https://vizit.example"),
        ("https://vizit.example:8443/salons/", "https://vizit.example:8443/salons"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_the_public_address_is_https_or_this_machine(given: Any, url: str, kept: str) -> None:
    assert given(VIZIT_PUBLIC_URL=url).public_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://vizit.example",
        "http://127.0.0.1.evil.example",
        "vizit.example",
        "ftp://vizit.example",
        "https://",
        "https://user:hunter2hunter2@vizit.example",
        "https://vizit.example/?a=1",
        "https://vizit.example/#top",
        "https://vizit.example:99999",
        "https://[::1",
        "https://vizit.example\\@evil.example",
    ],
)
def test_any_other_public_address_is_refused(given: Any, url: str) -> None:
    with pytest.raises(WrongSettings) as error:
        given(VIZIT_PUBLIC_URL=url)
    assert set(advice(error)) == {"VIZIT_PUBLIC_URL"}
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "listen"),
    [("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:8080", ("::1", 8080)), ("localhost:0", ("localhost", 0))],
)
def test_where_to_listen_is_a_host_and_a_port(given: Any, text: str, listen: tuple[str, int]) -> None:
    assert given(VIZIT_LISTEN=text).listen == listen
    assert str(given(VIZIT_LISTEN=text).listen) == text


@pytest.mark.parametrize("text", ["8080", ":8080", "::1:8080", "127.0.0.1", "127.0.0.1:70000", "a b:1", "host:١٢"])
def test_anything_else_to_listen_on_is_refused(given: Any, text: str) -> None:
    with pytest.raises(WrongSettings) as error:
        given(VIZIT_LISTEN=text)
    assert set(advice(error)) == {"VIZIT_LISTEN"}


@pytest.mark.parametrize("url", ["sqlite://vizit.db", "sqlite:///", "mysql://x/y", "vizit.db", "mongodb://"])
def test_a_database_that_is_neither_a_file_nor_mongodb_is_refused(given: Any, url: str) -> None:
    with pytest.raises(WrongSettings) as error:
        given(VIZIT_DATABASE=url)
    assert set(advice(error)) == {"VIZIT_DATABASE"}


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"VIZIT_TELEGRAM_MODE": "webhook"}, {"TELEGRAM_TOKEN", "TELEGRAM_SECRET", "PUBLIC_URL"}),
        ({"VIZIT_TELEGRAM_PAYMENT_TOKEN": "x"}, {"TELEGRAM_TOKEN"}),
        ({"VIZIT_TWILIO_ACCOUNT_SID": SID}, {"TWILIO_AUTH_TOKEN", "TWILIO_WHATSAPP_FROM", "PUBLIC_URL"}),
        ({"VIZIT_TWILIO_AUTH_TOKEN": "x"}, {"TWILIO_ACCOUNT_SID"}),
        ({"VIZIT_TWILIO_WHATSAPP_FROM": "+14155238886"}, {"TWILIO_ACCOUNT_SID"}),
        ({"VIZIT_TWILIO_SMS_FROM": "Vizit"}, {"TWILIO_ACCOUNT_SID"}),
        ({"VIZIT_SMS_GATEWAY_URL": "http://10.0.0.7:8080"}, {"SMS_GATEWAY_USER", "SMS_GATEWAY_PASSWORD"}),
        ({"VIZIT_SMS_GATEWAY_PASSWORD": "x"}, {"SMS_GATEWAY_URL"}),
    ],
)
def test_what_a_setting_needs_beside_it_is_asked_for(given: Any, variables: dict[str, str], missing: set[str]) -> None:
    with pytest.raises(WrongSettings) as error:
        given(**variables)
    assert set(advice(error)) == {f"VIZIT_{name}" for name in missing}
    assert all(f"{next(iter(variables))} is" in why for why in advice(error).values())


def test_twilio_needs_no_more_than_an_account_a_sender_and_the_public_address(given: Any) -> None:
    config = given(**TWILIO)
    assert config.twilio_account_sid == SID
    assert config.twilio_whatsapp_from == "+14155238886"


def test_a_whatsapp_sender_may_be_written_as_twilio_writes_it(given: Any) -> None:
    config = given(**TWILIO | {"VIZIT_TWILIO_WHATSAPP_FROM": "whatsapp:+14155238886"})
    assert config.twilio_whatsapp_from == "+14155238886"


@pytest.mark.parametrize("sender", ["+905321234567", "12345", "Vizit", "Salon 7"])
def test_an_sms_sender_is_a_number_a_short_code_or_a_name(given: Any, sender: str) -> None:
    assert given(**TWILIO, VIZIT_TWILIO_SMS_FROM=sender).twilio_sms_from == sender


def test_private_networks_are_a_list_with_commas(given: Any) -> None:
    config = given(VIZIT_WEBHOOK_ALLOW="10.0.0.0/8, fd00::/8")
    assert config.webhook_allow == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def test_a_rate_of_zero_means_no_limit_and_may_have_a_fraction(given: Any) -> None:
    config = given(VIZIT_TELEGRAM_RATE="0", VIZIT_SMS_RATE="0.5")
    assert (config.telegram_rate, config.sms_rate) == (0, 0.5)


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "ten"])
def test_a_rate_is_a_number_that_is_not_negative(given: Any, value: str) -> None:
    with pytest.raises(WrongSettings) as error:
        given(VIZIT_WHATSAPP_RATE=value)
    assert set(advice(error)) == {"VIZIT_WHATSAPP_RATE"}


def test_a_slip_of_the_pen_is_a_mistake_that_names_what_was_meant(given: Any) -> None:
    with pytest.raises(WrongSettings) as error:
        given(VIZIT_TELEGRAM_TOKKEN="123:abc")
    assert advice(error) == {"VIZIT_TELEGRAM_TOKKEN": "means nothing here; VIZIT_TELEGRAM_TOKEN does"}


def test_a_variable_that_resembles_none_of_ours_is_only_noticed(given: Any) -> None:
    given(VIZIT_IMAGE_TAG="2", VIZIT_LISTEN="127.0.0.1:1")
    assert unknown() == ("VIZIT_IMAGE_TAG",)


def test_no_secret_is_in_what_a_config_shows_of_itself(given: Any) -> None:
    hidden = {
        **TWILIO,
        "VIZIT_DATABASE": "mongodb://vizit:hunter2hunter2@db/vizit?replicaSet=rs0",
        "VIZIT_TELEGRAM_TOKEN": "4200000042:AAEhBOweik6ad9r",
        "VIZIT_TELEGRAM_PAYMENT_TOKEN": "381764678:TEST:1",
    }
    config = given(**hidden)
    logging.getLogger("test").info("%s", config)
    for shown in (repr(config), str(config), config.model_dump_json()):
        for secret in (KEY, SECRET, "hunter2", "AAEhBO", "381764678", TWILIO["VIZIT_TWILIO_AUTH_TOKEN"]):
            assert secret not in shown
    assert SID not in repr(config)
    assert {KEY, SECRET, hidden["VIZIT_DATABASE"], "381764678:TEST:1"} < config.secrets


def test_a_file_of_a_database_is_no_secret(given: Any) -> None:
    assert given().secrets == {KEY, SECRET}


def test_settings_can_be_made_without_looking_at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZIT_TELEGRAM_TOKEN", "123:from-the-environment")
    Path(".env").write_text("VIZIT_PUBLIC_URL=https://from-the-file.example\n")
    config = Config.of(admin_key=KEY, secret=SECRET, api_rate=3)
    assert (config.telegram_token, config.public_url, config.api_rate) == (None, None, 3)


@pytest.mark.parametrize(
    ("value", "why"),
    [("many", "must be a whole number"), ("1.5", "must be a whole number"), ("-1", "must not be negative")],
)
def test_a_daily_limit_is_a_whole_number_that_is_not_negative(given: Any, value: str, why: str) -> None:
    with pytest.raises(WrongSettings) as error:
        given(VIZIT_SMS_GATEWAY_DAILY_LIMIT=value)
    assert why in advice(error)["VIZIT_SMS_GATEWAY_DAILY_LIMIT"]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, {}),
        ("Мрія", {"": "Мрія"}),
        ("uk=Мрія; tr=Mriya", {"uk": "Мрія", "tr": "Mriya"}),
        ("Vizit; uk=Мрія", {"": "Vizit", "uk": "Мрія"}),
    ],
)
def test_the_bots_name_is_one_for_all_or_one_for_each_language(value: str | None, names: dict[str, str]) -> None:
    secrets = {"admin_key": "a1b2c3d4" * 8 + "z", "secret": "z9y8x7w6" * 8 + "a"}
    assert Config.of(**secrets, telegram_name=value).telegram_names == names
