"""What one visitor of a public demo may ask for in a day."""

from __future__ import annotations

import hashlib

from studio.errors import StudioError
from studio.settings import Settings
from studio.store.database import Database, now

EVERYONE = "*"


class DemoQuota:
    """Counts characters a day and visitor. Visitors are kept as hashes, and only for the day."""

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

    def spend(self, visitor: str, chars: int) -> None:
        """
        Args:
            visitor: from ``visitor_of``.

        Raises:
            StudioError: ``demo_quota_client``, ``demo_quota_day``; nothing was counted.
        """
        day = now().date().isoformat()
        limits = {
            visitor: ("demo_quota_client", self._settings.demo_chars_per_client),
            EVERYONE: ("demo_quota_day", self._settings.demo_chars_per_day),
        }
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM demo_usage WHERE day <> ?", (day,))
            for name, (code, limit) in limits.items():
                used = connection.execute(
                    "INSERT INTO demo_usage VALUES (?, ?, ?) "
                    "ON CONFLICT (day, visitor) DO UPDATE SET chars = chars + excluded.chars RETURNING chars",
                    (day, name, chars),
                ).fetchone()[0]
                if used > limit:
                    raise StudioError(code, 429, chars=chars, used=used - chars, limit=limit)


def visitor_of(client: str | None) -> str:
    """A client's address as a hash; those without one share a name, and with it a share."""
    return hashlib.sha256((client or "unknown").encode()).hexdigest()[:32]
