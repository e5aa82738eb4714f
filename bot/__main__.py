"""The command line of Vizit: names, options and exit statuses. What a command does is in the modules `bot.cli_*`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from handlers.i18n import LANGUAGES

DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2
DEMO_ADDRESS: Final = "127.0.0.1:8080"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; answers with its exit status: 0 done, 1 failed, 2 wrong usage or settings."""
    args = _parser().parse_args(argv)
    # Only now: who asks for help must not wait for libraries, of which aiogram takes seconds.
    from bot.config import WrongSettings
    from bot.logs import one_line, redact
    from bot.loops import complete
    from storage.store import StoreError

    module, _, name = args.command.partition(":")
    command = getattr(import_module(f"bot.{module}"), name)
    try:
        return DONE if complete(command(args)) else FAILED
    except WrongSettings as wrong:
        for mistake in wrong.mistakes:
            print(mistake, file=sys.stderr)
        return WRONG_USAGE
    except (StoreError, OSError) as error:
        print(f"vizit: {one_line(redact(str(error)))}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vizit", description="Keeps the clients of a salon informed in their chat.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="the service, with the settings of the environment and .env")
    run.add_argument("--only", choices=("web", "worker"), help="half of it: what answers HTTP, or what sends")
    run.set_defaults(command="cli_service:run")

    demo = commands.add_parser("demo", help="the playground: a salon on emulated platforms, without credentials")
    demo.add_argument("--listen", default=DEMO_ADDRESS, type=_address, metavar="HOST:PORT", help="(%(default)s)")
    demo.set_defaults(command="cli_service:demo")

    check = commands.add_parser("check", help="tell every mistake of the settings, and reach the providers")
    check.set_defaults(command="cli_service:check")

    migrate = commands.add_parser("migrate", help="bring the database to this version")
    migrate.set_defaults(command="cli_database:migrate")

    backup = commands.add_parser("backup", help="copy the database to a new file, also while the service runs")
    backup.add_argument("file", metavar="FILE")
    backup.set_defaults(command="cli_moving:backup")
    _add_moving(commands)
    _add_erasures(commands.add_parser("erasures", help="who was erased, for whom a backup must not bring back"))
    _add_import(commands)

    keys = commands.add_parser("keys", help="API keys of a business").add_subparsers(metavar="ACTION", required=True)
    for action, meaning in (("list", "show them"), ("new", "make one and show it"), ("revoke", "let one open nothing")):
        one = keys.add_parser(action, help=meaning)
        one.add_argument("business", metavar="BUSINESS")
        if action == "revoke":
            one.add_argument("key", metavar="KEY", help="its id, as the list shows it")
        one.set_defaults(command=f"cli_database:keys_{action}")
    _add_templates(commands.add_parser("templates", help="WhatsApp's templates: texts, review, state"))
    return parser


def _add_moving(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    restore = commands.add_parser("restore", help="put a backup in the place of the database, with sending paused")
    restore.add_argument("file", metavar="FILE")
    restore.add_argument("--overwrite", action="store_true", help="even where there is data; it is put aside")
    restore.set_defaults(command="cli_moving:restore")

    copy = commands.add_parser("copy", help="move everything from a SQLite database to an empty MongoDB")
    copy.add_argument("source", metavar="SQLITE_URL")
    copy.add_argument("target", metavar="MONGO_URL")
    copy.set_defaults(command="cli_moving:copy")

    pause = commands.add_parser("pause", help="send nothing more, over all workers; bookings are still taken")
    pause.set_defaults(command="cli_moving:pause_sending")

    release = commands.add_parser("release", help="send again, after a pause or a restore")
    overdue = release.add_mutually_exclusive_group()
    overdue.add_argument("--drop-past-due", action="store_true", help="end what was due before the restore")
    overdue.add_argument("--send-past-due", action="store_true", help="send that too, where it is not too late")
    release.add_argument("--moved-back", action="store_true", help="take up again a database that was copied away")
    release.set_defaults(command="cli_moving:release")


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bring = commands.add_parser("import", help="clients or visits from a CSV file")
    bring.add_argument("file", metavar="FILE.csv")
    bring.add_argument("--dry-run", action="store_true", help="only tell what would be stored")
    bring.add_argument("--business", metavar="BUSINESS", help="whose they are (the only one that there is)")
    bring.add_argument("--salon", metavar="SALON", help="where rows name none (the only one that there is)")
    bring.add_argument(
        "--notify",
        choices=("reminders", "all", "none"),
        default="reminders",
        help="what visits to come bring about: reminders but no word that they were booked, all, or nothing (%(default)s)",
    )
    bring.set_defaults(command="cli_import:bring")


def _add_erasures(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for action, meaning in (
        ("save", "write the tombstones to a file, to be kept beside the backups"),
        ("apply", "erase again whom a restored backup brought back"),
    ):
        one = actions.add_parser(action, help=meaning)
        one.add_argument("file", metavar="FILE")
        one.set_defaults(command=f"cli_erasures:{action}")


def _add_templates(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for action, meaning, command in (
        ("list", "show them as they would be reviewed, and what is wrong with them", "show"),
        ("push", "make at Twilio what is missing or has changed, and submit it for review", "bring"),
        ("status", "ask how they stand", "status"),
    ):
        one = actions.add_parser(action, help=meaning)
        one.add_argument("--business", metavar="BUSINESS", help="those of its own texts (those of the catalogs)")
        one.add_argument(
            "--language", action="append", choices=LANGUAGES, help="this language alone; may be given again (all)"
        )
        if action == "push":
            one.add_argument("--dry-run", action="store_true", help="only tell what would be done")
            one.add_argument("--again", action="store_true", help="also what was rejected, under a new name")
        one.set_defaults(command=f"cli_templates:{command}")


def _address(text: str) -> tuple[str, int]:
    from bot.config import parse_listen

    try:
        return parse_listen(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
