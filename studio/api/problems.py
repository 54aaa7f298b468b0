"""Every refusal as ``application/problem+json`` (RFC 9457), in the language the caller reads."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from pipelines.failure import CraftError
from studio.errors import Fault, StudioError, from_exception
from studio.language import languages, say

MEDIA_TYPE = "application/problem+json"
_TEXT = {"type": "string"}
PROBLEM = {
    "description": "Refused, or gone wrong.",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "title": "Problem",
                "required": ["type", "status", "code", "title", "detail", "next", "facts", "error"],
                "properties": {
                    "type": _TEXT,
                    "status": {"type": "integer"},
                    "code": {**_TEXT, "description": "names what happened; the same in every language"},
                    "title": _TEXT,
                    "detail": {**_TEXT, "description": "what happened, with the value and the limit"},
                    "next": {**_TEXT, "description": "what to do about it"},
                    "facts": {"type": "object", "description": "the numbers and names that detail quotes"},
                    "instance": {**_TEXT, "description": "names the incident in the studio's log"},
                    "error": {
                        "type": "object",
                        "description": "the same as OpenAI's API says it",
                        "properties": {
                            "message": _TEXT,
                            "type": _TEXT,
                            "param": {"type": "null"},
                            "code": _TEXT,
                        },
                    },
                },
            }
        }
    },
}
"""How OpenAPI describes what ``problem`` makes."""
_RETRY_AFTER_SECONDS = 5
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
_HTTP_CODES = {404: "route_unknown", 405: "method_refused"}
_FIELD_SENTENCES = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "literal_error": "choice",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_big",
    "json_invalid": "json",
    "string_type": "text",
    "value_error": "unicode",
    "int_type": "whole",
    "int_parsing": "whole",
    "int_from_float": "whole",
    "float_type": "number",
    "float_parsing": "number",
    "finite_number": "number",
    "list_type": "list",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
    "too_long": "too_many",
    "string_too_long": "too_many",
}
_log = logging.getLogger(__name__)


def reader_language(accept_language: str | None) -> str:
    """The best of our languages for an ``Accept-Language`` header; the first of them when none fits."""
    wishes = []
    for position, part in enumerate((accept_language or "")[:400].split(",")):
        tag, _, parameter = part.partition(";")
        language = tag.strip().partition("-")[0].lower()
        try:
            weight = float(parameter.partition("=")[2] or 1)
        except ValueError:
            continue
        if language in languages and weight > 0:
            wishes.append((-weight, position, language))
    return min(wishes)[2] if wishes else languages[0]


def caller_language(request: Request) -> str:
    return reader_language(request.headers.get("accept-language"))


def described(fault: Fault, language: str) -> dict:
    """A fault as the members that a problem and a failed job share."""
    sentence = fault.sentence(language)
    facts = {name: _plain(value) for name, value in fault.facts.items()}
    return {
        "code": fault.code,
        "title": sentence.title,
        "detail": sentence.what,
        "next": sentence.next,
        "facts": facts,
    }


def problem(
    error: StudioError, language: str, headers: Mapping[str, str] | None = None, **members: object
) -> JSONResponse:
    """``type``, ``title``, ``status`` and ``detail`` of the RFC; ``code``, ``next`` and the ``facts`` quoted are ours.

    ``error`` says the same where the clients of OpenAI's API look for it.
    """
    sentence = described(error.fault, language)
    common = {"Content-Language": language, "Vary": "Accept-Language", "Cache-Control": "no-store"}
    if error.status in (429, 503):
        common["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    content = {
        "type": f"urn:voxtale:problem:{error.code}",
        "status": error.status,
        **sentence,
        "error": {
            "message": f"{sentence['detail']} {sentence['next']}",
            "type": "invalid_request_error" if error.status < 500 else "server_error",
            "param": None,
            "code": error.code,
        },
        **members,
    }
    return JSONResponse(content, error.status, {**common, **(headers or {})}, MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Answer every exception that leaves a route with a problem."""

    @app.exception_handler(StudioError)
    @app.exception_handler(CraftError)
    async def _known(request: Request, error: StudioError | CraftError) -> JSONResponse:
        return problem(from_exception(error), caller_language(request))

    @app.exception_handler(RequestValidationError)
    async def _fields(request: Request, error: RequestValidationError) -> JSONResponse:
        language = caller_language(request)
        sentences = " ".join(_field_sentence(found, language) for found in error.errors()[:8])
        return problem(StudioError("request_invalid", 422, fields=sentences), language)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        code = _HTTP_CODES.get(error.status_code, "request_refused")
        facts = {"path": request.url.path[:200], "method": request.method, "reason": error.detail}
        headers = error.headers
        if error.status_code == 405:  # the router names those of one route only
            headers = {"Allow": ", ".join(method for method in _METHODS if _answers(app, request, method))}
        return problem(StudioError(code, error.status_code, **facts), caller_language(request), headers)

    @app.exception_handler(Exception)
    async def _any(request: Request, error: Exception) -> JSONResponse:
        # `instance` ties what the caller sees to the traceback in the log, and gives nothing else away.
        incident = secrets.token_hex(4)
        _log.error("incident %s: %s %s", incident, request.method, request.url.path, exc_info=error)
        return problem(
            from_exception(error), caller_language(request), instance=f"urn:voxtale:incident:{incident}"
        )


def _answers(app: FastAPI, request: Request, method: str) -> bool:
    scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
    return any(route.matches(scope)[0] is Match.FULL for route in app.router.routes)


def _field_sentence(found: Mapping, language: str) -> str:
    context = found.get("ctx", {})
    limit = next((context[name] for name in ("ge", "le", "max_length", "expected") if name in context), "")
    where = ".".join(part for part in found["loc"][1:] if isinstance(part, str))
    return say(
        f"field.{_FIELD_SENTENCES.get(found['type'], 'invalid')}",
        language,
        field=where[:60].encode(errors="replace").decode() or say("field.body", language),
        limit=str(limit).replace(" or ", ", "),
    )


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
