"""The acts of the audit log in the reader's words; one that has no words yet is shown by its name."""

from __future__ import annotations

from typing import Final

from flask import current_app

from marketplace.web.forms.contracts import CAUSE_LABELS
from marketplace.web.i18n import gettext
from marketplace.web.i18n import lazy_gettext as lazy
from marketplace.web.people import role_label

ACTS: Final = {
    "account.sign_in": lazy("signed in"),
    "account.sign_in_failed": lazy("failed to sign in"),
    "account.sign_out": lazy("signed out"),
    "demo.load": lazy("loaded the demo world"),
    "account.proof_failed": lazy("typed a wrong password when signing"),
    "account.reset_asked": lazy("asked for a new password"),
    "account.reset": lazy("set a new password by mail"),
    "account.password": lazy("changed the password"),
    "account.profile": lazy("changed name or language"),
    "account.mail": lazy("chose of what to have mail"),
    "account.mail_off": lazy("ended mail by the link in it"),
    "account.language": lazy("chose the language"),
    "account.end_session": lazy("ended a session"),
    "organization.register": lazy("registered the organization"),
    "organization.edit": lazy("changed the organization"),
    "organization.verify": lazy("verified the organization"),
    "organization.refuse": lazy("did not verify the organization"),
    "organization.suspend": lazy("suspended the organization"),
    "organization.resume": lazy("lifted the suspension"),
    "member.invite": lazy("invited somebody"),
    "member.revoke": lazy("made an invitation void"),
    "member.join": lazy("joined the organization"),
    "member.change": lazy("changed a member's role"),
    "member.remove": lazy("removed a member"),
    "permit.verify": lazy("verified a permit"),
    "capacity.lower": lazy("lowered the capacity of a line"),
    "permit.withdraw": lazy("took a permit's verification back"),
    "park.found": lazy("added the park"),
    "park.edit": lazy("changed the park"),
    "platform.appoint": lazy("appointed somebody"),
    "platform.dismiss": lazy("ended an appointment"),
    "calendar.enter": lazy("entered a day of the calendar"),
    "calendar.take_back": lazy("took back a day of the calendar"),
    "site.add": lazy("added a site"),
    "site.edit": lazy("changed a site"),
    "site.close": lazy("closed a site"),
    "stream.add": lazy("added a waste stream"),
    "stream.edit": lazy("changed a waste stream"),
    "stream.retire": lazy("retired a waste stream"),
    "sheet.add": lazy("entered a lab sheet"),
    "sheet.void": lazy("voided a lab sheet"),
    "line.add": lazy("added an intake line"),
    "line.edit": lazy("changed an intake line"),
    "line.retire": lazy("retired an intake line"),
    "shipment.plan": lazy("planned a shipment"),
    "shipment.cancel": lazy("cancelled a shipment"),
    "shipment.dispatch": lazy("weighed a shipment out"),
    "shipment.arrive": lazy("weighed a shipment in"),
    "shipment.receive": lazy("received a shipment"),
    "shipment.dispute": lazy("found that the two scales differ"),
    "shipment.propose": lazy("proposed a weight"),
    "shipment.agree": lazy("agreed to a weight"),
    "shipment.reject": lazy("rejected a shipment"),
    "shipment.return": lazy("took a rejected shipment back"),
    "shipment.use": lazy("confirmed the use of a shipment"),
    "ticket.correct": lazy("corrected a weighbridge ticket"),
    "filing.add": lazy("entered a filing across provinces"),
    "filing.end": lazy("ended a filing across provinces"),
    "listing.draft": lazy("drafted a listing"),
    "listing.edit": lazy("changed a listing"),
    "listing.publish": lazy("published a listing"),
    "listing.renew": lazy("renewed a listing"),
    "listing.withdraw": lazy("withdrew a listing"),
    "listing.open": lazy("opened the sealed bids"),
    "listing.award": lazy("decided on bids"),
    "bid.submit": lazy("submitted a bid"),
    "bid.withdraw": lazy("withdrew a bid"),
    "bid.void": lazy("a change of the goods made a bid void"),
    "question.ask": lazy("asked a question on a listing"),
    "question.answer": lazy("answered a question on a listing"),
    "award.accept": lazy("accepted an award"),
    "award.decline": lazy("declined an award"),
    "award.lapse": lazy("let an award lapse"),
    "award.hold": lazy("held tonnes at a fixed price"),
    "award.call": lazy("called a bid from standby"),
    "award.nobody_called": lazy("found nobody to call from standby"),
    "contract.make": lazy("made a contract"),
    "contract.propose": lazy("proposed a change of a contract"),
    "contract.sign": lazy("signed a change of a contract"),
    "contract.amend": lazy("brought a new version of a contract into force"),
    "contract.withdraw_proposal": lazy("withdrew a proposed change of a contract"),
    "contract.decline_proposal": lazy("declined a proposed change of a contract"),
    "contract.terminate": lazy("terminated a contract"),
    "offer.hand_in": lazy("handed in something sealed to a round"),
    "offer.take_back": lazy("took back what was handed in to a round"),
    "offer.open": lazy("opened what was handed in to a round"),
    "round.open": lazy("opened a round"),
    "round.close": lazy("closed a round"),
    "round.run": lazy("ran a round"),
    "round.solved": lazy("solved a round"),
    "round.failed": lazy("could not solve a round"),
    "round.stop": lazy("had a run of a round stopped"),
    "round.stopped": lazy("stopped a run of a round"),
    "round.publish": lazy("published a round"),
    "round.settle": lazy("settled a round"),
    "round.oversold": lazy("could not publish a round: part of it was sold"),
    "round.void": lazy("voided a round"),
    "ledger.state": lazy("entered a month of the ledger"),
    "ledger.open_stock": lazy("entered an opening stock"),
    "ledger.import": lazy("imported a ledger"),
}

OBJECTS: Final = {
    "person": lazy("person"),
    "sign_in": lazy("session"),
    "organization": lazy("organization"),
    "appointment": lazy("appointment"),
    "letter": lazy("invitation"),
    "park": lazy("park"),
    "site": lazy("site"),
    "stream": lazy("waste stream"),
    "lab_sheet": lazy("lab sheet"),
    "line": lazy("intake line"),
    "filing": lazy("filing"),
    "listing": lazy("listing"),
    "bid": lazy("bid"),
    "question": lazy("question"),
    "award": lazy("award"),
    "contract": lazy("contract"),
    "offer": lazy("offer in a round"),
    "round": lazy("round"),
    "posting": lazy("posting"),
    "calendar_day": lazy("day of the calendar"),
    "ledger": lazy("ledger"),
}

CAUSES: Final = {
    "listing": lazy("listing"),
    "stream": lazy("waste stream"),
    "sheet": lazy("lab sheet"),
    **CAUSE_LABELS,
}
"""Where the goods were changed that made a bid void; why a contract was terminated."""

TRUTHS: Final = {"True": lazy("yes"), "False": lazy("no")}

DETAILS: Final = {
    "account": lazy("account mark"),
    "address": lazy("address"),
    "after_award_id": lazy("after the award"),
    "awards": lazy("awards"),
    "because": lazy("reason"),
    "before": lazy("before"),
    "bid_id": lazy("bid"),
    "capacity_kg_per_month": lazy("capacity per month, kg"),
    "capacity_kg_per_year": lazy("capacity per year, kg"),
    "cause": lazy("cause"),
    "changed": lazy("changed"),
    "before_kg": lazy("before, kg"),
    "contract_id": lazy("contract"),
    "contract_fee_fen": lazy("cost of a contract, fen"),
    "day": lazy("day"),
    "division_code": lazy("division code"),
    "entered_on_dry_mass": lazy("entered on dry mass"),
    "filed_kg": lazy("filed, kg"),
    "filed_trips": lazy("trips filed"),
    "filing_no": lazy("filing number"),
    "grade": lazy("grade"),
    "invalid": lazy("invalid bids"),
    "kg": lazy("kilograms"),
    "legal_status": lazy("legal status"),
    "limits": lazy("acceptance limits"),
    "listing_id": lazy("listing"),
    "material": lazy("material"),
    "materials": lazy("materials"),
    "month": lazy("month"),
    "monthly_means": lazy("limits of the monthly mean"),
    "name": lazy("name"),
    "number": lazy("number"),
    "out_kg": lazy("sent, kg"),
    "in_kg": lazy("arrived, kg"),
    "plate": lazy("plate"),
    "record": lazy("number of record"),
    "objective": lazy("objective"),
    "opened": lazy("bids opened"),
    "origin_answers": lazy("answers on the origin"),
    "passed_over": lazy("bids passed over"),
    "permit": lazy("permit"),
    "permit_no": lazy("permit number"),
    "permit_valid_until": lazy("permit valid until"),
    "person": lazy("person"),
    "planning": lazy("planning round"),
    "point": lazy("point"),
    "postings": lazy("postings"),
    "reason": lazy("reason"),
    "receipts_sha256": lazy("hash of the receipts"),
    "receiving_site_id": lazy("receiving site"),
    "result_sha256": lazy("hash of the result"),
    "revision": lazy("revision"),
    "role": lazy("role"),
    "round_id": lazy("round"),
    "route": lazy("utilization route"),
    "rows": lazy("rows"),
    "run": lazy("run"),
    "sheet_no": lazy("lab sheet number"),
    "side": lazy("side"),
    "source": lazy("source"),
    "stock_kg": lazy("stock, kg"),
    "stream_id": lazy("waste stream"),
    "subject": lazy("subject"),
    "subsidy_fen_per_t": lazy("subsidy, fen per tonne"),
    "terms_sha256": lazy("hash of the text"),
    "truckload_kg": lazy("truckload, kg"),
    "valid_from": lazy("valid from"),
    "valid_to": lazy("valid to"),
    "valid_until": lazy("valid until"),
    "values": lazy("lab values"),
    "version": lazy("version"),
    "waste_code": lazy("waste code"),
    "works": lazy("business day"),
}


SIDES: Final = {"producer": lazy("producer"), "recycler": lazy("recycler")}

OBJECTIVES: Final = {"utilization": lazy("most tonnes"), "surplus": lazy("greatest surplus")}


def act(action: str) -> str:
    """Return what was done."""
    return str(ACTS.get(action, action))


def thing(kind: str) -> str:
    """Return what it was done to."""
    return str(OBJECTS.get(kind, kind))


def detail(name: str) -> str:
    """Return what a detail is called."""
    return str(DETAILS.get(name, name))


def detail_value(name: str, value: str) -> str:
    """Return a detail in words where it has some: roles, yes and no; and names of columns as they are."""
    if name in ("role", "before") and role_label(value):
        return role_label(value)
    if value in TRUTHS:
        return str(TRUTHS[value])
    if name == "cause" and value in CAUSES:
        return str(CAUSES[value])
    if name == "side" and value in SIDES:
        return str(SIDES[value])
    if name == "objective" and value in OBJECTIVES:
        return str(OBJECTIVES[value])
    if name in ("material", "route", "legal_status") and value:
        return str(current_app.jinja_env.filters[name](value))
    return value or gettext("none")
