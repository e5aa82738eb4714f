"""Whatever the OpenAPI document allows or forbids, no call ends in a 5xx, and every answer is as the document says."""

import asyncio
import sys
from pathlib import Path

from tests.api.hands import ADMIN_KEY, BUSINESS, Hands

# The document can't say which ids exist, so right data may be 404 or 422; wrong keys are tried in a test of their own.
# A wrong item of a batch is that item's own answer, so the batch as a whole is taken whatever it holds.
CONFIG = """
[checks]
positive_data_acceptance.enabled = false
ignored_auth.enabled = false

[[operations]]
include-name = "POST /bookings:batch"

[operations.checks]
positive_data_acceptance.enabled = false
ignored_auth.enabled = false
negative_data_rejection.enabled = false
"""


async def test_calls_made_from_the_document_never_end_in_a_server_error(salon: Hands, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "schemathesis.cli", "--config-file", str(config), "run", f"{salon.url}/api/v1/openapi.json"),
        *("-H", f"Authorization: Bearer {ADMIN_KEY}", "-H", f"Vizit-Business: {BUSINESS}"),
        *("--max-examples", "3", "--seed", "20261120", "--no-color"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
