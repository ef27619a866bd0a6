"""`create_app`, the only code that knows all layers: it reads the settings, makes the parts and hands them over."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Final

from flask import Flask, render_template
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from marketplace import cli
from marketplace import settings as configuration
from marketplace.adapters.cluster import spread
from marketplace.adapters.documents import printer
from marketplace.adapters.geocoding import geocoder
from marketplace.adapters.mail import mailer
from marketplace.adapters.passwords import Argon2Passwords
from marketplace.adapters.sealing import KeyFile
from marketplace.adapters.workbooks import Table, workbook
from marketplace.domain.notices import subject_of
from marketplace.jobs import queue
from marketplace.jobs.mail import Written
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.parks import Park
from marketplace.queries.opensales import sale_versions
from marketplace.services.outbox import Waiting
from marketplace.settings import Settings
from marketplace.solver.spread import Spread, Wanted
from marketplace.web import context, errors, filters, i18n, people, routing, security, templating
from marketplace.web.mailing import off_links
from marketplace.web.watching import Hub

BLUEPRINTS: Final = (
    "auth",
    "notices",
    "mailing",
    "searches",
    "organizations",
    "today",
    "sites",
    "streams",
    "lines",
    "filings",
    "board",
    "listings",
    "bids",
    "holds",
    "roundoffers",
    "rounds",
    "whatif",
    "awards",
    "contracts",
    "shipments",
    "ledger",
    "ledgertables",
    "parks",
    "commitments",
    "platform",
    "audit",
    "health",
)


def create_app(settings: Settings | None = None) -> Flask:
    """
    Return the application.

    Raises SettingsError if the environment is not complete, UnguardedRoute if a route names no action.
    """
    settings = settings or configuration.read()
    app = Flask("marketplace", template_folder=str(settings.template_folder), static_folder=str(settings.static_folder))
    engine = connect(settings.database_url)
    sessions = sessions_of(engine)

    off_link = off_links(settings.secret_key, settings.public_url)

    def write(mail: Waiting) -> Written:
        subject = subject_of(mail.kind)
        off = off_link(mail.person_id, subject) if mail.person_id is not None and subject is not None else None
        with app.app_context(), i18n.speaking(mail.language):
            text = render_template(f"mail/{mail.kind}.txt", public_url=settings.public_url, **mail.values)
            return Written(text + render_template("mail/_off.txt", off=off), off)

    def spreads(wanted: Wanted) -> Spread:
        return spread(settings.solver, wanted=wanted)

    def versions(wanted: frozenset[int], now: datetime) -> dict[int, str]:
        with sessions() as session:
            return sale_versions(session, wanted, now=now)

    sealer = KeyFile(settings.seal_key, make=settings.seal_key_made)
    tasks = queue.Queue(settings, sessions, mailer(settings), write, spreads, sealer)
    app.extensions["marketplace"] = context.Parts(
        settings=settings,
        sessions=sessions,
        geocoder=geocoder(settings.geocoder_url),
        printer=printer(settings.static_folder / "css" / "pdf.css"),
        table=Table,
        workbook=workbook,
        passwords=Argon2Passwords(),
        sealer=sealer,
        enqueue=tasks.send,
        spreads=spreads,
        hub=Hub(versions, settings.watchers),
    )
    app.extensions["marketplace.engine"] = engine
    app.extensions["marketplace.spread"] = spread
    app.extensions["marketplace.queue"] = tasks

    security.install(app, settings)
    context.install(app)
    people.install(app, idle_minutes=settings.idle_minutes)
    i18n.install(app, folder=str(settings.translations_folder), timezone=settings.timezone)
    filters.install(app)
    templating.install(app, settings, demo=_Demo(sessions))
    errors.install(app)
    routing.install(app)
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"marketplace.web.{name}").blueprint)
    routing.check(app)
    cli.install(app)

    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app, root=str(settings.static_folder), prefix="static/", max_age=3600, allow_all_origins=False
    )
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies
        )
    return app


class _Demo:
    """Whether the database holds the demo world, asked until the answer is yes."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._is = False

    def __call__(self) -> bool:
        if not self._is:
            try:
                with self._sessions() as session:
                    self._is = session.scalar(select(Park.id).where(Park.demo).limit(1)) is not None
            except SQLAlchemyError:
                return False
        return self._is
