"""The page as it is usually done, to be measured beside ours.

At each request the whole table of a series goes through pandas into a Plotly figure,
and with a pie of market caps into the page. Run alone, it is such a page::

    gunicorn "tests.bench.ancestors_page:create_app()"
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping

from flask import Flask, render_template_string

from klineboard.settings import Settings
from klineboard.storage.database import Connection, Database
from tests.bench.http_load import Load, Row, measure, warm_up
from tests.bench.processes import free_port, running

WANTED_TIMES = 20
AT_ONCE = 8
_SECONDS = 15
_OURS_SECONDS = 3

# What a browser asks of ours until it shows the same: the frame, the candles of the
# whole history, and the market caps.
OURS = ("/", "/api/view?symbol=BTCUSDT&interval=1h&range=All", "/api/market-caps")

_CANDLES = """
SELECT open_time, open_price::float8, high_price::float8, low_price::float8,
    close_price::float8, volume::float8
FROM klines WHERE symbol = 'BTCUSDT' AND interval = '1h' ORDER BY open_time"""
_CAPS = """
SELECT name, market_cap_usd::float8 FROM market_caps
ORDER BY fetched_at DESC, rank LIMIT 10"""
_PAGE = """<!doctype html>
<title>BTCUSDT 1h</title>
<h1>BTCUSDT 1h</h1>
{{ candles|safe }}
{{ caps|safe }}
"""


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application over the database of the settings."""
    # Here, since the module's other half needs neither.
    import pandas
    from plotly import graph_objects

    app = Flask(__name__)
    database = Database(settings or Settings.load())
    own = threading.local()

    def connection() -> Connection:
        # Kept, which is kinder than one for each request.
        if not hasattr(own, "connection"):
            own.connection = database.connect()
            own.connection.autocommit = True
        kept: Connection = own.connection
        return kept

    @app.get("/ready")
    def ready() -> str:
        return "yes"

    @app.get("/")
    def page() -> str:
        with warnings.catch_warnings():
            # pandas would rather have SQLAlchemy, and reads all the same.
            warnings.simplefilter("ignore", UserWarning)
            candles = pandas.read_sql(_CANDLES, connection())
            caps = pandas.read_sql(_CAPS, connection())
        figure = graph_objects.Figure(
            graph_objects.Candlestick(
                x=candles["open_time"],
                open=candles["open_price"],
                high=candles["high_price"],
                low=candles["low_price"],
                close=candles["close_price"],
            )
        )
        pie = graph_objects.Figure(
            graph_objects.Pie(labels=caps["name"], values=caps["market_cap_usd"])
        )
        return render_template_string(
            _PAGE,
            candles=figure.to_html(full_html=False, include_plotlyjs="cdn"),
            caps=pie.to_html(full_html=False, include_plotlyjs=False),
        )

    return app


def ancestors_rows(page_url: str, settings: Mapping[str, str]) -> list[Row]:
    """Measure such a page, and ours over the same database in the same minute.

    Args:
        page_url: Where ours is served, without a path.
        settings: The environment that ours runs with; it names the database.
    """
    loaded = Settings.load(settings)
    stored = _stored(loaded)
    place = f"127.0.0.1:{free_port()}"
    command = _command(loaded, place)
    with running(command, dict(settings), f"http://{place}/ready"):
        warm_up(f"http://{place}/")
        theirs = measure(f"http://{place}/", AT_ONCE, _SECONDS)
    ours = [_measured(page_url + path) for path in OURS]
    # A view of ours is these requests together.
    views = 1 / sum(1 / load.per_second for load in ours)
    times = views / theirs.per_second
    return [
        (f"all {stored:,} candles of 1h at each request: a second", *_told(theirs)),
        ("ours, all that the browser asks of it: a second", f"{views:,.1f}", "", True),
        (
            "  times as many",
            f"{times:,.0f}",
            f">= {WANTED_TIMES}",
            times >= WANTED_TIMES,
        ),
    ]


def _measured(url: str) -> Load:
    warm_up(url)
    return measure(url, AT_ONCE, _OURS_SECONDS)


def _told(load: Load) -> tuple[str, str, bool]:
    return f"{load.per_second:.2f} (p50 {load.p50:,.0f} ms)", "", True


def _stored(settings: Settings) -> int:
    database = Database(settings)
    with database.transaction() as cursor:
        cursor.execute(
            "SELECT row_count FROM series WHERE symbol = 'BTCUSDT' AND interval = '1h'"
        )
        row = cursor.fetchone()
    database.close()
    return int(row[0]) if row else 0


def _command(settings: Settings, place: str) -> list[str]:
    """Return what serves the page, with as many workers and threads as ours has."""
    return [
        *("-m", "gunicorn", "--worker-class=gthread", "--no-control-socket"),
        *(f"--workers={settings.web_workers}", f"--threads={settings.web_threads}"),
        # Requests that nobody waits for any more need not be answered.
        *("--timeout=120", "--graceful-timeout=1", f"--bind={place}"),
        f"{__name__}:create_app()",
    ]
