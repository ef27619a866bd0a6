"""Migrations end in the schema of the tables, go both ways, and lose nothing on the way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.engine import make_url

from marketplace.domain.actors import SYSTEM
from marketplace.persistence import migration
from marketplace.persistence.database import connect, sessions_of, transaction
from marketplace.persistence.ledger import Posting
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.outbox import Job
from marketplace.persistence.streams import LabValue
from marketplace.persistence.tables import Base
from marketplace.services.jobs import ask
from marketplace.settings import ROOT
from tests.factories import NOON, Make

MIGRATIONS = ROOT / "migrations"


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.db'}"
        return
    url: str | None = request.getfixturevalue("postgres_url")
    if url is None:
        pytest.skip("no PostgreSQL: install postgresql, or name one in HUIYONG_TEST_POSTGRES")
    whole = connect(url)
    with whole.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("drop database if exists bare"))
        connection.execute(text("create database bare"))
    yield make_url(url).set(database="bare").render_as_string(hide_password=False)
    with whole.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("drop database bare with (force)"))
    whole.dispose()


def from_tables(url: str, tmp_path: Path) -> dict[str, list[str]]:
    """Return the fingerprint of a schema made from the tables, on a database of the same kind."""
    made = connect(f"sqlite:///{tmp_path / 'tables.db'}" if url.startswith("sqlite") else url)
    if not url.startswith("sqlite"):
        with made.begin() as connection:
            connection.execute(text("drop schema public cascade"))
            connection.execute(text("create schema public"))
    Base.metadata.create_all(made)
    found = migration.fingerprint(made)
    made.dispose()
    return found


def fingerprint(url: str) -> dict[str, list[str]]:
    engine = connect(url)
    found = migration.fingerprint(engine)
    engine.dispose()
    return found


def test_the_migrations_end_in_the_schema_of_the_tables(bare_url: str, tmp_path: Path) -> None:
    migration.upgrade(MIGRATIONS, bare_url)

    migrated = fingerprint(bare_url)

    assert migrated == from_tables(bare_url, tmp_path)
    assert len(migrated["checks"]) > 50
    assert any("only_grows" in line for line in migrated["triggers"])


def populate(engine: Engine) -> dict[str, int]:
    """Fill some tables and return how many rows each has."""
    with sessions_of(engine)() as session:
        make = Make(session)
        organization = make.organization()
        stream = make.stream(make.site(organization), values={"loss_on_ignition": "4.1", "moisture": "0.4"})
        make.listing(stream)
        make.posting(stream, organization)
        with transaction(session):
            ask(session, SYSTEM, "round.solve", "round:1:1", {"round_id": 1}, now=NOON)
        return {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Listing, ListingMonth, LabValue, Posting, Job)
        }


def test_down_and_up_again_keep_rows_and_schema(bare_url: str) -> None:
    migration.upgrade(MIGRATIONS, bare_url)
    engine = connect(bare_url)
    before, rows = migration.fingerprint(engine), populate(engine)
    engine.dispose()

    migration.downgrade(MIGRATIONS, bare_url, "0001")
    migration.upgrade(MIGRATIONS, bare_url)

    engine = connect(bare_url)
    assert rows == {"listings": 1, "listing_months": 3, "lab_values": 2, "postings": 1, "jobs": 1}
    with engine.connect() as connection:
        assert {table: connection.scalar(text(f"select count(*) from {table}")) for table in rows} == rows
    assert migration.fingerprint(engine) == before
    engine.dispose()


def test_all_the_way_down_leaves_nothing_and_up_again_makes_it_whole(bare_url: str) -> None:
    migration.upgrade(MIGRATIONS, bare_url)
    before = fingerprint(bare_url)

    migration.downgrade(MIGRATIONS, bare_url, "base")
    emptied = fingerprint(bare_url)
    migration.upgrade(MIGRATIONS, bare_url)

    assert emptied == {"columns": [], "keys": [], "checks": [], "indexes": [], "triggers": []}
    assert fingerprint(bare_url) == before


def rewriting(folder: Path, *, keys_off: bool) -> Path:
    """Return a copy of the migrations with one more, which copies the parent of other tables."""
    newest = max(path.name[:4] for path in (MIGRATIONS / "versions").glob("0*.py"))
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_parent.py").write_text(
        dedent(
            f"""
            import sqlalchemy as sa
            from alembic import op
            revision, down_revision, branch_labels, depends_on = "9999", "{newest}", None, None
            def upgrade():
                op.execute("create table children (id integer primary key, park_id integer not null"
                           " references parks (id) on delete cascade)")
                op.execute("insert into children (id, park_id) select 1, min(id) from parks")
                with op.batch_alter_table("parks", recreate="always") as parks:
                    parks.add_column(sa.Column("motto", sa.String()))
            def downgrade():
                pass
            """
        )
    )
    if not keys_off:
        env = folder / "env.py"
        env.write_text(env.read_text().replace("foreign_keys=OFF", "foreign_keys=ON"))
    return folder


@pytest.mark.parametrize(("keys_off", "children"), [(True, 1), (False, 0)])
def test_copying_a_parent_table_keeps_its_children(tmp_path: Path, *, keys_off: bool, children: int) -> None:
    """With the protection off, the last case, SQLite deletes them in silence: the test can fail."""
    url = f"sqlite:///{tmp_path / 'parent.db'}"
    migration.upgrade(MIGRATIONS, url)
    engine = connect(url)
    with sessions_of(engine)() as session:
        Make(session).park()
    engine.dispose()

    migration.upgrade(rewriting(tmp_path / "migrations", keys_off=keys_off), url)

    engine = connect(url)
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from children")) == children
    engine.dispose()
