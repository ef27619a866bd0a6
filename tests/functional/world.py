"""
A small world in which everything exists at least once: two parks, a producer, a recycler, a stranger, and their deals.

Each object is known by a bundle of the arguments by which routes name it. A route whose arguments no bundle has fails
its tests: what is new must be put into the world.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.domain.accounts import digest
from marketplace.domain.actors import Actor
from marketplace.domain.amendments import NewAmendment, NewTermination
from marketplace.domain.ledger import Figures, MonthFigures, NewOpeningStock
from marketplace.domain.listings import month_at
from marketplace.domain.roundoffers import LineOffer, ListingReserve
from marketplace.domain.workdays import NewDay, is_weekday
from marketplace.persistence.amendments import Amendment
from marketplace.persistence.database import sessions_of, transaction
from marketplace.persistence.lines import AcceptanceLimit, Filing, IntakeLine
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.outbox import WorkerPulse
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Letter, Person, SignIn
from marketplace.persistence.rounds import Award, Round
from marketplace.persistence.streams import WasteStream
from marketplace.services.amendments import propose_amendment, sign_amendment
from marketplace.services.awarding import award_bid
from marketplace.services.awards import decline_award
from marketplace.services.ledger import open_stock, state_month
from marketplace.services.roundoffers import hand_in_offer, hand_in_reserve
from marketplace.services.rounds import publish_round, run_round, void_round
from marketplace.services.salerules import state_rules
from marketplace.services.terminations import terminate_contract
from marketplace.services.workdays import enter_day
from marketplace.solver.engines import engine
from tests.factories import SEALER, Make, accept, proof
from tests.functional.lorries import shipment_of
from tests.functional.routes import Route
from tests.functional.telling import notice_of, off_token, search_of

LANGUAGES = ("zh_Hans_CN", "en")
ROLES = (
    "visitor",
    "clerk of the producer",
    "signatory of the producer",
    "weigher of the producer",
    "signatory of the recycler",
    "administrator of the park",
    "operator",
    "auditor",
    "signatory of a stranger",
    "administrator of another park",
)
STRANGERS = ("signatory of a stranger", "administrator of another park")
KG = 5_000_000

Bundle = dict[str, int | str]


@dataclass
class World:
    """Who is in it, and what."""

    now: datetime
    people: dict[tuple[str, str], int] = field(default_factory=dict)
    """Role and language -> a person."""
    bundles: list[Bundle] = field(default_factory=list)

    def values(self, route: Route) -> list[Bundle]:
        """Return every distinct choice of a route's arguments; none for a route without any is one choice."""
        if not route.arguments:
            return [{}]
        found: list[Bundle] = []
        for bundle in self.bundles:
            if bundle.keys() >= set(route.arguments):
                choice = {name: bundle[name] for name in route.arguments}
                if choice not in found:
                    found.append(choice)
        return found


class Builder:
    """Builds the world with the factories, and with the use cases where rows hang together."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.make = Make(session)
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.world = World(self.now)
        self.month = month_at(self.now)

    def ago(self, **given: float) -> datetime:
        return self.now - timedelta(**given)

    def build(self) -> World:
        """Build it."""
        make = self.make
        made = {"created_at": self.ago(days=400)}
        park = make.park(name_zh="青石循环产业园", name_en="Greenstone Park", demo=True, **made)
        other = make.park(name_zh="白沙产业园", name_en="Whitesand Park", division_code="150600", demo=True, **made)
        self.producer = self._firm(park, "青石电厂", "Greenstone Power", produces=True)
        self.recycler = self._firm(park, "青石水泥", "Greenstone Cement", produces=False, recycles=True)
        self.stranger = self._firm(other, "白沙综合利用", "Whitesand Reuse", produces=True, recycles=True)
        waiting = make.organization(park_id=park.id, name_zh="待核企业", name_en="Waiting Works", verified_at=None)
        self.bundle(organization_id=waiting.id)
        self.bundle(park_id=park.id)
        for number, language in enumerate(LANGUAGES):
            self._people(park, other, language, number)
        self._calendar()
        self._kept()
        self._market(park)
        self._ledger()
        self._rounds(park)
        make._add(WorkerPulse(name="worker", beat_at=self.now))
        return self.world

    def bundle(self, **given: int | str) -> None:
        """Make an object known to the routes."""
        self.world.bundles.append(given)

    def _firm(self, park: Park, name_zh: str, name_en: str, *, produces: bool, recycles: bool = False) -> Organization:
        firm: Organization = self.make.organization(
            park_id=park.id,
            name_zh=name_zh,
            name_en=name_en,
            registered_at=self.ago(days=400),
            verified_at=self.ago(days=399),
            demo=True,
            produces=produces,
            recycles=recycles,
        )
        if park.name_en == "Greenstone Park":
            self.bundle(organization_id=firm.id, park_id=park.id)
        return firm

    def _people(self, park: Park, other: Park, language: str, number: int) -> None:
        roles = {
            "clerk of the producer": ("clerk", {"organization": self.producer}),
            "signatory of the producer": ("signatory", {"organization": self.producer}),
            "weigher of the producer": ("weigher", {"organization": self.producer}),
            "signatory of the recycler": ("signatory", {"organization": self.recycler}),
            "administrator of the park": ("park_administrator", {"park": park}),
            "operator": ("operator", {}),
            "auditor": ("auditor", {}),
            "signatory of a stranger": ("signatory", {"organization": self.stranger}),
            "administrator of another park": ("park_administrator", {"park": other}),
        }
        for place, (who, (role, of)) in enumerate(roles.items()):
            person: Person = self.make.person(
                role, display_name=f"人员{place}{number}", created_at=self.ago(days=300), language=language, **of
            )
            self.world.people[who, language] = person.id
        clerk = self.world.people["clerk of the producer", language]
        appointment = self.session.scalars(select(Appointment.id).where(Appointment.person_id == clerk)).one()
        self.bundle(appointment_id=appointment, organization_id=self.producer.id)
        self.bundle(sign_in_id=self._sign_in(clerk))
        self.bundle(notice_id=notice_of(self.session, clerk, self.producer, self.ago(days=2)))
        self.bundle(organization_id=self.producer.id, letter_id=self._letter("invitation", f"invited-{number}", clerk))
        self._letter("reset", f"reset-{number}", clerk)
        self.bundle(token=f"invited-{number}")
        self.bundle(token=f"reset-{number}")
        self.bundle(token=off_token(clerk))
        self.bundle(search_id=search_of(self.session, clerk, self.ago(days=1)))

    def _sign_in(self, person_id: int) -> int:
        token = self.make.signed_in(person_id)
        return self.session.scalars(select(SignIn.id).where(SignIn.token_digest == digest(token))).one()

    def _letter(self, kind: str, token: str, sender: int) -> int:
        invited = {"organization_id": self.producer.id, "role": "clerk", "sent_by": sender}
        letter = Letter(
            kind=kind,
            token_digest=digest(token),
            email=f"{token}@test.example",
            sent_at=self.now,
            expires_at=self.now + timedelta(days=2),
            **(invited if kind == "invitation" else {"person_id": sender}),
        )
        self.make._add(letter)
        return letter.id

    def _kept(self) -> None:
        make, created = self.make, {"created_at": self.ago(days=300)}
        self.yard: Site = make.site(self.producer, name="一号灰库", **created)
        self.works: Site = make.site(self.recycler, name="水泥厂区", lon_udeg=113_500_000, **created)
        away: Site = make.site(self.recycler, name="外省厂区", division_code="150600", lat_udeg=39_600_000, **created)
        self.stream: WasteStream = make.stream(
            self.yard,
            name="一级粉煤灰",
            values={
                "residue_45um": "10.5",
                "loss_on_ignition": "3.2",
                "water_demand_ratio": "94",
                "moisture": "0.4",
                "so3": "1.1",
            },
            **created,
        )
        sheet = make.sheet(self.stream, {"residue_45um": "13.1", "loss_on_ignition": "5.4"})
        self.line = make.line(
            self.works,
            name="一号磨机",
            permit_verified_at=self.ago(days=200),
            permit_valid_until=(self.now + timedelta(days=700)).date(),
            limits=(
                AcceptanceLimit(property="moisture", maximum=Decimal(1)),
                AcceptanceLimit(
                    property="loss_on_ignition", maximum=Decimal(5), deduction_fen_per_unit=200, stop_value=Decimal(8)
                ),
            ),
            **created,
        )
        unverified = make.line(self.works, name="二号磨机", permit_verified_at=None, **created)
        filing: Filing = make.filing(
            self.stream,
            away,
            entered_at=self.ago(days=30),
            valid_from=self.ago(days=30).date(),
            valid_to=(self.now + timedelta(days=300)).date(),
        )
        for site in (self.yard, self.works, away):
            self.bundle(site_id=site.id)
        self.bundle(stream_id=self.stream.id, site_id=self.yard.id, sheet_id=sheet.id)
        park_of_works = self.works.park_id
        assert park_of_works is not None
        for line in (self.line, unverified):
            self.bundle(line_id=line.id, site_id=self.works.id, park_id=park_of_works)
        self.bundle(filing_id=filing.id, stream_id=self.stream.id)

    def _listing(self, **given: object) -> Listing:
        values = {
            "first_month": self.month.plus(1),
            "last_month": self.month.plus(3),
            "kg_per_month": KG,
            "drafted_at": self.ago(days=21),
            "published_at": self.ago(days=20),
            "bids_close_at": self.now + timedelta(days=5),
            "expires_at": self.now + timedelta(days=30),
        }
        listing: Listing = self.make.listing(self.stream, **(values | given))
        self.bundle(listing_id=listing.id, stream_id=self.stream.id)
        return listing

    def _bid(self, listing: Listing, **given: object) -> Bid:
        with transaction(self.session):
            rules = state_rules(self.session, listing, now=self.ago(days=15))
        given = {"received_at": self.ago(days=10), "rules_sha256": rules.sha256, **given}
        bid: Bid = self.make.bid(listing, self.line, self.recycler, **given)
        self.bundle(bid_id=bid.id, listing_id=listing.id, line_id=self.line.id)
        return bid

    def _market(self, park: Park) -> None:
        self._listing(published_at=None, first_month=self.month.plus(9), last_month=self.month.plus(10))
        asked = self._listing()
        self._bid(asked)  # open, with a sealed bid
        for answers in ((), ("可以，20 点前到厂。", "可以，22 点前到厂。")):
            question = self.make.question(asked, self.recycler, *answers, asked_at=self.ago(days=4))
            self.bundle(question_id=question.id, listing_id=asked.id)
        self._bid(self._listing(sale_kind="ascending", first_month=self.month.plus(12), last_month=self.month.plus(13)))
        closed = self._listing(
            bids_close_at=self.ago(days=5), first_month=self.month.plus(4), last_month=self.month.plus(5)
        )
        self._bid(closed)  # to be decided
        self.make.opened(closed)
        due = self._listing(
            bids_close_at=self.ago(hours=1), first_month=self.month.plus(8), last_month=self.month.plus(8)
        )
        self._bid(due)  # to be opened
        for first in (6, 7):
            sold = self._listing(
                bids_close_at=self.ago(days=5), first_month=self.month.plus(first), last_month=self.month.plus(first)
            )
            bid = self._bid(sold)
            self.make.opened(sold)
            award = award_bid(self.session, self._actor("signatory of the producer"), bid.id, KG, now=self.ago(days=1))
            self.bundle(award_id=award, listing_id=sold.id, bid_id=bid.id)
        self._ladder()
        self._deeds()

    def _deeds(self) -> None:
        """Contracts: changed and then terminated, in force as it was, and with a change that is proposed."""
        producer, recycler = (self._actor(f"signatory of the {side}") for side in ("producer", "recycler"))
        contracts = []
        for ahead in (14, 15, 16, 0):
            month = self.month.plus(ahead)
            sold = self._listing(bids_close_at=self.ago(days=5), first_month=month, last_month=month)
            bid = self._bid(sold)
            self.make.opened(sold)
            award = award_bid(self.session, producer, bid.id, KG // 2, now=self.ago(days=1))
            made = [accept(self.session, who, award, now=self.ago(hours=9)) for who in (producer, recycler)][-1]
            assert made is not None
            self.bundle(award_id=award, listing_id=sold.id, bid_id=bid.id)
            self.bundle(contract_id=made, award_id=award)
            contracts.append((made, month))
        for contract_id, month in (contracts[0], contracts[2]):
            new = NewAmendment(3500, {month: KG // 4}, "检修推迟。")
            proposed = propose_amendment(self.session, producer, contract_id, new, now=self.now)
            self.bundle(contract_id=contract_id, amendment_id=proposed)
        lorry = shipment_of(self.session, producer, recycler, contracts[3][0], self.now)
        self.bundle(shipment_id=lorry, place="origin")
        ended, _ = contracts[0]
        version = self.session.scalars(select(Amendment).where(Amendment.contract_id == ended)).one()
        amendment_id, terms_sha256 = version.id, version.terms_sha256
        self.session.rollback()
        for who in (producer, recycler):
            given = {"proof": proof(who), "terms_sha256": terms_sha256, "now": self.now}
            sign_amendment(self.session, who, ended, amendment_id, **given)  # type: ignore[arg-type]
        terminate_contract(
            self.session, recycler, ended, NewTermination("stopped", "窑线停产。", 0), proof=proof(recycler),
            terms_sha256=terms_sha256, now=self.now,
        )  # fmt: skip

    def _ladder(self) -> None:
        """A listing whose award was declined: somebody was called from standby, somebody was passed over."""
        month = self.month.plus(8)
        sold = self._listing(bids_close_at=self.ago(days=5), first_month=month, last_month=month)
        first = self._bid(sold)
        lines = []
        for price in (3000, 400):
            firm: Organization = self.make.organization(demo=True)
            lines.append(self.make.line(self.make.site(firm)))
            given = {"price_fen_per_t": price, "kg_per_month": KG // 2, "received_at": self.ago(days=10)}
            self.make.bid(sold, lines[-1], firm, **given)
        self.make.opened(sold)
        award = award_bid(self.session, self._actor("signatory of the producer"), first.id, KG, now=self.ago(days=1))
        decline_award(self.session, self._actor("signatory of the recycler"), award, "库满。", now=self.ago(hours=4))
        self.bundle(award_id=award, listing_id=sold.id, bid_id=first.id)
        with transaction(self.session):  # they take no part in the rounds
            self.session.execute(
                update(IntakeLine).where(IntakeLine.id.in_(line.id for line in lines)).values(retired_at=self.now)
            )

    def _calendar(self) -> None:
        day = (self.now + timedelta(days=40)).date()
        new = NewDay(day=day, works=not is_weekday(day), name="停电检修", source="供电公告", confidence="low")
        self.bundle(day_id=enter_day(self.session, self._actor("operator"), new, now=self.now))

    def _ledger(self) -> None:
        clerk = self._actor("clerk of the producer")
        first = self.month.plus(-6)
        open_stock(
            self.session,
            clerk,
            NewOpeningStock(stream_id=self.stream.id, month=first, kg=20_000_000),
            now=self.now,
        )
        for month in first.until(self.month.plus(-1)):
            figures = Figures(
                generated_kg=10_000_000, utilized_kg=5_100_000, stored_kg=3_000_000, disposed_kg=1_900_000
            )
            new = MonthFigures(stream_id=self.stream.id, month=month, figures=figures)
            state_month(self.session, clerk, new, now=self.now)
            self.bundle(stream_id=self.stream.id, month=str(month), site_id=self.yard.id)
        for year in sorted({first.year, self.month.year}):
            self.bundle(stream_id=self.stream.id, year=year)

    def _rounds(self, park: Park) -> None:
        """A round in each state; the published ones have awards that are open, declined and agreed."""
        administrator = self._actor("administrator of the park")
        self._offers(self._round(park))  # collecting
        self._round(park, closes_at=self.ago(days=1))  # closed
        void = self._round(park)
        void_round(self.session, administrator, void.id, "没有足够的接收能力。", now=self.now)
        first = self.month.plus(11)
        for ahead, publishes in ((0, False), (1, True), (2, True), (3, True)):
            month = first.plus(ahead)
            self._listing(bids_close_at=None, first_month=month, last_month=month, kg_per_month=KG * 6)
            of = self._round(park, first_month=month, last_month=month, closes_at=self.ago(days=1))
            run_round(
                sessions_of(self.session.get_bind()),  # type: ignore[arg-type]
                administrator,
                of.id,
                engine=engine("scipy"),
                engine_name="scipy",
                sealer=SEALER,
                now=lambda: self.ago(hours=3),
            )
            for kind in ("input", "result"):
                self.bundle(round_id=of.id, pass_no=1, kind=kind)
            if publishes:
                publish_round(self.session, administrator, of.id, now=self.ago(hours=2))
                self._answer(of.id, ahead)

    def _offers(self, of: Round) -> None:
        """An offer of the line and a reserve of a listing, sealed."""
        stands = (Listing.published_at.is_not(None), Listing.withdrawn_at.is_(None), Listing.expires_at > self.now)
        listing_id = self.session.scalars(select(Listing.id).where(*stands).order_by(Listing.id)).all()[0]
        offer = LineOffer(prices=(("fly_ash", 5800),), kg_per_month=KG)
        reserve = ListingReserve(reserve_fen_per_t=-700)
        recycler, producer = self._actor("signatory of the recycler"), self._actor("signatory of the producer")
        handed = {"sealer": SEALER, "now": self.ago(hours=5)}
        offer_id = hand_in_offer(self.session, recycler, of.id, self.line.id, offer, confirmed=True, **handed)  # type: ignore[arg-type]
        self.bundle(offer_id=offer_id, round_id=of.id, line_id=self.line.id)
        offer_id = hand_in_reserve(self.session, producer, of.id, listing_id, reserve, **handed)  # type: ignore[arg-type]
        self.bundle(offer_id=offer_id, round_id=of.id, listing_id=listing_id)

    def _round(self, park: Park, **given: object) -> Round:
        values = {
            "first_month": self.month.plus(1),
            "last_month": self.month.plus(3),
            "opened_at": self.ago(days=2),
            "closes_at": self.now + timedelta(days=2),
            "answer_by": self.now + timedelta(days=9),
        }
        of: Round = self.make.round(park, **(values | given))
        self.bundle(round_id=of.id, park_id=park.id)
        return of

    def _answer(self, round_id: int, how: int) -> None:
        producer, recycler = self._actor("signatory of the producer"), self._actor("signatory of the recycler")
        for award in self.session.scalars(select(Award).where(Award.round_id == round_id).order_by(Award.id)).all():
            self.bundle(award_id=award.id, round_id=round_id, listing_id=award.listing_id, line_id=award.line_id)
            if how == 2:
                decline_award(self.session, recycler, award.id, "检修停窑。", now=self.ago(hours=1))
            if how == 3:
                accept(self.session, producer, award.id, now=self.ago(hours=1))
                contract = accept(self.session, recycler, award.id, now=self.ago(minutes=30))
                assert contract is not None
                self.bundle(contract_id=contract, award_id=award.id)

    def _actor(self, who: str) -> Actor:
        return self.make.actor(self.session.get_one(Person, self.world.people[who, LANGUAGES[0]]))


def build(session: Session) -> World:
    """Build the world in an empty database."""
    return Builder(session).build()


def paths(world: World, route: Route) -> Iterator[tuple[str, Bundle]]:
    """Yield the addresses of a route in this world with the arguments they are made of."""
    for values in world.values(route):
        address = route.rule
        for name, value in values.items():
            start = address.index("<", 0)
            while not address[start : address.index(">", start)].endswith(name):
                start = address.index("<", start + 1)
            address = address[:start] + str(value) + address[address.index(">", start) + 1 :]
        yield address, values
