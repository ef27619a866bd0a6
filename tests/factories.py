"""Things to test with: a factory has a default for everything, so that a test names only what it is about."""

from __future__ import annotations

import atexit
import itertools
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import update
from sqlalchemy.orm import Session

from marketplace.adapters.sealing import KeyFile
from marketplace.domain.actors import SYSTEM, Actor
from marketplace.domain.bids import Terms
from marketplace.domain.organizations import valid_credit_code
from marketplace.domain.quantities import Month
from marketplace.persistence.database import transaction
from marketplace.persistence.ledger import Posting
from marketplace.persistence.lines import AcceptanceLimit, Filing, IntakeLine, LineMaterial
from marketplace.persistence.listings import Bid, Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Person, SignIn
from marketplace.persistence.questions import Answer, Question
from marketplace.persistence.rounds import Round
from marketplace.persistence.streams import LabSheet, LabValue, WasteStream
from marketplace.queries.accounts import account, digest
from marketplace.services.awards import accept_award
from marketplace.services.opening import open_bids
from marketplace.services.opensales import in_plain_sight
from marketplace.services.seals import sealed
from marketplace.services.signing import FreshProof

Row = TypeVar("Row")

NOON = datetime(2027, 1, 15, 4, 0, tzinfo=UTC)
"""Noon in Beijing on a day in the life of the tests."""

NO_PASSWORD = "!"
SECRET = "k" * 40
"""With which the application signs."""

_KEYS = Path(tempfile.mkdtemp(prefix="huiyong-seal-"))
atexit.register(shutil.rmtree, _KEYS, ignore_errors=True)

SEALER = KeyFile(_KEYS / "seal.key", make=True)
"""With the key of these tests, which the applications in them share."""


def proof(actor: Actor) -> FreshProof:
    """Return the proof that an actor has just shown who they are; whether a password is asked for, other tests ask."""
    return FreshProof(actor.person_id or 0, "签字人", "password")


def accept(
    session: Session, actor: Actor, award_id: int, *, terms_sha256: str | None = None, now: datetime
) -> int | None:
    """Sign an award for the actor's side, as a signatory who has just shown who they are."""
    return accept_award(session, actor, award_id, proof=proof(actor), terms_sha256=terms_sha256, now=now)


class Make:
    """Makes rows and commits them. Places lie around Datong; each row has a number of its own in its name."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._numbers = itertools.count(1)

    def _add(self, row: Row) -> Row:
        with transaction(self.session):
            self.session.add(row)
        return row

    def number(self) -> int:
        """Return a number that nothing else has."""
        return next(self._numbers)

    def park(self, **given: Any) -> Park:
        """Make a park in Datong."""
        values = {
            "name_zh": f"测试园区{self.number()}",
            "name_en": "Test park",
            "division_code": "140200",
            "created_at": NOON,
        }
        return self._add(Park(**(values | given)))

    def organization(self, **given: Any) -> Organization:
        """Make a verified organization that produces and recycles, in a park of its own unless one is given."""
        if "park_id" not in given:
            given["park_id"] = self.park().id
        number = self.number()
        values = {
            "credit_code": valid_credit_code(f"91140200MA0K{number:05d}"),
            "name_zh": f"测试企业{number}",
            "name_en": f"Test firm {number}",
            "produces": True,
            "recycles": True,
            "registered_at": NOON,
            "verified_at": NOON,
        }
        return self._add(Organization(**(values | given)))

    def site(self, organization: Organization | None = None, **given: Any) -> Site:
        """Make a site at 40.08 N 113.30 E, in the park of its organization."""
        organization = organization or self.organization()
        values = {
            "organization_id": organization.id,
            "park_id": organization.park_id,
            "name": f"厂区{self.number()}",
            "division_code": "140212",
            "lat_udeg": 40_080_000,
            "lon_udeg": 113_300_000,
            "point_origin": "pin",
            "created_at": NOON,
        }
        return self._add(Site(**(values | given)))

    def stream(self, site: Site | None = None, *, values: Mapping[str, str] | None = None, **given: Any) -> WasteStream:
        """Make a stream of fly ash; ``values`` become its lab sheet."""
        site = site or self.site()
        defaults = {
            "site_id": site.id,
            "name": f"粉煤灰{self.number()}",
            "material": "fly_ash",
            "waste_code": "900-001-S02",
            "generation_kg_per_month": 10_000_000,
            "created_at": NOON,
        }
        stream = self._add(WasteStream(**(defaults | given)))
        if values:
            self.sheet(stream, values)
        return stream

    def sheet(self, stream: WasteStream, values: Mapping[str, str], **given: Any) -> LabSheet:
        """Make a lab sheet with values by property."""
        defaults = {
            "stream_id": stream.id,
            "sheet_no": f"HY-{self.number():04d}",
            "laboratory": "测试化验室",
            "sampled_on": date(2027, 1, 4),
            "reported_on": date(2027, 1, 6),
            "entered_at": NOON,
        }
        sheet = LabSheet(**(defaults | given))
        sheet.values = [LabValue(property=code, value=Decimal(value)) for code, value in values.items()]
        return self._add(sheet)

    def line(
        self,
        site: Site | None = None,
        *,
        materials: Mapping[str, int] | None = None,
        limits: tuple[AcceptanceLimit, ...] = (),
        **given: Any,
    ) -> IntakeLine:
        """Make an intake line that takes fly ash at 60 yuan a tonne delivered, 20,000 t a month, with a verified permit."""
        site = site or self.site()
        defaults = {
            "site_id": site.id,
            "name": f"接收线{self.number()}",
            "route": "cement_admixture",
            "capacity_kg_per_month": 20_000_000,
            "capacity_kg_per_year": 240_000_000,
            "permit_no": "PWX-TEST",
            "permit_valid_until": date(2029, 12, 31),
            "permit_verified_at": NOON,
            "created_at": NOON,
        }
        line = IntakeLine(**(defaults | given))
        line.materials = [
            LineMaterial(material=code, price_fen_per_t=price)
            for code, price in (materials or {"fly_ash": 6000}).items()
        ]
        line.limits = list(limits)
        return self._add(line)

    def filing(self, stream: WasteStream, receiving: Site, **given: Any) -> Filing:
        """Make a filing for the year 2027."""
        defaults = {
            "stream_id": stream.id,
            "receiving_site_id": receiving.id,
            "filing_no": f"BA-{self.number():04d}",
            "filed_kg": 50_000_000,
            "filed_trips": 2000,
            "valid_from": date(2027, 1, 1),
            "valid_to": date(2027, 12, 31),
            "entered_at": NOON,
        }
        return self._add(Filing(**(defaults | given)))

    def listing(self, stream: WasteStream | None = None, **given: Any) -> Listing:
        """Make a published listing for February to April 2027 with its counters; bids close two weeks after noon."""
        stream = stream or self.stream()
        defaults = {
            "stream_id": stream.id,
            "first_month": Month(2027, 2),
            "last_month": Month(2027, 4),
            "kg_per_month": 5_000_000,
            "asking_fen_per_t": 1000,
            "reserve_fen_per_t": 500,
            "bids_close_at": NOON + timedelta(days=14),
            "drafted_at": NOON,
            "published_at": NOON,
            "expires_at": NOON + timedelta(days=60),
        }
        values = defaults | given
        listing = Listing(**values)
        if values["published_at"] is not None:
            listing.months = [
                ListingMonth(month=month, offered_kg=values["kg_per_month"], reserved_kg=0, contracted_kg=0)
                for month in values["first_month"].until(values["last_month"])
            ]
        return self._add(listing)

    def bid(self, listing: Listing, line: IntakeLine, organization: Organization, **given: Any) -> Bid:
        """
        Make a live bid of 40 yuan a tonne at the gate for 5,000 t a month.

        It is sealed, see `opened`; with ``opened_at`` it was opened then; in an open sale it lies in plain sight.
        """
        terms = {
            "price_fen_per_t": 4000,
            "kg_per_month": 5_000_000,
            "transport": "recycler",
            "freight_fen_per_t": 1500,
            "deduction_fen_per_t": 0,
            "note": "",
        }
        columns = {
            "listing_id": listing.id,
            "line_id": line.id,
            "organization_id": organization.id,
            "revision": 1,
            "road_m": 20_000,
            "received_at": NOON + timedelta(hours=1),
        }
        terms |= {name: given.pop(name) for name in terms.keys() & given.keys()}
        if listing.ascending is not None:
            return self._add(in_plain_sight(Terms(**terms), **(columns | given)))  # type: ignore[arg-type]
        bid = sealed(SEALER, Terms(**terms), **(columns | given))  # type: ignore[arg-type]
        for name, value in terms.items() if bid.opened_at else ():
            setattr(bid, name, value)
        return self._add(bid)

    def opened(self, listing: Listing, *, at: datetime | None = None) -> None:
        """Open the sealed bids of a listing at its deadline, or later."""
        now = at or listing.bids_close_at
        assert now is not None
        open_bids(self.session, SYSTEM, listing.id, sealer=SEALER, now=now)

    def question(self, listing: Listing, organization: Organization, *answers: str, **given: Any) -> Question:
        """Make a question, asked an hour after noon and answered an hour later, once for each text."""
        defaults = {
            "listing_id": listing.id,
            "organization_id": organization.id,
            "text": f"第{self.number()}个问题：能否夜间装车？",
            "asked_at": NOON + timedelta(hours=1),
        }
        question = self._add(Question(**(defaults | given)))
        for version, text in enumerate(answers, start=1):
            at = question.asked_at + timedelta(hours=version)
            self._add(Answer(question_id=question.id, version=version, text=text, answered_at=at))
        return question

    def round(self, park: Park, **given: Any) -> Round:
        """Make an open market round for February to April 2027."""
        defaults = {
            "park_id": park.id,
            "number": self.number(),
            "first_month": Month(2027, 2),
            "last_month": Month(2027, 4),
            "max_m": 200_000,
            "circuity_permille": 1300,
            "opened_at": NOON,
            "closes_at": NOON + timedelta(days=3),
            "answer_by": NOON + timedelta(days=7),
        }
        return self._add(Round(**(defaults | given)))

    def posting(self, stream: WasteStream, organization: Organization, **given: Any) -> Posting:
        """Make a posting of 1,000 t generated in January 2027."""
        defaults = {
            "organization_id": organization.id,
            "site_id": stream.site_id,
            "stream_id": stream.id,
            "material": stream.material,
            "waste_code": stream.waste_code,
            "month": Month(2027, 1),
            "debit": "process",
            "credit": "yard",
            "kg": 1_000_000,
            "posted_at": NOON,
        }
        return self._add(Posting(**(defaults | given)))

    def person(
        self,
        role: str | None = None,
        *,
        organization: Organization | None = None,
        park: Park | None = None,
        site: Site | None = None,
        **given: Any,
    ) -> Person:
        """Make a person, appointed to a role if one is named."""
        number = self.number()
        values = {
            "email": f"person{number}@test.example",
            "display_name": f"测试人员{number}",
            "password_hash": NO_PASSWORD,
            "created_at": NOON,
            "password_changed_at": NOON,
        }
        person = self._add(Person(**(values | given)))
        if role is not None:
            self._add(
                Appointment(
                    person_id=person.id,
                    role=role,
                    organization_id=organization.id if organization else None,
                    park_id=park.id if park else None,
                    site_id=site.id if site else None,
                    granted_at=NOON,
                )
            )
        return person

    def actor(self, person: Person) -> Actor:
        """Return a person as one who acts."""
        return account(self.session, person).actor

    def signatory(self, organization: Organization) -> Actor:
        """Return a signatory of an organization as one who acts."""
        return self.actor(self.person("signatory", organization=organization))

    def administrator(self, park: Park) -> Actor:
        """Return an administrator of a park as one who acts."""
        return self.actor(self.person("park_administrator", park=park))

    def signed_in(self, person_id: int, *, language: str = "zh_Hans_CN") -> str:
        """Begin a session for a person and return its token."""
        token = secrets.token_urlsafe(24)
        now = datetime.now(UTC)
        with transaction(self.session):
            self.session.execute(update(Person).where(Person.id == person_id).values(language=language))
            self.session.add(
                SignIn(
                    token_digest=digest(token),
                    person_id=person_id,
                    begun_at=now,
                    expires_at=now + timedelta(hours=12),
                    address="127.0.0.1",
                    agent="tests",
                )
            )
        return token
