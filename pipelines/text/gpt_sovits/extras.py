"""The packages of ``requirements-languages.txt``, which not everybody needs."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from pipelines.failure import CraftError

PACKAGES = {"ja": ("pyopenjtalk", "pyopenjtalk-plus"), "yue": ("ToJyutping", "ToJyutping")}
"""Language -> the module that reads it, and the package that brings it. Mandarin, English and Korean need none."""


def extra(module: str, language: str) -> ModuleType:
    """The module.

    Raises:
        CraftError: ``language_extra_missing`` where it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = PACKAGES[language][1]
        raise CraftError("language_extra_missing", language=language, package=package) from None


def can_read(language: str) -> bool:
    """Whether the language can be read with what is installed."""
    return language not in PACKAGES or importlib.util.find_spec(PACKAGES[language][0]) is not None
