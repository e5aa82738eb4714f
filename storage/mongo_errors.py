"""What errors of MongoDB's driver mean to whoever uses a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
)

from storage.store import Conflict, StoreBusy, StoreError

DUPLICATE_KEY: Final = 11000
TRANSIENT: Final = "TransientTransactionError"
UNKNOWN_COMMIT: Final = "UnknownTransactionCommitResult"
_UNUSABLE: Final = {
    24,  # LockTimeout
    50,  # MaxTimeMSExpired
    64,  # WriteConcernFailed
    91,  # ShutdownInProgress
    112,  # WriteConflict: a transaction tries that again by itself, so others, or one that died, held on for long
    133,  # FailedToSatisfyReadPreference
    189,  # PrimarySteppedDown
    262,  # ExceededTimeLimit
    10107,  # NotWritablePrimary
    11600,  # InterruptedAtShutdown
    11602,  # InterruptedDueToReplStateChange
    13435,  # NotPrimaryNoSecondaryOk
    14031,  # OutOfDiskSpace
}
"""The server's codes, from its list of errors, for what a later try may find otherwise."""


def codes_of(error: PyMongoError) -> set[int]:
    """The server's codes in an error."""
    if isinstance(error, BulkWriteError):
        parts = [*error.details.get("writeErrors", []), *error.details.get("writeConcernErrors", [])]
        return {part.get("code", 0) for part in parts}
    return {error.code} if isinstance(error, OperationFailure) and error.code is not None else set()


def meaning_of(error: PyMongoError) -> StoreError | None:
    """What an error means; None for a mistake of the program."""
    codes = codes_of(error)
    if DUPLICATE_KEY in codes:
        return Conflict(str(error))
    if isinstance(error, ConnectionFailure | WaitQueueTimeoutError) or error.timeout or codes & _UNUSABLE:
        return StoreBusy(str(error))
    if any(map(error.has_error_label, (TRANSIENT, UNKNOWN_COMMIT, "RetryableWriteError"))):
        return StoreBusy(str(error))
    return StoreError(str(error)) if isinstance(error, OperationFailure | ConfigurationError) else None


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into those of a store."""
    try:
        yield
    except PyMongoError as error:
        meaning = meaning_of(error)
        if meaning is None:
            raise
        raise meaning from error
