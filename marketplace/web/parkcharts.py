"""What the charts and the map of a park read: plain values with names in the reader's language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from flask import url_for

from marketplace.domain.quantities import Month
from marketplace.queries.parkrows import AwardFlow
from marketplace.queries.parks import ParkPage
from marketplace.web.filters import material, percent, pick, route
from marketplace.web.i18n import gettext
from marketplace.web.marks import kind_of

MOST_PLANTS: Final = 12
"""More would not be readable; the smaller ones flow together, and the table behind has all."""

_USES: Final = ("utilized", "stored", "disposed", "discarded")
_MEANING: Final = {"utilized": "use", "stored": "wait", "disposed": "info", "discarded": "fail"}


def use_names() -> dict[str, str]:
    """Return where waste goes, in the reader's language."""
    return {
        "utilized": gettext("Utilized"),
        "stored": gettext("Stored"),
        "disposed": gettext("Disposed of"),
        "discarded": gettext("Discarded"),
    }


def rate_chart(months: Iterable[tuple[Month, Any]], goal: Any) -> dict[str, Any]:
    """Return the rate by month with the goal as a line."""
    kept = list(months)
    return {
        "unit": "%",
        "decimals": 1,
        "x": [str(month) for month, _ in kept],
        "series": [
            {
                "name": gettext("Utilization rate"),
                "kind": "use",
                "form": "line",
                "values": [None if rate is None else round(float(rate) * 100, 2) for _, rate in kept],
            }
        ],
        "lines": [{"value": float(goal) * 100, "label": gettext("goal %(percent)s %%", percent=percent(goal))}],
    }


def flows_chart(page: ParkPage) -> dict[str, Any]:
    """Return where each month's waste went, stacked, in tonnes."""
    return {
        "unit": gettext("t"),
        "decimals": 0,
        "x": [str(row.month) for row in page.months],
        "series": [
            {
                "name": name,
                "kind": _MEANING[use],
                "form": "bar",
                "stack": "all",
                "values": [_tonnes(getattr(row.figures, f"{use}_kg")) for row in page.months],
            }
            for use, name in use_names().items()
            if getattr(page.total, f"{use}_kg")
        ],
    }


def uses_sankey(page: ParkPage) -> dict[str, Any]:
    """Return plant, material, use and, where a contract covers it, route and receiver, over the period."""
    contracted: dict[tuple[int, str], list[AwardFlow]] = defaultdict(list)
    for flow in page.flows:
        if flow.contract_id is not None:
            contracted[flow.producer_id, flow.material].append(flow)
    drawn = _Sankey()
    names = use_names()
    large = {plant.organization_id for plant in page.plants[:MOST_PLANTS]}
    for plant in page.plants:
        first = drawn.plant(plant.organization_id, plant.name_zh, plant.name_en, own=plant.organization_id in large)
        for row in plant.materials:
            kind = kind_of(row.material)
            second = drawn.node(f"m:{row.material}", material(row.material), 1, kind)
            uses = {use: max(0, getattr(row.figures, f"{use}_kg")) for use in _USES}
            drawn.link(first, second, sum(uses.values()), kind)
            for flow in contracted.get((plant.organization_id, row.material), ()):
                kg = min(flow.kg, uses["utilized"])
                uses["utilized"] -= kg
                drawn.award(second, flow, kg, kind)
            for use, kg in uses.items():
                if kg:
                    drawn.link(second, drawn.node(f"u:{use}", names[use], 2, _MEANING[use]), kg, kind)
    return drawn.data()


def awards_sankey(page: ParkPage) -> dict[str, Any]:
    """Return plant, material, route and receiver of the awards to come."""
    drawn = _Sankey()
    kg_by_plant: dict[int, int] = defaultdict(int)
    for flow in page.ahead:
        kg_by_plant[flow.producer_id] += flow.kg
    large = set(sorted(kg_by_plant, key=lambda plant: (-kg_by_plant[plant], plant))[:MOST_PLANTS])
    for flow in page.ahead:
        kind = kind_of(flow.material)
        first = drawn.plant(flow.producer_id, flow.producer_zh, flow.producer_en, own=flow.producer_id in large)
        second = drawn.node(f"m:{flow.material}", material(flow.material), 1, kind)
        drawn.link(first, second, flow.kg, kind)
        drawn.award(second, flow, flow.kg, kind)
    return drawn.data()


class _Sankey:
    """Nodes and links as they come; links between the same two are one."""

    def __init__(self) -> None:
        self._nodes: dict[str, dict[str, Any]] = {}
        self._links: dict[tuple[str, str, str], int] = defaultdict(int)

    def node(self, key: str, label: str, depth: int, kind: str = "") -> str:
        self._nodes.setdefault(key, {"id": key, "label": label, "depth": depth, "kind": kind})
        return key

    def plant(self, organization_id: int, name_zh: str, name_en: str, *, own: bool) -> str:
        if not own:
            return self.node("p:", gettext("other plants"), 0)
        return self.node(f"p:{organization_id}", pick(name_zh, name_en), 0)

    def award(self, source: str, flow: AwardFlow, kg: int, kind: str) -> None:
        if kg:
            way = self.node(f"r:{flow.route}", route(flow.route), 2, "use")
            self.link(source, way, kg, kind)
            receiver = self.node(f"c:{flow.recycler_id}", pick(flow.recycler_zh, flow.recycler_en), 3, "use")
            self.link(way, receiver, kg, kind)

    def link(self, source: str, target: str, kg: int, kind: str) -> None:
        if kg:
            self._links[source, target, kind] += kg

    def data(self) -> dict[str, Any]:
        used = {key for source, target, _ in self._links for key in (source, target)}
        return {
            "unit": gettext("t"),
            "decimals": 0,
            "nodes": [node for key, node in self._nodes.items() if key in used],
            "links": [
                {"source": source, "target": target, "value": _tonnes(kg), "kind": kind}
                for (source, target, kind), kg in self._links.items()
            ],
        }


def link_rows(data: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """Return the links of a Sankey by name, for the table behind it."""
    label = {node["id"]: node["label"] for node in data["nodes"]}
    return [(label[link["source"]], label[link["target"]], link["value"]) for link in data["links"]]


def postings_url(page: ParkPage, **wanted: Any) -> str:
    """Return where the postings stand that a figure of the page is made of."""
    period = page.period
    span: dict[str, Any] = {"from": str(period.first), "to": str(period.last), "scope": period.scope}
    return url_for("ledger.postings", park=page.park_id, **span, **wanted)


def map_data(page: ParkPage) -> dict[str, Any]:
    """Return the park's sites, the receivers beyond it, and what awards will move between them."""
    points = [
        {
            "lat": site.lat_udeg / 1e6,
            "lon": site.lon_udeg / 1e6,
            "name": pick(site.organization_zh, site.organization_en),
            "note": pick(site.name_zh, site.name_en),
            "kind": "producer" if site.site_id in page.generated_by_site or not site.recycles else "recycler",
            "tonnes": _tonnes(page.generated_by_site.get(site.site_id, 0)) or None,
            "url": postings_url(page, organization=site.organization_id),
            "link": gettext("Postings"),
        }
        for site in page.sites
    ]
    here = {(site.lat_udeg, site.lon_udeg) for site in page.sites}
    beyond: dict[tuple[int, int], dict[str, Any]] = {}
    moved: dict[tuple[int, int, int, int, str], int] = defaultdict(int)
    named: dict[tuple[int, int, int, int, str], str] = {}
    for flow in page.ahead:
        start, end = (flow.from_lat_udeg, flow.from_lon_udeg), (flow.to_lat_udeg, flow.to_lon_udeg)
        if end not in here:
            beyond[end] = {
                "lat": end[0] / 1e6,
                "lon": end[1] / 1e6,
                "name": pick(flow.recycler_zh, flow.recycler_en),
                "kind": "recycler",
            }
        key = (*start, *end, flow.material)
        moved[key] += flow.kg
        named[key] = f"{pick(flow.producer_zh, flow.producer_en)} → {pick(flow.recycler_zh, flow.recycler_en)}"
    flows = [
        {
            "from": [key[0] / 1e6, key[1] / 1e6],
            "to": [key[2] / 1e6, key[3] / 1e6],
            "tonnes": _tonnes(kg),
            "kind": kind_of(key[4]),
            "label": named[key],
            "note": material(key[4]),
        }
        for key, kg in moved.items()
    ]
    return {"points": [*points, *beyond.values()], "flows": flows}


def _tonnes(kg: int) -> float:
    return kg / 1000
