/* Points and flows at their coordinates, on plain paper: a scale bar, and no outline of any country. */

/* global L */
const style = getComputedStyle(document.documentElement);
const token = (name) => style.getPropertyValue(`--${name}`).trim();
const format = new Intl.NumberFormat(document.documentElement.lang || "zh-Hans-CN", { maximumFractionDigits: 0 });
const marks = { producer: "gangue", recycler: "use", yard: "wait" };
const kinds = new Set(["use", "wait", "fail", "info", "ash", "gangue", "slag", "gypsum", "tailings", "scrap"]);
const color = (kind) => token(marks[kind] ?? (kinds.has(kind) ? kind : "info"));

function ground(area, words, tiles) {
  const map = L.map(area, { attributionControl: true, scrollWheelZoom: false, zoomSnap: 0.5, fadeAnimation: false, zoomAnimation: false, markerZoomAnimation: false });
  map.attributionControl.setPrefix(false);
  if (tiles) L.tileLayer(tiles.url, { attribution: tiles.attribution, maxZoom: 18 }).addTo(map);
  else map.attributionControl.addAttribution(words);
  L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
  map.on("focus", () => map.scrollWheelZoom.enable());
  map.on("blur", () => map.scrollWheelZoom.disable());
  return map;
}

/** Fit what is there; around a single point, some tens of kilometers. */
function fit(map, places) {
  if (places.length === 0) map.setView([39.9, 113.2], 8);
  else if (places.length === 1) map.setView(places[0], 10);
  else map.fitBounds(places, { padding: [36, 36], maxZoom: 13 });
}

function line(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function words(row, unit) {
  const box = document.createElement("div");
  box.append(line("b", row.name ?? row.label ?? ""));
  if (row.tonnes !== undefined && row.tonnes !== null) box.append(line("span", `${format.format(row.tonnes)} ${unit}`));
  if (row.note) box.append(line("span", row.note));
  if (row.url) {
    const link = line("a", row.link ?? row.name);
    link.href = row.url;
    box.append(link);
  }
  return box;
}

function points(map, rows, unit) {
  const most = Math.max(1, ...rows.map((row) => row.tonnes ?? 0));
  const named = rows.length <= 24;
  const marks = [];
  for (const row of rows) {
    const hollow = row.kind === "recycler";
    const stroke = color(row.kind);
    const mark = L.circleMarker([row.lat, row.lon], {
      radius: 5 + 9 * Math.sqrt((row.tonnes ?? 0) / most),
      color: hollow ? stroke : token("sheet"),
      weight: hollow ? 3 : 1.5,
      fillColor: hollow ? token("sheet") : stroke,
      fillOpacity: 1,
    }).addTo(map);
    mark.bindPopup(() => words(row, unit));
    mark.bindTooltip(() => line("span", row.name), { permanent: named, direction: "auto", offset: [8, 0], className: "place" });
    marks.push([row.tonnes ?? 0, mark]);
  }
  if (named) uncrowd(map, marks.sort((a, b) => b[0] - a[0]).map(([, mark]) => mark));
}

/** Names that would lie on another are shown only under the pointer, or closer up; the largest goes first. */
function uncrowd(map, marks) {
  const tidy = () => {
    const kept = [];
    for (const label of marks.map((mark) => mark.getTooltip()?.getElement()).filter(Boolean)) {
      const box = label.getBoundingClientRect();
      const free = kept.every((other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom);
      label.classList.toggle("crowded", !free);
      if (free) kept.push(box);
    }
  };
  for (const mark of marks) {
    mark.on("mouseover", () => mark.getTooltip()?.getElement()?.classList.remove("crowded"));
    mark.on("mouseout", tidy);
  }
  map.on("zoomend resize", tidy);
  tidy();
}

function flows(map, rows, unit) {
  const most = Math.max(1, ...rows.map((row) => row.tonnes ?? 0));
  for (const row of [...rows].sort((a, b) => (b.tonnes ?? 0) - (a.tonnes ?? 0))) {
    L.polyline([row.from, row.to], { color: color(row.kind), weight: 1.5 + 7 * ((row.tonnes ?? 0) / most), opacity: 0.55, lineCap: "butt" })
      .addTo(map)
      .bindPopup(() => words(row, unit));
  }
}

/** A mark that writes two inputs and follows them. */
function pin(map, figure, data) {
  const lat = document.getElementById(figure.dataset.lat);
  const lon = document.getElementById(figure.dataset.lon);
  const read = () => {
    const place = [Number.parseFloat(lat.value), Number.parseFloat(lon.value)];
    return place.every(Number.isFinite) && Math.abs(place[0]) <= 90 && Math.abs(place[1]) <= 180 ? place : null;
  };
  /** Give other fields the values that belong to a place of this origin, such as the datum of the map. */
  const set = (values) => {
    for (const [id, value] of Object.entries(values ?? {})) {
      const input = document.getElementById(id);
      if (input) input.value = value;
    }
  };
  const icon = L.divIcon({ className: "pin-mark", iconSize: [20, 20] });
  let mark = null;
  const write = (place) => {
    lat.value = place.lat.toFixed(6);
    lon.value = place.lng.toFixed(6);
    set(data.sets);
    lat.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const put = (place) => {
    if (mark) mark.setLatLng(place);
    else {
      mark = L.marker(place, { icon, draggable: true, autoPan: true, title: figure.dataset.wordPin }).addTo(map);
      mark.on("dragend", () => write(mark.getLatLng()));
    }
  };
  map.on("click", (event) => {
    const place = event.latlng.wrap();
    put(place);
    write(place);
  });
  for (const input of [lat, lon]) {
    input.addEventListener("change", () => {
      set(data.typed);
      const place = read();
      if (!place) return;
      put(place);
      map.panTo(place, { animate: false });
    });
  }
  const first = read();
  if (first) put(first);
  return first;
}

for (const figure of document.querySelectorAll("[data-map]")) {
  const data = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
  const map = ground(figure.querySelector(".map-area"), figure.dataset.wordPlain, data.tiles);
  const unit = figure.dataset.wordTonnes ?? "";
  const places = [...(data.points ?? []).map((row) => [row.lat, row.lon]), ...(data.flows ?? []).flatMap((row) => [row.from, row.to])];
  fit(map, places);
  flows(map, data.flows ?? [], unit);
  points(map, data.points ?? [], unit);
  if (figure.dataset.map === "pin") {
    const first = pin(map, figure, data);
    if (first) map.setView(first, 11);
    const fold = figure.closest("details"); // a folded map has no size until it is opened
    fold?.addEventListener("toggle", () => {
      map.invalidateSize();
      if (!map.touched) fit(map, first ? [first] : places);
      map.touched = true;
    });
  }
}
