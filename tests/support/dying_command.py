"""A command that is killed on its way: `python -m tests.support.dying_command POINT NTH COMMAND …`."""

import os
import signal
import sys

from bot.__main__ import main
from storage.failpoints import armed


def die(point: str, nth: int, argv: list[str]) -> int:
    """Run a command, and be killed the n-th time that the point is reached."""
    left = [nth]

    def action() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with armed(point, action):
        return main(argv)


if __name__ == "__main__":
    sys.exit(die(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
