"""``GET /trades``: the frame of the page that follows trades."""

from __future__ import annotations

from flask import Blueprint, Response

from .page import frame

blueprint = Blueprint("trades", __name__)


@blueprint.get("/trades")
def trades() -> Response:
    """Answer the frame; its scripts do what the address says.

    ``?symbol=BTCUSDT`` chooses, ``&minimum=64000`` sets the price of the alarm, and
    ``&start`` begins at once.
    """
    return frame("trades.html")
