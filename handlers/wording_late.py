"""What is said when a client runs late, to the client and to the staff. Each function is one kind of message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from handlers.filling import Plain, lay_out
from handlers.i18n import mark
from handlers.late import DELAY
from handlers.scene import Scene
from handlers.wording_staff import visit
from handlers.wording_visits import whose

OUTCOMES: Final[Mapping[str, str]] = {
    "late_wait": mark("✅ Answered: we'll wait"),
    "late_call": mark("✅ Answered: please call us"),
}
"""What the staff answered to what their card then says."""


def late_told(s: Scene) -> Iterator[str]:
    """The client said so: whether somebody has heard it."""
    if s.message.params.get("told"):
        yield s.t("Thank you for letting us know! We've told the receptionist.")
    elif s["phone"]:
        yield s.t("Thank you for letting us know! Please call us as well: {phone}")
    else:
        yield s.t("Thank you for letting us know!")
    if s.facts.visits:
        s["client"] = ", ".join(dict.fromkeys(s.at(visit)["client"] for visit in s.facts.visits))
        yield s.t("For: {client}")
    else:
        yield whose(s)


def late_wait(s: Scene) -> Iterator[str]:
    """The staff wait."""
    yield s.t("No problem, we'll wait for you!")
    yield whose(s)


def late_call(s: Scene) -> Iterator[str]:
    """The staff want to speak to the client."""
    yield s.t("Please call us: {phone}") if s["phone"] else s.t("Please call us to find another time.")
    yield whose(s)


def staff_running_late(s: Scene) -> Iterator[str]:
    """The client will be late; whether the break after the visit absorbs it."""
    yield s.t("⚠️ The client is 10 minutes late")
    yield from visit(s)
    following = [s.at(each) for each in s.facts.visits]
    for scene in following:
        yield Plain(lay_out((s.t("Next visit: {time}, {client}"),), scene))
    spare = s.message.params.get("spare")
    if spare is not None:
        yield s.t("There is time enough before it.") if spare >= DELAY else s.t("It would have to begin later.")
    elif s.booking.master is not None:
        yield s.t("This specialist has no more visits today.")
    answer = s.facts.subject
    if answer is not None and answer.kind in OUTCOMES:
        yield s.t(OUTCOMES[answer.kind])
        s["by"] = str(answer.params.get("by", ""))
        yield s.t("Answered by: {by}")
