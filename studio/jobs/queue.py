"""Jobs that outlive the tab, the process and the power."""

from __future__ import annotations

from studio.jobs.job import Job


class JobQueue:
    def get(self, job_id: str) -> Job:
        raise NotImplementedError

    def list(self, active_only: bool = False, limit: int = 100) -> list[Job]:
        """Newest first."""
        raise NotImplementedError

    def cancel(self, job_id: str) -> Job:
        """Ask it to stop; it does at its next step. A finished job stays as it is."""
        raise NotImplementedError

    def wait(self, job_id: str, timeout_seconds: float) -> Job:
        """The job once it is finished, or as it is when the time is up."""
        raise NotImplementedError
