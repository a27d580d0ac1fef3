"""The pages: frames without data, so that they are there at once, database or not."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, url_for

from .. import __version__
from .answers import cached_answer
from .relay import followed
from .repeats import for_seconds
from .services import services

blueprint = Blueprint("page", __name__)

# A link stands in the header where its page is served.
_LINKS = (
    ("/", "Charts"),
    ("/live", "Live"),
    ("/trades", "Trades"),
    ("/coverage", "Coverage"),
)


@blueprint.get("/")
def dashboard() -> Response:
    """Answer the dashboard's frame; its scripts fetch the data."""
    return frame("dashboard.html")


@blueprint.get("/live")
def live() -> Response:
    """Answer the frame of the live chart; what it shows stands in the address."""
    return frame("live.html")


def frame(template: str) -> Response:
    """Answer a page that depends on the settings only, kept until they change."""
    own = services()
    settings = own.settings
    values: dict[str, Any] = {
        "version": __version__,
        "symbols": settings.symbols,
        "intervals": settings.intervals,
        "stream_port": settings.stream_port,
        "stream_url": settings.stream_url,
        "followed": followed(settings),
    }

    def make() -> bytes:
        return render_template(template, **values).encode()

    # The addresses of the scripts change with their content, templates included; all
    # else that stands in the page is named here.
    key = url_for("static", filename="style.css"), template, values, site_links()
    # Nothing in it comes from the database, and to look at all files of static/ is the
    # most of its cost.
    holds = for_seconds(1)
    return cached_answer(own.bodies, key, make, mimetype="text/html", holds=holds)


@blueprint.app_context_processor
def _of_every_page() -> dict[str, Any]:
    settings = services().settings
    return {
        "site_links": site_links(),
        "here": request.path,
        "stream_port": settings.stream_port,
        "stream_url": settings.stream_url,
    }


def site_links() -> list[tuple[str, str]]:
    """Return address and name of every page that this application has."""
    served = {rule.rule for rule in current_app.url_map.iter_rules()}
    return [(path, name) for path, name in _LINKS if path in served]
