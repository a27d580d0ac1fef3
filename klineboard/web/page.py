"""The page: a frame without data, so that it is there at once, database or not."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, url_for

from .. import __version__
from .answers import cached_answer
from .services import services

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def dashboard() -> Response:
    """Answer the dashboard's frame; its scripts fetch the data."""
    own = services()

    def make() -> bytes:
        return render_template(
            "dashboard.html",
            version=__version__,
            symbols=own.settings.symbols,
            intervals=own.settings.intervals,
            stream_port=own.settings.stream_port,
        ).encode()

    # The addresses of the scripts change with their content, templates included; all
    # else that stands in the page is named here.
    key = (
        url_for("static", filename="style.css"),
        __version__,
        own.settings.symbols,
        own.settings.intervals,
        own.settings.stream_port,
    )
    return cached_answer(own.bodies, key, make, mimetype="text/html")
