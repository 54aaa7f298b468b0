"""What one visitor of a public demo may ask for in a day."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from studio.errors import StudioError
from studio.settings import Settings
from studio.store.database import Database, now

EVERYONE = "*"
PAGES = "pages"
EARLIER = "earlier"
_KEY = "visitor_key"


class DemoQuota:
    """Counts characters and painted pages a day and visitor.

    A visitor is known by an address hashed with a key of the day; of IPv6 by its first 64 bits, the least that anyone
    is given, or everyone could come as 2**64 visitors. When the key goes, so do the hashes: what was left
    behind on earlier days belongs to one name, and has one share.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def refuse_in_demo(self) -> None:
        """
        Raises:
            StudioError: ``demo_closed`` in a public demo.
        """
        if self._settings.public_demo:
            raise StudioError("demo_closed", 403)

    def visitor(self, client: str | None) -> str | None:
        """Who a client is today; those without an address share a name, and with it a share. None outside a demo."""
        if not self._settings.public_demo:
            return None
        return hmac.digest(self.renew_key(), _household(client).encode(), "sha256").hex()[:32]

    def renew_key(self) -> bytes:
        """The key of today, a new one if that there is is older."""
        day = now().date().isoformat()
        with self._database.transaction() as connection:
            kept = self._database.value("SELECT value FROM notes WHERE key = ?", _KEY) or ""
            of_day, _, key = kept.partition(" ")
            if of_day != day:
                key = secrets.token_hex(32)
                connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (_KEY, f"{day} {key}"))
                connection.execute("DELETE FROM demo_usage WHERE day <> ?", (day,))
                for table in ("stories", "speeches"):
                    connection.execute(
                        f"UPDATE {table} SET visitor = ? WHERE visitor IS NOT NULL", (EARLIER,)
                    )
        return bytes.fromhex(key)

    def spend(self, visitor: str | None, chars: int) -> None:
        """
        Args:
            visitor: from ``visitor``; None pays nothing.

        Raises:
            StudioError: ``demo_quota_client``, ``demo_quota_day``; nothing was counted.
        """
        if visitor is None:
            return
        settings = self._settings
        limits = {
            visitor: ("demo_quota_client", settings.demo_chars_per_client),
            EVERYONE: ("demo_quota_day", settings.demo_chars_per_day),
        }
        self._count(limits, chars, "chars")

    def spend_pages(self, visitor: str | None, pages: int) -> None:
        """
        Raises:
            StudioError: ``demo_pages_client``, ``demo_pages_day``; nothing was counted.
        """
        if visitor is None:
            return
        settings = self._settings
        limits = {
            f"{PAGES} {visitor}": ("demo_pages_client", settings.demo_pages_per_client),
            f"{PAGES} {EVERYONE}": ("demo_pages_day", settings.demo_pages_per_day),
        }
        self._count(limits, pages, "pages")

    def _count(self, limits: Mapping[str, tuple[str, int]], amount: int, unit: str) -> None:
        """``limits``: whose account -> the code and the limit of what is refused."""
        day = now().date().isoformat()
        with self._database.transaction() as connection:
            for name, (code, limit) in limits.items():
                used = connection.execute(
                    "INSERT INTO demo_usage VALUES (?, ?, ?) "
                    "ON CONFLICT (day, visitor) DO UPDATE SET chars = chars + excluded.chars RETURNING chars",
                    (day, name, amount),
                ).fetchone()[0]
                if used > limit:
                    facts = {unit: amount, "used": used - amount, "limit": limit}
                    raise StudioError(code, 429, **facts)


def _household(client: str | None) -> str:
    try:
        address = ip_address(client or "")
    except ValueError:
        return client or "unknown"
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
