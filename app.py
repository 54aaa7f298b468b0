"""VoxTale 声绘: ``python app.py serve | doctor | import-voice | export-voice | version``.

Puts the rooms together; does nothing itself.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from studio import __version__
from studio.doctor import run_doctor
from studio.errors import StudioError
from studio.language import languages, say
from studio.launch import (
    listen,
    prepare_environment,
    prepare_home,
    read_settings,
    run,
    terminal_language,
    warm_up,
)

if TYPE_CHECKING:
    from studio.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # an old Windows console cannot print 声绘; it need not crash
    options = _parser().parse_args(arguments)
    language = options.language or terminal_language()
    try:
        return options.command(options, language)
    except StudioError as error:
        print(error.sentence(language), file=sys.stderr)
    except ModuleNotFoundError as error:
        print(say("launch.package_missing", language, package=error.name), file=sys.stderr)
    except OSError as error:
        if error.filename is None:
            raise
        unusable = StudioError("path_unusable", 500, path=str(error.filename), reason=error.strerror)
        print(unusable.sentence(language), file=sys.stderr)
    except KeyboardInterrupt:
        return 0
    return 2


def serve(options: argparse.Namespace, language: str) -> int:
    settings = _prepared(options)
    with listen(settings.host, settings.port) as listener:
        print(say("launch.starting", language), flush=True)
        from studio.api.server import build_api
        from studio.container import Container
        from studio.ui.layout import mount_page

        with Container(settings) as container:
            app = mount_page(build_api(container), container)
            run(app, listener, language, settings.trusted_proxies, partial(warm_up, container))
    return 0


def doctor(options: argparse.Namespace, language: str) -> int:
    return run_doctor(_overrides(options), language)


def import_voice(options: argparse.Namespace, language: str) -> int:
    from studio.container import Container
    from studio.transfers import bring_voice

    with Container(_prepared(options)) as container:
        return bring_voice(
            container,
            options.name,
            [options.gpt, options.sovits],
            options.reference,
            options.reference_text,
            options.owner,
            options.scope,
            options.agree,
            language,
        )


def export_voice(options: argparse.Namespace, language: str) -> int:
    from studio.container import Container
    from studio.transfers import carry_voice

    with Container(_prepared(options)) as container:
        return carry_voice(container, options.voice, options.folder, language)


def version(options: argparse.Namespace, language: str) -> int:
    print(f"VoxTale {__version__}")
    return 0


def _prepared(options: argparse.Namespace) -> Settings:
    settings = read_settings(_overrides(options))
    prepare_home(settings.home)
    prepare_environment(settings.home)
    return settings


def _overrides(options: argparse.Namespace) -> dict[str, object]:
    """What the command line sets; the environment and the defaults say the rest."""
    given = {name: getattr(options, name, None) for name in ("host", "port", "home", "public_demo")}
    return {name: value for name, value in given.items() if value is not None}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py", description="VoxTale 声绘, a voice studio in the browser."
    )
    commands = parser.add_subparsers(
        required=True, metavar="serve | doctor | import-voice | export-voice | version"
    )
    for command, explanation, more in (
        (serve, "open the studio in the browser (the way in for programs is under /v1)", _serving),
        (doctor, "say what is missing on this machine and how to mend it", _serving),
        (import_voice, "take in a GPT-SoVITS voice: its .ckpt, its .pth and a recording of it", _importing),
        (export_voice, "write a voice as the .ckpt and .pth that GPT-SoVITS reads", _exporting),
        (version, "print the version", None),
    ):
        subparser = commands.add_parser(command.__name__.replace("_", "-"), help=explanation)
        subparser.set_defaults(command=command)
        subparser.add_argument("--language", choices=languages, help="of what is printed here; default: LANG")
        if more:
            subparser.add_argument(
                "--home", type=Path, help="where your voices live; default: VOXTALE_HOME or ./library"
            )
            more(subparser)
    return parser


def _serving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="default: HOST or 127.0.0.1")
    parser.add_argument("--port", type=int, help="default: PORT or 7860; 0 takes a free one")
    parser.add_argument(
        "--public-demo",
        action="store_true",
        default=None,
        help="let strangers in: sample voices only, no training, quotas",
    )


def _importing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="what to call the voice")
    parser.add_argument("--gpt", type=Path, required=True, help="its .ckpt file")
    parser.add_argument("--sovits", type=Path, required=True, help="its .pth file")
    parser.add_argument(
        "--reference", type=Path, required=True, help="a recording of it, best 3 to 10 seconds"
    )
    parser.add_argument("--reference-text", help="what is said in that recording")
    parser.add_argument("--owner", required=True, help="whose voice it is")
    parser.add_argument("--scope", choices=("personal", "commercial"), default="personal")
    parser.add_argument("--agree", action="store_true", help="its owner agrees to the consent text")


def _exporting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("voice", help="its id, as /v1/voices and import-voice tell it")
    parser.add_argument("folder", type=Path, help="where to write; made when it is not there")


if __name__ == "__main__":
    sys.exit(main())
