"""The web application: the pages, their API, and the files that they need."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Flask

from ..jobs.refresh_market_caps import refresh_market_caps
from ..settings import PROJECT_ROOT, Settings
from ..storage.database import Database
from . import (
    coverage,
    export,
    figures,
    health,
    klines,
    market_caps,
    page,
    series,
    trades,
    view,
)
from .background import Background
from .errors import register_errors
from .headers import register_headers
from .repeats import Repeats
from .services import Services, system_time
from .static_files import register_static

_MODULES = (
    page,
    trades,
    coverage,
    view,
    klines,
    series,
    market_caps,
    export,
    health,
)
_STATEMENT_TIMEOUT_SECONDS = 20.0
_REFRESH_PAUSE_SECONDS = 60.0
_ROLL_UP_PAUSE_SECONDS = 10.0


def create_app(
    settings: Settings,
    *,
    now: Callable[[], int] = system_time,
    refresh: Callable[[Database, Settings], object] | None = refresh_market_caps,
    roll_up: Callable[[Database], object] | None = None,
) -> Flask:
    """Build the application; nothing is connected and no thread runs yet.

    Args:
        settings: All settings.
        now: Gives the time in ms since 1970 UTC.
        refresh: Called every minute in the background of each process; None for not.
        roll_up: The same every ten seconds, to make charts of new candles quick.
    """
    app = Flask(
        __name__, static_folder=None, template_folder=str(PROJECT_ROOT / "templates")
    )
    app.jinja_options = {"autoescape": True, "trim_blocks": True}
    database = Database(settings, statement_timeout_seconds=_STATEMENT_TIMEOUT_SECONDS)
    own = Services(settings, database, now)
    own.install(app)
    register_errors(app)
    register_headers(app, settings)
    register_static(app, PROJECT_ROOT / "static")
    for module in _MODULES:
        app.register_blueprint(module.blueprint)
    figures.warm_up()
    if refresh is not None:
        task = partial(_keep_fresh, own, refresh)
        caps = Background(task, _REFRESH_PAUSE_SECONDS, "market caps")
        app.before_request(caps.ensure_running)
    if roll_up is not None:
        rolling = partial(_keep_rolled_up, own, roll_up)
        rollups = Background(rolling, _ROLL_UP_PAUSE_SECONDS, "rollups")
        app.before_request(rollups.ensure_running)
    # Outermost, so that what is repeated passes nothing else.
    app.wsgi_app = Repeats(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _keep_fresh(own: Services, refresh: Callable[[Database, Settings], object]) -> None:
    own.prepare()
    refresh(own.database, own.settings)


def _keep_rolled_up(own: Services, roll_up: Callable[[Database], object]) -> None:
    own.prepare()
    roll_up(own.database)
