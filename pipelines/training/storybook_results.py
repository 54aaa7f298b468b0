"""What a storybook run leaves behind: a log, a report, sheets of samples, and all of it in small files."""

from __future__ import annotations

import json
import shutil
import tarfile
import time
from pathlib import Path

import torch
from PIL import Image

PART_BYTES = 14_000_000
TILE = 192


class Results:
    """Writes into `out`; with `bundle`, keeps a copy there in files of at most PART_BYTES. `silent` logs nothing."""

    def __init__(self, out: Path, bundle: Path | None, silent: bool = False) -> None:
        self.out, self.bundle, self._silent = out, bundle, silent
        self.report: dict = {}
        self._started = time.monotonic()
        for folder in (out, bundle):
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def log(self, stage: str, **facts) -> None:
        if self._silent:
            return
        words = (
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in facts.items()
        )
        line = "\t".join((f"{self.seconds:.1f}", stage, *words))
        print(line, flush=True)
        with (self.out / "log.tsv").open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        self._copy("log.tsv")

    def write_report(self) -> None:
        self.report["seconds"] = round(self.seconds, 1)
        (self.out / "report.json").write_text(json.dumps(self.report, indent=1))
        self._copy("report.json")

    def write_sheet(self, rows: list[torch.Tensor]) -> None:
        """Rows of pictures [B, 3, H, W] in -1..1 as one image, samples.png."""
        sheet = Image.new("RGB", (max(len(row) for row in rows) * TILE, len(rows) * TILE), "white")
        for y, row in enumerate(rows):
            pictures = ((row.clamp(-1, 1) + 1) * 127.5).byte().permute(0, 2, 3, 1).cpu().numpy()
            for x, picture in enumerate(pictures):
                tile = Image.fromarray(picture).resize((TILE, TILE), Image.Resampling.LANCZOS)
                sheet.paste(tile, (x * TILE, y * TILE))
        sheet.save(self.out / "samples.png")
        self._copy("samples.png")

    def pack(self, *names: str) -> None:
        """Copy files and folders of `out` into the bundle as one archive in parts."""
        if self.bundle is None:
            return
        packed = self.out / "storybook.tar"
        with tarfile.open(packed, "w") as archive:
            for name in names:
                archive.add(self.out / name, name)
        data = packed.read_bytes()
        for index, start in enumerate(range(0, len(data), PART_BYTES)):
            fresh = self.out / "part"
            fresh.write_bytes(data[start : start + PART_BYTES])
            shutil.move(fresh, self.bundle / f"storybook.tar.{index}")

    def _copy(self, name: str) -> None:
        if self.bundle is not None:
            shutil.copyfile(self.out / name, self.bundle / name)
