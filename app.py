"""VoxTale 声绘: ``python app.py serve | doctor | version``. Puts the rooms together; does nothing itself."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

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
    except KeyboardInterrupt:
        return 0
    return 2


def serve(options: argparse.Namespace, language: str) -> int:
    settings = read_settings(_overrides(options))
    prepare_home(settings.home)
    prepare_environment(settings.home)
    with listen(settings.host, settings.port) as listener:
        print(say("launch.starting", language), flush=True)
        from studio.api.server import build_api
        from studio.container import Container
        from studio.ui.layout import mount_page

        with Container(settings) as container:
            app = mount_page(build_api(container), container)
            run(app, listener, language, partial(warm_up, container))
    return 0


def doctor(options: argparse.Namespace, language: str) -> int:
    return run_doctor(_overrides(options), language)


def version(options: argparse.Namespace, language: str) -> int:
    print(f"VoxTale {__version__}")
    return 0


def _overrides(options: argparse.Namespace) -> dict[str, object]:
    """What the command line sets; the environment and the defaults say the rest."""
    given = {
        "host": options.host,
        "port": options.port,
        "home": options.home,
        "public_demo": options.public_demo,
    }
    return {name: value for name, value in given.items() if value is not None}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py", description="VoxTale 声绘, a voice studio in the browser."
    )
    commands = parser.add_subparsers(required=True, metavar="serve | doctor | version")
    for command, explanation in (
        (serve, "open the studio in the browser (the way in for programs is under /v1)"),
        (doctor, "say what is missing on this machine and how to mend it"),
        (version, "print the version"),
    ):
        subparser = commands.add_parser(command.__name__, help=explanation)
        subparser.set_defaults(command=command)
        subparser.add_argument("--language", choices=languages, help="of what is printed here; default: LANG")
        if command is not version:
            subparser.add_argument("--host", help="default: HOST or 127.0.0.1")
            subparser.add_argument("--port", type=int, help="default: PORT or 7860; 0 takes a free one")
            subparser.add_argument(
                "--home", type=Path, help="where your voices live; default: VOXTALE_HOME or ./library"
            )
            subparser.add_argument(
                "--public-demo",
                action="store_true",
                default=None,
                help="let strangers in: sample voices only, no training, quotas",
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
