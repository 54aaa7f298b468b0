"""What people do with public checkpoints: see them, fetch them, bring their own, remove them."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from studio.errors import StudioError
from studio.jobs.job import Job
from studio.jobs.queue import JobQueue
from studio.jobs.runner import LANES
from studio.serving.machine import Machine, find_machine
from studio.settings import Settings
from studio.store.catalogue import Base, Licence
from studio.store.hubs import Hub
from studio.store.models import BaseState, ModelStore

LOOK_SUBJECT = "incoming"
_STOP_SECONDS = 20.0


@dataclass(frozen=True)
class BaseView:
    """A base as people see it.

    Attributes:
        state: of itself.
        needs: of the bases it cannot do without.
        job: the download that runs or waits; the last one, if it failed.
        verdict: whether it fits this machine, see ``Machine.verdict``.
        needs_restart: it is here, and speaks once the studio was started again.
    """

    state: BaseState
    needs: tuple[BaseState, ...]
    job: Job | None
    verdict: str
    needs_restart: bool

    @property
    def base(self) -> Base:
        return self.state.base

    @property
    def ready(self) -> bool:
        return all(state.installed for state in (self.state, *self.needs))

    @property
    def bytes_missing(self) -> int:
        """About; with what it needs."""
        return sum(state.bytes_missing for state in (self.state, *self.needs))

    @property
    def licences(self) -> tuple[Licence, ...]:
        """Of everything a download would bring."""
        brought = [state.base.licence for state in (self.state, *self.needs) if not state.installed]
        return tuple(dict.fromkeys(brought))


class Models:
    """
    Args:
        engines: the names of those that speak now.
    """

    def __init__(
        self,
        settings: Settings,
        store: ModelStore,
        jobs: JobQueue,
        hubs: Mapping[str, Hub],
        engines: Collection[str],
    ) -> None:
        self._settings = settings
        self.store = store
        self._jobs = jobs
        self.hubs = hubs
        self._engines = engines

    @property
    def machine(self) -> Machine:
        return find_machine(self._settings.device)

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self._settings.home).free

    def list(self) -> list[BaseView]:
        """
        Raises:
            StudioError: ``demo_without_downloads``, here and in everything below.
        """
        self._require_own_machine()
        return [self._view(base) for base in self.store.bases.values()]

    def get(self, base_id: str) -> BaseView:
        self._require_own_machine()
        return self._view(self.store.base(base_id))

    def download(self, base_id: str, mirror: str, agreed_licences: Collection[str]) -> Job:
        """Fetch a base with all that it needs; when that is under way already, its job.

        Raises:
            StudioError: ``model_not_listed``, ``mirror_unknown``, ``mirror_lacks_base``, ``licence_not_agreed``, ``busy``.
        """
        view = self.get(base_id)
        hub = self.hubs.get(mirror)
        if hub is None:
            raise StudioError("mirror_unknown", 422, known=", ".join(self.hubs))
        bases = self.store.with_needs(base_id)
        if not all(hub.offers(base) for base in bases):
            raise StudioError("mirror_lacks_base", 422, hub=mirror)
        missing = [licence.name for licence in view.licences if licence.name not in agreed_licences]
        if missing:
            raise StudioError("licence_not_agreed", 422, licences=", ".join(missing))
        with self._jobs.transaction():  # two tabs that press Download get one download
            running = self._jobs.active(base_id, ("download",))
            if running is not None:
                return running
            for base in bases:
                if not self.store.state(base.id).installed:
                    self.store.agree(base)
            return self._jobs.enqueue(LANES["download"], "download", base_id, {"mirror": mirror})

    def look(self) -> Job:
        """Go through the files that people put into ``store.incoming``; while that is under way, its job."""
        self._require_own_machine()
        with self._jobs.transaction():
            return self._jobs.active(LOOK_SUBJECT, ("look",)) or self._jobs.enqueue(
                LANES["look"], "look", LOOK_SUBJECT, {}
            )

    def last_look(self) -> Job | None:
        return next(iter(self._jobs.list(limit=1, subject_id=LOOK_SUBJECT)), None)

    def delete(self, base_id: str) -> None:
        """Stop its download, and remove everything of it.

        Raises:
            StudioError: ``model_not_listed``, ``base_in_use``, ``base_needed``.
        """
        view = self.get(base_id)
        needing = [
            other.id
            for other in self.store.bases.values()
            if base_id in other.needs
            and (self.store.state(other.id).bytes_here or self._jobs.active(other.id, ("download",)))
        ]
        if needing:
            raise StudioError("base_needed", 409, names=", ".join(needing))
        if view.job is not None and view.job.active:
            self._jobs.cancel(view.job.id)
            self._jobs.wait_until_idle([view.job.id], _STOP_SECONDS)
        self.store.delete(base_id)

    def _view(self, base: Base) -> BaseView:
        needs = tuple(self.store.state(needed) for needed in base.needs)
        job = next(iter(self._jobs.list(limit=1, subject_id=base.id)), None)
        if job is not None and not job.active and job.state != "failed":
            job = None
        state = self.store.state(base.id)
        memory = max(base.memory_bytes, *(need.base.memory_bytes for need in needs), 0)
        ready = all(one.installed for one in (state, *needs))
        needs_restart = ready and base.engine is not None and base.engine not in self._engines
        return BaseView(state, needs, job, self.machine.verdict(memory, base.on_cpu), needs_restart)

    def _require_own_machine(self) -> None:
        if self._settings.public_demo:
            raise StudioError("demo_without_downloads", 403)
