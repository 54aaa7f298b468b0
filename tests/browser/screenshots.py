"""Take the READMEs' pictures: a studio, a voice from the test speech, trained and speaking, seen in Chromium.

python -m tests.browser.screenshots --quality quick
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

from tests.studio_process import ROOT, StudioProcess

PICTURES = ROOT / "assets" / "readme"
SPEECH = ROOT / "tests" / "fixtures" / "speech"
TEXT = (
    "Once upon a time, in a town by the sea, there lived a lamp that was afraid of the dark. "
    "Every evening at 7:30 it asked the moon for 2 more minutes. One night, the moon said yes."
)
ACTIVE = ("queued", "running")


@dataclass(frozen=True)
class Picture:
    name: str
    tab: str
    language: str = "en"
    dark: bool = False
    width: int = 1280
    height: int = 900


ALBUM = (
    Picture("my-voice", "voice"),
    Picture("train", "train"),
    Picture("speak", "speak"),
    Picture("my-voice-zh", "voice", "zh-CN"),
    Picture("speak-zh-dark", "speak", "zh-CN", dark=True),
    Picture("phone", "speak", width=390, height=844),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quality", choices=("quick", "good", "best"), default="quick")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    options = parser.parse_args()
    options.pictures.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        StudioProcess(options.home or Path(folder) / "library") as studio,
    ):
        voice_id = _furnish(studio.address, options.quality)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
                args=["--no-sandbox"],
            )
            for picture in ALBUM:
                path = options.pictures / f"{picture.name}.png"
                with _page(browser, studio.address, picture) as page:
                    page.locator(f'[data-voice="{voice_id}"]').first.click()
                    if picture.tab == "speak":
                        page.locator('[data-act="open"]').first.click()
                    page.wait_for_timeout(4000)  # plots are drawn behind the page
                    page.screenshot(path=path)
                print(path)
            browser.close()


def _furnish(address: str, quality: str) -> str:
    """A voice that was recorded, trained and heard."""
    with httpx.Client(base_url=address, timeout=600, trust_env=False) as studio:
        if mine := [voice for voice in studio.get("/v1/voices").json()["voices"] if not voice["sample"]]:
            return mine[0]["id"]
        files = [("files", (path.name, path.read_bytes())) for path in sorted(SPEECH.glob("LJ001-*.flac"))]
        data = {
            "name": "Linda",
            "consent": "true",
            "consent_name": "Linda Johnson",
            "consent_scope": "personal",
        }
        voice = studio.post("/v1/voices", data=data, files=files).raise_for_status().json()
        _finish(studio, voice["active_job_id"])
        job = (
            studio.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": quality})
            .raise_for_status()
            .json()
        )
        _finish(studio, job["job_id"])
        wish = {"voice": voice["id"], "input": TEXT, "seed": 7}
        studio.post("/v1/audio/speech", json=wish).raise_for_status()
        return voice["id"]


def _finish(studio: httpx.Client, job_id: str) -> None:
    while (job := studio.get(f"/v1/jobs/{job_id}").json())["state"] in ACTIVE:
        time.sleep(0.5)
    if job["state"] != "done":
        raise RuntimeError(job["error"])


@contextmanager
def _page(browser: Browser, address: str, picture: Picture) -> Iterator:
    context = browser.new_context(
        locale=picture.language,
        color_scheme="dark" if picture.dark else "light",
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=1.5,
    )
    context.add_init_script(f"localStorage.setItem('voxtale.tab', '{picture.tab}')")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("body[data-vt-ready]", timeout=60_000)
    try:
        yield page
    finally:
        context.close()


if __name__ == "__main__":
    main()
