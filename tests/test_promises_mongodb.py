"""The promises once more, on MongoDB: nobody is alone there, and what a dead process held is free when its lease is over."""

from hypothesis.stateful import run_state_machine_as_test

from tests.support.databases import emptied
from tests.test_promises import AS_MANY, Promises


def test_the_promises_hold_on_mongodb_too(mongodb_emptied: str) -> None:
    class OnMongodb(Promises):
        def __init__(self) -> None:
            emptied(mongodb_emptied)
            super().__init__()

        def database(self) -> str:
            return mongodb_emptied

    run_state_machine_as_test(OnMongodb, settings=AS_MANY)
