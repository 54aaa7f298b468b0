"""What a public demo forgets of its visitors: every speech that is older than a day, and yesterday's addresses."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from studio.store.artifacts import Artifacts
from studio.store.database import now
from studio.store.speeches import SpeechStore
from studio.trust.quota import DemoQuota

KEPT = timedelta(days=1)
LOOK_EVERY_SECONDS = 3600.0
_log = logging.getLogger(__name__)


class Forgetting:
    """From ``start`` to ``close`` a thread that forgets at once and then every hour."""

    def __init__(self, speeches: SpeechStore, artifacts: Artifacts, quota: DemoQuota) -> None:
        self._speeches = speeches
        self._artifacts = artifacts
        self._quota = quota
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="forgetting", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def forget(self) -> None:
        self._quota.renew_key()
        remains = self._speeches.bury(now() - KEPT)
        for key in remains.take_keys:
            with self._speeches.database.transaction():
                if not self._speeches.has_take(key):  # nor has anybody said the same meanwhile
                    self._artifacts.remove(self._artifacts.take(key))
        for key, format in remains.exports:
            self._artifacts.remove(self._artifacts.export(key, format))

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                self.forget()
            except Exception:  # a full disk, say: the next hour may succeed
                _log.exception("the speeches of yesterday are still there")
            self._closing.wait(LOOK_EVERY_SECONDS)
