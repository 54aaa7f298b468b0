from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.store.home_lock import HomeLock

ROOT = Path(__file__).resolve().parents[3]
HOLDER = """
import sys, time
from pathlib import Path
from studio.store.home_lock import HomeLock
lock = HomeLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_one_studio_a_library(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StudioError) as caught:
            HomeLock(tmp_path)
        assert caught.value.code == "home_in_use"
        assert str(tmp_path) in caught.value.sentence("zh").what
        holder.kill()
    HomeLock(tmp_path).release()
