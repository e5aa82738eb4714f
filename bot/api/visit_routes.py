"""The routes about clients, bookings, messages and staff chats: a row serves, checks and describes one."""

from __future__ import annotations

from typing import Final

from bot.api import bookings, messages, people, staff
from bot.api.count_shapes import CostsOut, StatsOut
from bot.api.examples import BATCH, BOOKING, CLIENT, STAFF_CHAT, STAFF_LINK
from bot.api.export_shapes import ExportOut
from bot.api.requests import (
    BatchIn,
    BookingIn,
    BookingsQuery,
    ClientIn,
    ClientsQuery,
    CostsQuery,
    MessagesQuery,
    Page,
    StaffChatIn,
    StaffLinkIn,
    StatsQuery,
)
from bot.api.serving import Route
from bot.api.shapes import ClientLinkOut, ClientOut, ListOut, StaffChatOut, StaffCodeOut
from bot.api.visit_shapes import BatchOut, BookingOut, MessageOut, TimelineOut

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="PUT",
        path="/clients/{id}",
        do=people.put_client,
        tag="Clients",
        summary="Create or replace a client",
        body=ClientIn,
        answers={200: ClientOut, 201: ClientOut},
        shows=CLIENT,
    ),
    Route(
        method="GET",
        path="/clients/{id}",
        do=people.get_client,
        tag="Clients",
        summary="One client",
        answers={200: ClientOut},
    ),
    Route(
        method="GET",
        path="/clients",
        do=people.get_clients,
        tag="Clients",
        summary="All clients, by id, or those with one phone",
        query=ClientsQuery,
        answers={200: ListOut[ClientOut]},
    ),
    Route(
        method="DELETE",
        path="/clients/{id}",
        do=people.delete_client,
        tag="Clients",
        summary="Erase a person",
        note="What is pending is cancelled. The bookings stay, without a client; the messages stay, without text, address "
        "and details, for the statistics. What is older than the erasure is not brought back by a later PUT or import; a "
        "booking that is made later starts a new person.",
        answers={204: None},
    ),
    Route(
        method="GET",
        path="/clients/{id}/export",
        do=people.get_export,
        tag="Clients",
        summary="Everything that is stored about a person",
        answers={200: ExportOut},
    ),
    Route(
        method="POST",
        path="/clients/{id}/links",
        do=people.post_client_link,
        tag="Clients",
        summary="A one-time Telegram link",
        note="Whoever opens it in Telegram is that client, whatever phone the chat has.",
        answers={201: ClientLinkOut},
        may=("conflict",),
    ),
    Route(
        method="PUT",
        path="/bookings/{id}",
        do=bookings.place_booking,
        tag="Bookings",
        summary="Create, move, confirm or cancel a booking",
        note="The same again changes nothing and sends nothing. What the client has said in the chat stands beside "
        "`status`: a PUT `booked` with the same client, start and salon keeps it, unless `reopen` is true.",
        body=BookingIn,
        answers={200: BookingOut, 201: BookingOut},
        shows=BOOKING,
    ),
    Route(
        method="GET",
        path="/bookings/{id}",
        do=bookings.get_booking,
        tag="Bookings",
        summary="One booking with its messages",
        answers={200: BookingOut},
    ),
    Route(
        method="POST",
        path="/bookings:batch",
        do=bookings.place_batch,
        tag="Bookings",
        summary="Create or replace up to 500 bookings",
        note="Each item by itself: the answer is 200 with one result per item, in order, as the single call would have "
        "answered.",
        body=BatchIn,
        answers={200: BatchOut},
        shows=BATCH,
    ),
    Route(
        method="GET",
        path="/bookings",
        do=bookings.get_bookings,
        tag="Bookings",
        summary="Bookings by start",
        note="Without their messages.",
        query=BookingsQuery,
        answers={200: ListOut[BookingOut]},
    ),
    Route(
        method="GET",
        path="/bookings/{id}/messages",
        do=bookings.get_timeline,
        tag="Messages",
        summary="Every message about a booking, by due time",
        answers={200: TimelineOut},
    ),
    Route(
        method="GET",
        path="/messages",
        do=messages.get_messages,
        tag="Messages",
        summary="Messages by due time",
        query=MessagesQuery,
        answers={200: ListOut[MessageOut]},
    ),
    Route(
        method="GET",
        path="/messages/stats",
        do=messages.get_stats,
        tag="Messages",
        summary="Counts in the owner's five words",
        note="Messages to clients are counted, each hop by itself; those to staff only where `kind` names them. What was "
        "skipped is not counted. With `notices`, `channel` and `status` speak of the hop that counts.",
        query=StatsQuery,
        answers={200: StatsOut},
    ),
    Route(
        method="GET",
        path="/messages/costs",
        do=messages.get_costs,
        tag="Messages",
        summary="What messages cost",
        note="In the provider's own figures and currencies, which come a night after the message. Hops count each by "
        "itself; what has no price (Telegram, the salon's own phone, what is not known yet) is not among them.",
        query=CostsQuery,
        answers={200: CostsOut},
    ),
    Route(
        method="POST",
        path="/messages/{id}/resend",
        do=messages.post_resend,
        tag="Messages",
        summary="Send a dead letter once more",
        note="A new message, due now. 409 unless the old one is failed, expired or unknown, and is still true; an expired "
        "one only while its visit is ahead.",
        answers={201: MessageOut},
        may=("conflict",),
    ),
    Route(
        method="POST",
        path="/messages/{id}/sent",
        do=messages.post_sent,
        tag="Messages",
        summary="Say that a held message was sent by hand",
        note="409 where the message does not wait for a person.",
        answers={200: MessageOut},
        may=("conflict",),
    ),
    Route(
        method="GET",
        path="/manual",
        do=messages.get_manual,
        tag="Messages",
        summary="Messages that wait for a person to send them",
        query=Page,
        answers={200: ListOut[MessageOut]},
    ),
    Route(
        method="POST",
        path="/staff-chats/links",
        do=staff.post_staff_link,
        tag="Staff chats",
        summary="A code that links a chat",
        note="`/link CODE` in a chat, or the link that opens the bot or adds it to a group: once, within 30 minutes, with "
        "five tries. Owner, administrator and master link a private chat only.",
        body=StaffLinkIn,
        answers={201: StaffCodeOut},
        shows=STAFF_LINK,
    ),
    Route(
        method="GET",
        path="/staff-chats",
        do=staff.get_staff_chats,
        tag="Staff chats",
        summary="All linked chats, by id",
        query=Page,
        answers={200: ListOut[StaffChatOut]},
    ),
    Route(
        method="GET",
        path="/staff-chats/{id}",
        do=staff.get_staff_chat,
        tag="Staff chats",
        summary="One linked chat",
        answers={200: StaffChatOut},
    ),
    Route(
        method="PUT",
        path="/staff-chats/{id}",
        do=staff.put_staff_chat,
        tag="Staff chats",
        summary="Change what a linked chat hears",
        body=StaffChatIn,
        answers={200: StaffChatOut},
        shows=STAFF_CHAT,
    ),
    Route(
        method="DELETE",
        path="/staff-chats/{id}",
        do=staff.delete_staff_chat,
        tag="Staff chats",
        summary="Unlink a chat",
        answers={204: None},
    ),
)
