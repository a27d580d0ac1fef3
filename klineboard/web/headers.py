"""Headers of every answer: what the page may load, and who may show it."""

from __future__ import annotations

from flask import Flask, Response, request

from ..settings import Settings
from .relay import stream_sources

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def content_security_policy(settings: Settings, host: str) -> str:
    """Return the policy of a page that was asked for by the Host header ``host``."""
    connections = " ".join(("'self'", *stream_sources(settings, host)))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            # Plotly makes pictures (PNG) from data: and blob: addresses of its own.
            "img-src 'self' data: blob:",
            f"connect-src {connections}",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def register_headers(app: Flask, settings: Settings) -> None:
    """Add the headers to every answer of the application, errors too."""

    @app.after_request
    def add(response: Response) -> Response:
        policy = content_security_policy(settings, request.headers.get("Host", ""))
        response.headers.setdefault("Content-Security-Policy", policy)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response
