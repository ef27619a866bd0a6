"""Tables 2 and 3 of the ledger: read as a page, and handed out as a workbook in the layout of the guide."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Invalid, NotFound
from marketplace.domain.listings import month_at
from marketplace.domain.quantities import Month
from marketplace.queries.ledgertables import TablesPage, tables_page
from marketplace.web.context import actor, now, parts, session
from marketplace.web.filters import month as month_text
from marketplace.web.filters import pick
from marketplace.web.forms.rows import whole
from marketplace.web.forms.shipments import MODE_LABELS
from marketplace.web.i18n import gettext
from marketplace.web.routing import could, requires

blueprint = Blueprint("ledgertables", __name__)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CENT = Decimal("0.01")


@blueprint.get("/ledger/tables")
@requires("ledger.read")
def show() -> ResponseReturnValue:
    """Show both tables of a month."""
    # who operates a scale reads the ledger, but of the shipments those of its own site alone
    return render_template("ledger/tables.html", page=_page(), may_open=could("contract.read"))


@blueprint.get("/ledger/tables.xlsx")
@requires("ledger.read")
def workbook() -> ResponseReturnValue:
    """Hand both tables out as a workbook."""
    page = _page()
    content = parts().workbook([_flows(page), _left(page)])
    name = f"ledger-{page.organization_id}-{page.month}.xlsx"
    return Response(content, mimetype=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _page() -> TablesPage:
    text = request.args.get("month", "")
    try:
        month = Month.parse(text) if text else month_at(now())
    except Invalid as refusal:
        raise NotFound from refusal
    wanted = whole(request.args.get("organization", "")) or None
    return tables_page(session(), actor(), organization_id=wanted, month=month, now=now())


def _head(page: TablesPage) -> list[str]:
    return [
        gettext(
            "%(name)s   %(code)s   %(month)s",
            name=pick(page.name_zh, page.name_en),
            code=page.credit_code,
            month=month_text(page.month),
        )
    ]


def _signed() -> list[str]:
    return [gettext("Responsible: ____________   Filled in by: ____________   Date: ____________")]


def _tonnes(kg: int) -> Decimal:
    """Return tonnes to two decimals, as the guide asks; a half goes to the even digit."""
    return (Decimal(kg) / 1000).quantize(CENT)


def _flows(page: TablesPage) -> object:
    header = [
        gettext("Waste code"), gettext("Waste"), gettext("Site"), gettext("Generated (t)"), gettext("Stored (t)"),
        gettext("Own use (t)"), gettext("Used by"), gettext("Used by others (t)"), gettext("Disposed of (t)"),
        gettext("Discarded (t)"), gettext("Cumulative stock (t)"),
    ]  # fmt: skip
    rows: list[list[object]] = []
    for flow in page.flows:
        first = flow.used_by_others[0] if flow.used_by_others else None
        rows.append([
            flow.waste_code, pick(flow.stream, flow.stream_en), pick(flow.site, flow.site_en),
            _tonnes(flow.generated_kg), _tonnes(flow.stored_kg), _tonnes(flow.own_use_kg),
            pick(first.name_zh, first.name_en) if first else "", _tonnes(first.kg) if first else _tonnes(0),
            _tonnes(flow.disposed_kg), _tonnes(flow.discarded_kg), _tonnes(flow.stock_kg),
        ])  # fmt: skip
        rows += [
            ["", "", "", None, None, None, pick(use.name_zh, use.name_en), _tonnes(use.kg), None, None, None]
            for use in flow.used_by_others[1:]
        ]
    return parts().table(
        name=gettext("Table 2"), title=gettext("Table 2. Where the month's waste went"), above=_head(page),
        header=header, rows=rows, below=_signed(),
    )  # fmt: skip


def _left(page: TablesPage) -> object:
    header = [
        gettext("Number of record"), gettext("Waste code"), gettext("Waste"), gettext("Left at"), gettext("Quantity (t)"),
        gettext("Handled by"), gettext("Carrier"), gettext("Plate"), gettext("Driver"), gettext("Telephone"),
        gettext("How it travels"), gettext("Receiver"), gettext("Flow"),
    ]  # fmt: skip
    zone = ZoneInfo(parts().settings.timezone)
    rows = [
        [
            row.record_no, row.waste_code, pick(row.stream, row.stream_en),
            row.at.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0), _tonnes(row.kg), row.handler,
            row.carrier, row.plate, row.driver, row.driver_phone, str(MODE_LABELS[row.mode]),
            pick(row.receiver_zh, row.receiver_en),
            gettext("within the province") if row.flow == "within" else gettext("across provinces"),
        ]
        for row in page.left
    ]  # fmt: skip
    return parts().table(
        name=gettext("Table 3"), title=gettext("Table 3. What left the plant"), above=_head(page), header=header,
        rows=rows, below=_signed(),
    )  # fmt: skip
