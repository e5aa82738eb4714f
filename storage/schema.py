"""The schema of SQLite by numbered migrations, each in a transaction; ``user_version`` says which ran last.

A migration that was released is never edited: append another one. A column exists for every field of every record in
:mod:`storage.records`, which a test holds to. The partial indexes repeat the very words of the queries they serve, since
SQLite uses one only where the query's own text implies it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from storage.store import SchemaNewer

_TABLES: Final = (
    """CREATE TABLE business (
        business TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, country TEXT, language TEXT NOT NULL,
        timezone TEXT NOT NULL, currency TEXT NOT NULL, settings TEXT NOT NULL, created_at INTEGER NOT NULL,
        revision INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE api_key (
        business TEXT NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL, created_at INTEGER NOT NULL,
        revoked_at INTEGER, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE salon (
        business TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, legal_name TEXT, short_name TEXT, country TEXT,
        timezone TEXT, language TEXT, currency TEXT, address TEXT, phone TEXT, booking_url TEXT, map_url TEXT,
        review_urls TEXT NOT NULL, settings TEXT NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE master (
        business TEXT NOT NULL, id TEXT NOT NULL, salon TEXT NOT NULL, name TEXT NOT NULL, phone TEXT, tip_url TEXT,
        language TEXT, revision INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE service (
        business TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, duration TEXT, price INTEGER, currency TEXT,
        rebook_after TEXT, note TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE client (
        business TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, first_name TEXT, phone TEXT, language TEXT,
        language_chosen INTEGER NOT NULL, birthday TEXT, source TEXT, marketing_consent INTEGER, consent_at INTEGER,
        consent_place TEXT, silent INTEGER NOT NULL, created_at INTEGER NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE address (
        business TEXT NOT NULL, id TEXT NOT NULL, channel TEXT NOT NULL, address TEXT NOT NULL, phone TEXT, client TEXT,
        language TEXT, linked_at INTEGER NOT NULL, last_inbound_at INTEGER, dead_until INTEGER, dead_reason TEXT,
        revision INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE booking (
        business TEXT NOT NULL, id TEXT NOT NULL, salon TEXT NOT NULL, client TEXT, master TEXT, services TEXT NOT NULL,
        starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, price INTEGER, currency TEXT, status TEXT NOT NULL,
        created_by TEXT NOT NULL, created_at INTEGER NOT NULL, source TEXT, version INTEGER, notify TEXT NOT NULL,
        answer TEXT, answer_at INTEGER, answer_channel TEXT, cancelled_by TEXT, arrived_at INTEGER,
        first_seen_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, revision INTEGER NOT NULL,
        booked_revision INTEGER NOT NULL, booked_at INTEGER NOT NULL, moved_revision INTEGER NOT NULL,
        changed_revision INTEGER, changed_at INTEGER, changed_from TEXT NOT NULL, cancelled_revision INTEGER,
        cancelled_at INTEGER, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE message (
        business TEXT NOT NULL, id TEXT NOT NULL PRIMARY KEY, key TEXT NOT NULL, kind TEXT NOT NULL,
        lane INTEGER NOT NULL, booking TEXT, client TEXT, staff_chat TEXT, salon TEXT, master TEXT, day TEXT NOT NULL,
        channel TEXT, address TEXT, hop INTEGER NOT NULL, fallback_of TEXT, revision INTEGER NOT NULL,
        status TEXT NOT NULL, reason TEXT, void TEXT, held INTEGER NOT NULL, due_at INTEGER NOT NULL,
        next_at INTEGER NOT NULL, not_after INTEGER NOT NULL, token TEXT, lease_until INTEGER,
        attempts INTEGER NOT NULL, params TEXT NOT NULL, choices TEXT NOT NULL, edits TEXT, created_at INTEGER NOT NULL,
        sent_at INTEGER, delivered_at INTEGER, read_at INTEGER, fallback_at INTEGER, provider_id TEXT, text TEXT,
        language TEXT, segments INTEGER, error_code TEXT, error_text TEXT) STRICT""",
    """CREATE TABLE receipt (
        business TEXT NOT NULL, id TEXT NOT NULL, message TEXT NOT NULL, status TEXT NOT NULL, at INTEGER NOT NULL,
        raw TEXT NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE inbox_event (
        business TEXT NOT NULL, id TEXT NOT NULL, source TEXT NOT NULL, payload TEXT NOT NULL,
        received_at INTEGER NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL, lease_until INTEGER NOT NULL,
        error TEXT, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE staff_chat (
        business TEXT NOT NULL, id TEXT NOT NULL, chat TEXT NOT NULL, thread INTEGER, title TEXT, user TEXT, salon TEXT,
        master TEXT, role TEXT NOT NULL, language TEXT NOT NULL, events TEXT, linked_at INTEGER NOT NULL,
        dead_reason TEXT, revision INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE link_code (
        business TEXT NOT NULL, id TEXT NOT NULL, purpose TEXT NOT NULL, owner TEXT NOT NULL, params TEXT NOT NULL,
        created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, tries INTEGER NOT NULL, used_at INTEGER,
        PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE consent (
        business TEXT NOT NULL, id TEXT NOT NULL, client TEXT NOT NULL, purpose TEXT NOT NULL, given INTEGER NOT NULL,
        at INTEGER NOT NULL, place TEXT NOT NULL, words TEXT, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE task (
        business TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, params TEXT NOT NULL, cursor TEXT,
        next_at INTEGER NOT NULL, token TEXT, lease_until INTEGER, revision INTEGER NOT NULL,
        PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE pace (
        name TEXT NOT NULL PRIMARY KEY, arrival REAL NOT NULL, held_until INTEGER NOT NULL) STRICT""",
    """CREATE TABLE probe (id INTEGER NOT NULL PRIMARY KEY, at INTEGER NOT NULL) STRICT""",
)

_INDEXES: Final = (
    "CREATE UNIQUE INDEX message_key ON message (business, key)",
    "CREATE INDEX message_lane ON message (lane, next_at, id) WHERE status = 'planned' AND held = 0",
    "CREATE UNIQUE INDEX message_sending ON message (channel, address) WHERE status = 'sending'",
    "CREATE INDEX message_leases ON message (lease_until, id) WHERE status = 'leased' OR status = 'sending'",
    "CREATE INDEX message_expiry ON message (not_after, id) WHERE status = 'planned' OR status = 'leased'",
    "CREATE INDEX message_timers ON message (status, fallback_at, id) WHERE fallback_at IS NOT NULL",
    "CREATE INDEX message_held ON message (business, due_at, id) WHERE status = 'planned' AND held = 1",
    "CREATE INDEX message_bookings ON message (business, booking) WHERE booking IS NOT NULL",
    "CREATE INDEX message_clients ON message (business, client, due_at, id) WHERE client IS NOT NULL",
    "CREATE INDEX message_staff_chats ON message (business, staff_chat, due_at, id) WHERE staff_chat IS NOT NULL",
    "CREATE INDEX message_addresses ON message (channel, address, sent_at, id) WHERE address IS NOT NULL",
    "CREATE INDEX message_hops ON message (fallback_of) WHERE fallback_of IS NOT NULL",
    "CREATE INDEX message_provider ON message (provider_id) WHERE provider_id IS NOT NULL",
    "CREATE INDEX message_due ON message (business, due_at, id)",
    "CREATE INDEX message_days ON message (business, day, kind, status, channel)",
    "CREATE UNIQUE INDEX api_key_digest ON api_key (digest)",
    "CREATE INDEX master_salon ON master (business, salon, id)",
    "CREATE INDEX client_phone ON client (business, phone, id) WHERE phone IS NOT NULL",
    "CREATE INDEX client_phone_anywhere ON client (phone) WHERE phone IS NOT NULL",
    "CREATE INDEX address_chat ON address (channel, address)",
    "CREATE INDEX address_phone ON address (business, phone) WHERE phone IS NOT NULL",
    "CREATE INDEX address_phone_anywhere ON address (phone) WHERE phone IS NOT NULL",
    "CREATE INDEX address_client ON address (business, client) WHERE client IS NOT NULL",
    "CREATE INDEX address_dead ON address (dead_until, business, id) WHERE dead_until IS NOT NULL",
    "CREATE INDEX booking_starts ON booking (business, starts_at, id)",
    "CREATE INDEX booking_client ON booking (business, client, starts_at, id) WHERE client IS NOT NULL",
    "CREATE INDEX booking_salon ON booking (business, salon, starts_at, id)",
    "CREATE INDEX booking_master ON booking (business, master, starts_at, id) WHERE master IS NOT NULL",
    "CREATE INDEX booking_status ON booking (business, status, starts_at, id)",
    "CREATE INDEX receipt_message ON receipt (business, message, at, id)",
    "CREATE INDEX inbox_pending ON inbox_event (lease_until, id) WHERE status = 'pending'",
    "CREATE INDEX inbox_age ON inbox_event (received_at, id)",
    "CREATE INDEX staff_chat_chat ON staff_chat (chat, thread)",
    "CREATE INDEX link_code_age ON link_code (expires_at, id)",
    "CREATE INDEX link_code_owner ON link_code (owner, id)",
    "CREATE INDEX consent_client ON consent (business, client, at, id)",
    "CREATE INDEX task_due ON task (next_at, id)",
)

_PAGES: Final = (
    """CREATE TABLE page_link (
        business TEXT NOT NULL, id TEXT NOT NULL, purpose TEXT NOT NULL, owner TEXT NOT NULL, subject TEXT NOT NULL,
        client TEXT, created_at INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX page_link_client ON page_link (owner, client, id) WHERE client IS NOT NULL",
    "CREATE INDEX salon_id ON salon (id)",
)

_REMOTE: Final = (
    """CREATE TABLE content_template (
        business TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, variant TEXT NOT NULL, language TEXT NOT NULL,
        version INTEGER NOT NULL, sid TEXT NOT NULL, name TEXT NOT NULL, category TEXT NOT NULL, body TEXT NOT NULL,
        variables TEXT NOT NULL, buttons TEXT NOT NULL, digest TEXT NOT NULL, status TEXT NOT NULL, reason TEXT,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX content_template_kind ON content_template (status, kind, business, id)",
    """CREATE TABLE cost (
        business TEXT NOT NULL, id TEXT NOT NULL, channel TEXT NOT NULL, day TEXT NOT NULL, due_at INTEGER NOT NULL,
        amount INTEGER NOT NULL, currency TEXT NOT NULL, segments INTEGER, PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX cost_due ON cost (business, due_at, channel, day, currency, amount)",
    "CREATE INDEX message_segments ON message (business, channel, sent_at, segments) WHERE segments IS NOT NULL",
)

_SHARED: Final = (
    "ALTER TABLE address ADD COLUMN shared INTEGER NOT NULL DEFAULT 0",
    """UPDATE address SET shared = 1 WHERE (phone IS NOT NULL OR client IS NOT NULL) AND EXISTS (
        SELECT 1 FROM address AS other WHERE other.channel = address.channel AND other.address = address.address
        AND other.business = address.business AND other.id <> address.id
        AND (other.phone IS NOT NULL OR other.client IS NOT NULL))""",
)

_VISITS: Final = (
    "DROP INDEX booking_status",
    # What a report on visits reads stands in the index itself.
    """CREATE INDEX booking_status ON booking (business, status, starts_at, id, client, salon, master, services)""",
    "DROP INDEX booking_client",
    """CREATE INDEX booking_client ON booking (business, client, starts_at, id, status, source)
        WHERE client IS NOT NULL""",
)

_CONSOLE: Final = (
    """CREATE TABLE console_session (
        business TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, role TEXT NOT NULL, source TEXT NOT NULL,
        source_id TEXT NOT NULL, name TEXT NOT NULL, language TEXT NOT NULL, created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX console_session_owner ON console_session (owner, expires_at, id)",
    """CREATE TABLE text_version (
        business TEXT NOT NULL, id TEXT NOT NULL, salon TEXT, kind TEXT NOT NULL, language TEXT NOT NULL, text TEXT,
        by TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX text_version_kind ON text_version (business, kind, language, at, id)",
    """CREATE TABLE client_word (
        business TEXT NOT NULL, id TEXT NOT NULL, client TEXT NOT NULL, PRIMARY KEY (business, id)) STRICT""",
)

_FEEDBACK: Final = (
    """CREATE TABLE review (
        business TEXT NOT NULL, id TEXT NOT NULL, client TEXT, master TEXT, salon TEXT NOT NULL, services TEXT NOT NULL,
        rating INTEGER NOT NULL, text TEXT, photo TEXT, month TEXT NOT NULL, channel TEXT NOT NULL, at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX review_at ON review (business, at, id)",
    "CREATE INDEX review_salon ON review (business, salon, at, id)",
    "CREATE INDEX review_master ON review (business, master, at, id) WHERE master IS NOT NULL",
    "CREATE INDEX review_rating ON review (business, rating, at, id)",
    "CREATE INDEX review_client ON review (business, client, at, id) WHERE client IS NOT NULL",
    """CREATE TABLE tip (
        business TEXT NOT NULL, id TEXT NOT NULL, booking TEXT NOT NULL, client TEXT, master TEXT, salon TEXT NOT NULL,
        amount INTEGER NOT NULL, currency TEXT NOT NULL, provider TEXT NOT NULL, invoice TEXT NOT NULL, checkout TEXT,
        charge TEXT, status TEXT NOT NULL, at INTEGER NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX tip_at ON tip (business, status, at, id)",
    "CREATE INDEX tip_salon ON tip (business, salon, status, at, id)",
    "CREATE INDEX tip_master ON tip (business, master, status, at, id) WHERE master IS NOT NULL",
    "CREATE INDEX tip_client ON tip (business, client, at, id) WHERE client IS NOT NULL",
)

_OUTGOING: Final = (
    """CREATE TABLE webhook (
        business TEXT NOT NULL, id TEXT NOT NULL, url TEXT NOT NULL, events TEXT, secret TEXT NOT NULL,
        previous_secret TEXT, previous_until INTEGER, created_at INTEGER NOT NULL, disabled_at INTEGER,
        revision INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE delivery (
        business TEXT NOT NULL, id TEXT NOT NULL, webhook TEXT NOT NULL, stream TEXT NOT NULL, type TEXT NOT NULL,
        body TEXT NOT NULL, client TEXT, created_at INTEGER NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL,
        next_at INTEGER NOT NULL, give_up_at INTEGER NOT NULL, token TEXT, tried_at INTEGER, response INTEGER,
        error TEXT, PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX delivery_due ON delivery (next_at, id) WHERE status = 'pending'",
    "CREATE INDEX delivery_stream ON delivery (business, webhook, stream, id) WHERE status = 'pending'",
    "CREATE INDEX delivery_webhook ON delivery (business, webhook, id)",
    "CREATE INDEX delivery_client ON delivery (business, client, id) WHERE client IS NOT NULL",
    "CREATE INDEX delivery_age ON delivery (created_at, id)",
    """CREATE TABLE tombstone (
        business TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
)

_LOYALTY: Final = (
    """CREATE TABLE bonus_entry (
        business TEXT NOT NULL, id TEXT NOT NULL, client TEXT NOT NULL, amount INTEGER NOT NULL, reason TEXT NOT NULL,
        booking TEXT, at INTEGER NOT NULL, expires_at INTEGER, remaining INTEGER NOT NULL, lapses_at INTEGER,
        warned INTEGER NOT NULL, announce INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX bonus_entry_client ON bonus_entry (business, client, at, id)",
    "CREATE INDEX bonus_entry_open ON bonus_entry (business, client, remaining)",
    "CREATE INDEX bonus_entry_booking ON bonus_entry (business, booking) WHERE booking IS NOT NULL",
    "CREATE INDEX bonus_entry_lapsing ON bonus_entry (lapses_at, business, id) WHERE lapses_at IS NOT NULL",
    """CREATE INDEX bonus_entry_unwarned ON bonus_entry (business, warned, lapses_at, id)
        WHERE lapses_at IS NOT NULL""",
    """CREATE TABLE bonus_account (
        business TEXT NOT NULL, id TEXT NOT NULL, balance INTEGER NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE unwanted (
        business TEXT NOT NULL, id TEXT NOT NULL, client TEXT NOT NULL, service TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX unwanted_client ON unwanted (business, client, id)",
    "ALTER TABLE client ADD COLUMN birth_day TEXT",
    "UPDATE client SET birth_day = substr(birthday, -5) WHERE birthday IS NOT NULL",
    "CREATE INDEX client_birth_day ON client (business, birth_day, id) WHERE birth_day IS NOT NULL",
)

_CAMPAIGNS: Final = (
    """CREATE TABLE campaign (
        business TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, audience TEXT NOT NULL, texts TEXT NOT NULL,
        bonus INTEGER, bonus_expires_after TEXT, promo_code TEXT, holdout_percent INTEGER NOT NULL,
        per_hour INTEGER NOT NULL, starts_at INTEGER, status TEXT NOT NULL, created_at INTEGER NOT NULL,
        started_at INTEGER, finished_at INTEGER, revision INTEGER NOT NULL, PRIMARY KEY (business, id)) STRICT""",
    """CREATE TABLE campaign_member (
        business TEXT NOT NULL, id TEXT NOT NULL, campaign TEXT NOT NULL, client TEXT, part TEXT NOT NULL, reason TEXT,
        at INTEGER NOT NULL, message TEXT, PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX campaign_member_part ON campaign_member (business, campaign, part, id, reason)",
    "CREATE INDEX campaign_member_client ON campaign_member (business, client, id) WHERE client IS NOT NULL",
)

_FAILED: Final = ("CREATE INDEX inbox_failed ON inbox_event (id) WHERE status = 'failed'",)

_WHYS: Final = (
    """CREATE TABLE why (
        business TEXT NOT NULL, id TEXT NOT NULL, salon TEXT, master TEXT, reason TEXT NOT NULL, month TEXT NOT NULL,
        PRIMARY KEY (business, id)) STRICT""",
    "CREATE INDEX why_month ON why (business, month, salon, master, reason)",
)

_BY_HAND: Final = (
    "DROP INDEX message_held",
    # The words of its condition lead it too: without them, that of all messages looks as good to the planner.
    """CREATE INDEX message_held ON message (business, status, held, due_at, id)
        WHERE status = 'planned' AND held = 1""",
)

MIGRATIONS: Final[tuple[Sequence[str], ...]] = (
    _TABLES + _INDEXES,
    _PAGES,
    _REMOTE,
    _SHARED,
    _VISITS,
    _CONSOLE,
    _FEEDBACK,
    _OUTGOING,
    _LOYALTY,
    _CAMPAIGNS,
    _FAILED,
    _BY_HAND,
    _WHYS,
)


def version_of(connection: sqlite3.Connection) -> int:
    """The number of the last migration that ran on this database; 0: it is empty."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def check_current(connection: sqlite3.Connection) -> bool:
    """Whether every migration has run. Raises SchemaNewer where more ran than this program knows."""
    version = version_of(connection)
    if version > len(MIGRATIONS):
        raise SchemaNewer(f"the database has schema {version}, this program knows {len(MIGRATIONS)}: run the newer one")
    return version == len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Run the migrations that are missing, all in the transaction that the caller began. Raises SchemaNewer."""
    check_current(connection)
    for number, statements in enumerate(MIGRATIONS[version_of(connection) :], start=version_of(connection) + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
