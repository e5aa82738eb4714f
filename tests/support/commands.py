"""Commands as processes of their own, run to their end."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import NamedTuple

from tests.support.process import environment


class Ended(NamedTuple):
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str


async def command(folder: Path, module: str, *args: str, **variables: str) -> Ended:
    """`python -m MODULE ARGS` in a folder, with sound settings and these beside them."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, *args),
        cwd=folder,
        env=environment(**variables),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await started.communicate()
    return Ended(started.returncode or 0, out.decode(), err.decode())
