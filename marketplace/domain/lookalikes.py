"""What looks like general waste and is hazardous: the questions that tell the two apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from marketplace.domain.wording import Sentence


@dataclass(frozen=True)
class Question:
    """
    A question about the origin of ``materials``, with the answer that makes them hazardous.

    ``hazardous_code`` is the code, or category, of the directory of hazardous waste of 2025; ``reason`` says in one
    sentence why.
    """

    code: str
    materials: frozenset[str]
    text: Sentence
    hazardous_if: bool
    hazardous_code: str
    reason: Sentence
    confidence: str


_METALS = frozenset({"scrap_steel", "scrap_nonferrous", "scrap_machinery"})
_DUSTS = frozenset({"steel_slag", "other_slag", "other_industrial"})
_WRAPPED = frozenset({"waste_plastic", "waste_paper", "waste_textiles", "waste_wood", "waste_rubber", "waste_glass"})

LOOKALIKES: Final = (
    Question(
        "burns_waste",
        frozenset({"fly_ash", "bottom_ash", "dry_fgd_ash"}),
        Sentence("Does any of it come from an incinerator, or from a boiler that burns household waste beside coal?"),
        hazardous_if=True,
        hazardous_code="772-002-18",
        reason=Sentence("fly ash of waste incineration is on the list."),
        confidence="high",
    ),
    Question(
        "furnace_dust",
        _DUSTS,
        Sentence("Is it, or does it contain, dust collected from electric-arc steel furnaces?"),
        hazardous_if=True,
        hazardous_code="312-001-23",
        reason=Sentence("dust of electric-arc steelmaking is on the list."),
        confidence="high",
    ),
    Question(
        "leach_residue",
        frozenset({"other_slag", "chemical_residue", "other_industrial"}),
        Sentence("Is it residue of leaching lead, zinc or copper, arsenic slag, or collected smelter dust?"),
        hazardous_if=True,
        hazardous_code="HW48",
        reason=Sentence("residues of non-ferrous smelting of this kind are on the list."),
        confidence="high",
    ),
    Question(
        "aluminum_ash",
        frozenset({"other_slag", "scrap_nonferrous", "other_industrial"}),
        Sentence("Is it aluminum ash (dross), salt slag, or spent pot lining?"),
        hazardous_if=True,
        hazardous_code="HW48",
        reason=Sentence("aluminum ash, salt slag and spent pot lining are always on the list."),
        confidence="high",
    ),
    Question(
        "cyanide_leached",
        frozenset({"tailings"}),
        Sentence("Does the ore go through cyanide leaching?"),
        hazardous_if=True,
        hazardous_code="092-003-33",
        reason=Sentence("residue of cyanide leaching is on the list."),
        confidence="medium",
    ),
    Question(
        "alkaline",
        frozenset({"red_mud", "carbide_slag", "chemical_residue"}),
        Sentence("Was a pH of 12.5 or more ever measured in its leachate?"),
        hazardous_if=True,
        hazardous_code="GB 5085.1",
        reason=Sentence("a leachate of pH 12.5 or more is corrosive, so it needs an identification report."),
        confidence="high",
    ),
    Question(
        "listed_sludge",
        frozenset({"sludge", "chemical_residue", "leather_textile_waste"}),
        Sentence("Does it come from plating, tanning with chromium, dyestuff, pesticide, or oily water treatment?"),
        hazardous_if=True,
        hazardous_code="HW17",
        reason=Sentence("sludges and residues of these processes are on the list."),
        confidence="medium",
    ),
    Question(
        "oil_based",
        frozenset({"drill_cuttings"}),
        Sentence("Was oil-based drilling fluid used?"),
        hazardous_if=True,
        hazardous_code="071-002-08",
        reason=Sentence("cuttings with oil-based fluid are on the list."),
        confidence="medium",
    ),
    Question(
        "oily",
        _METALS,
        Sentence("Does oil or cutting fluid still drip from it?"),
        hazardous_if=True,
        hazardous_code="900-200-08",
        reason=Sentence("chips with cutting fluid are hazardous until no more drips from them."),
        confidence="high",
    ),
    Question(
        "lead_acid",
        frozenset({"li_battery", "e_waste", "scrap_nonferrous"}),
        Sentence("Are there lead-acid or nickel-cadmium batteries among it?"),
        hazardous_if=True,
        hazardous_code="900-052-31",
        reason=Sentence("lead-acid batteries are on the list."),
        confidence="high",
    ),
    Question(
        "circuit_boards",
        frozenset({"e_waste", "scrap_machinery"}),
        Sentence("Is it, or does it contain, loose circuit boards, leaded tube glass, or lamps with mercury?"),
        hazardous_if=True,
        hazardous_code="900-045-49",
        reason=Sentence("separated circuit boards, leaded glass and mercury lamps are on the list."),
        confidence="high",
    ),
    Question(
        "contaminated",
        _WRAPPED,
        Sentence("Did it hold or wipe up oil, paint, solvent, acid, pesticide or another dangerous substance?"),
        hazardous_if=True,
        hazardous_code="900-041-49",
        reason=Sentence("packaging and cloth that such substances soiled are on the list."),
        confidence="high",
    ),
    Question(
        "spent_catalyst",
        frozenset({"other_industrial", "refractories"}),
        Sentence(
            "Is it a vanadium-titanium catalyst, activated carbon from exhaust air, or a lining that held chromium?"
        ),
        hazardous_if=True,
        hazardous_code="772-007-50, 900-039-49",
        reason=Sentence("spent denitration catalyst and carbon from exhaust air are on the list."),
        confidence="medium",
    ),
    Question(
        "resin_sand",
        frozenset({"foundry_sand"}),
        Sentence("Was the sand bound with a resin that a laboratory found to leach phenol or other toxic substances?"),
        hazardous_if=True,
        hazardous_code="GB 5085.3",
        reason=Sentence("sand that leaches beyond the limits is hazardous by identification."),
        confidence="low",
    ),
)
"""In the order in which they are asked. What is missing here is still caught by code, by test value and by mixture."""
