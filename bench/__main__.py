"""`python -m bench [run|quick|faults|scale|import|retention|strain] [part …]`."""

import sys
from importlib import import_module
from typing import Final

COMMANDS: Final = {
    "run": ("bench.suite", "full"),
    "quick": ("bench.suite", "quick"),
    "faults": ("bench.faults", "main"),
    "scale": ("bench.scale", "main"),
    "import": ("bench.bringing", "main"),
    "retention": ("bench.retention", "main"),
    "strain": ("bench.strain", "main"),
}


def main() -> int:
    """Do what the first word says (default: run) with the words that follow it."""
    name, *rest = sys.argv[1:] or ["run"]
    if name not in COMMANDS:
        print(f"unknown: {name}; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    module, function = COMMANDS[name]
    return int(getattr(import_module(module), function)(rest) or 0)


if __name__ == "__main__":
    sys.exit(main())
