"""The rooms, the arrows between them (bot -> scheduler -> handlers -> storage), and who alone may use which library."""

import ast
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("storage", "handlers", "scheduler", "bot")  # from the lowest to the highest
MOST_LINES = 450

# A library, and the files that alone may import it. What touches a wire belongs to bot, what touches a row to storage.
OWNERS = {
    "aiogram": ("bot/*",),
    "aiohttp": ("bot/*",),
    "jinja2": ("bot/*",),
    "socket": ("bot/*",),
    "twilio": ("bot/*",),
    "urllib.request": ("bot/*",),
    "uvloop": ("bot/*",),
    "apscheduler": ("scheduler/clock.py",),
    "bson": ("storage/mongo*",),
    "motor": ("storage/mongo*",),
    "pymongo": ("storage/mongo*",),
    "sqlite3": ("storage/*",),
}
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.monotonic"}
COMMAND_LINE = ("bot/__main__.py", "bot/cli*")


def sources(*folders: str) -> list[Path]:
    """The Python files in these folders of the repository, sorted, as paths from its root."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path.relative_to(ROOT) for path in found)


def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


def imported(path: Path, *, only_at_import: bool = False) -> Iterator[str]:
    """The dotted names that a file imports, relative ones made absolute; those inside functions unless told not to."""
    whole = tree(path)
    for node in whole.body if only_at_import else ast.walk(whole):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.parent.parts[: len(path.parent.parts) - node.level + 1] if node.level else ()
            base = ".".join([*package, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def allowed(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(path.as_posix(), pattern) for pattern in patterns)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_itself_and_lower_rooms(room: str) -> None:
    forbidden = {*ROOMS[ROOMS.index(room) + 1 :], "tests", "tools", "bench"}
    wrong = [
        f"{path} imports {name}" for path in sources(room) for name in imported(path) if name.split(".")[0] in forbidden
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_is_imported_only_by_its_owner(library: str) -> None:
    wrong = [
        f"{path} imports {name}"
        for path in sources(*ROOMS)
        if not allowed(path, OWNERS[library])
        for name in imported(path)
        if within(name, library)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_mongodb_driver_is_not_loaded_before_it_is_asked_for() -> None:
    wrong = [
        f"{path} imports {name}"
        for path in sources(*ROOMS)
        if not allowed(path, ("storage/mongo*",))
        for name in imported(path, only_at_import=True)
        if name.startswith("storage.mongo")
    ]
    assert not wrong, "\n".join(wrong)


def test_handlers_are_told_the_time_and_never_look_at_a_clock() -> None:
    wrong = [
        f"{path}:{node.lineno} reads {ast.unparse(node.func)}"
        for path in sources("handlers")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ".".join(ast.unparse(node.func).split(".")[-2:]) in CLOCKS
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_command_line_prints() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path in sources(*ROOMS)
        if not allowed(path, COMMAND_LINE)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_is_longer_than_one_can_hold_in_mind() -> None:
    lengths = {path: (ROOT / path).read_bytes().count(b"\n") for path in sources(*ROOMS, "tools", "bench")}
    wrong = [f"{path}: {lines} lines, at most {MOST_LINES}" for path, lines in lengths.items() if lines > MOST_LINES]
    assert not wrong, "\n".join(wrong)


def test_every_package_on_disk_is_listed_for_installation() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    on_disk = {".".join(path.parent.parts) for path in sources(*ROOMS, "locales") if path.name == "__init__.py"}
    assert set(listed) == on_disk
    assert len(listed) == len(on_disk)
    homeless = [path for path in sources(*ROOMS) if not (ROOT / path.parent / "__init__.py").exists()]
    assert not homeless, f"files in folders without __init__.py: {homeless}"


def test_every_template_and_static_file_travels_with_its_package() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    taken = {
        file
        for package, globs in data.items()
        for glob in globs
        for file in (ROOT / package.replace(".", "/")).glob(glob)
    }
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file())
    left = [path.relative_to(ROOT) for path in files if path.suffix not in (".py", ".pyc") and path not in taken]
    assert not left, f"not in package-data: {left}"
