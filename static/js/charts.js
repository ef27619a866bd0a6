/* Charts in the tokens of the page: direct labels, goals as ink lines, words and a table beside them. */

/* global echarts */
const lang = document.documentElement.lang || "zh-Hans-CN";
const zh = lang.startsWith("zh");
const style = getComputedStyle(document.documentElement);
const token = (name) => style.getPropertyValue(`--${name}`).trim();
const ink = token("ink");
const quiet = token("ink-2");
const hairline = token("line");
const order = ["use", "info", "slag", "tailings", "ash", "gangue"];
const kinds = new Set(["use", "wait", "fail", "info", "ash", "gangue", "slag", "gypsum", "tailings", "scrap"]);
const font = getComputedStyle(document.body).fontFamily;
const words = { color: ink, fontFamily: font, fontSize: 13 };

/** The color of a meaning or a class of waste; by turns where none is named. */
function color(kind, index = 0) {
  if (kind === "quiet" || kind === "other") return token("field-line");
  return token(kinds.has(kind) ? kind : order[index % order.length]);
}

function writer(decimals = 0) {
  const format = new Intl.NumberFormat(lang, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return (value) => (value === null || value === undefined || value === "-" ? "—" : format.format(value));
}

/** A month for the axis: the year only where it begins. */
function monthMark(value, index) {
  const found = /^(\d{4})-(\d{2})$/.exec(value);
  if (!found) return value;
  const month = Number(found[2]);
  const name = zh ? `${month} 月` : new Intl.DateTimeFormat("en", { month: "short" }).format(new Date(2000, month - 1));
  return index === 0 || month === 1 ? `${name}\n${found[1]}` : name;
}

const axisLine = { lineStyle: { color: token("line-2") } };
const split = { lineStyle: { color: hairline } };
const tooltip = (more) => ({
  renderMode: "richText",
  confine: true,
  backgroundColor: token("sheet"),
  borderColor: token("line-2"),
  borderWidth: 1,
  padding: [8, 10],
  shadowBlur: 0,
  shadowColor: "transparent",
  textStyle: words,
  ...more,
});

/** Goals and limits: ink lines, each with its name at the end; those of axis "x" stand upright. */
function goalLines(lines, valueAxis) {
  return {
    silent: true,
    symbol: "none",
    animation: false,
    data: lines.map((line) => {
      const at = line.axis ? `${line.axis}Axis` : valueAxis;
      const stroke = line.kind ? color(line.kind) : ink;
      return {
        [at]: line.value,
        name: line.label,
        lineStyle: { color: stroke, width: 1.5, type: line.kind ? "dashed" : "solid" },
        label: { formatter: line.label, position: at === "yAxis" ? "insideStartTop" : "end", color: stroke, fontFamily: font, fontSize: 12 },
      };
    }),
  };
}

function series(data, narrow) {
  const write = writer(data.decimals);
  const several = data.series.length > 1;
  const drawn = data.series.map((row, index) => {
    const stroke = color(row.kind, index);
    const bars = row.form === "bar";
    return {
      name: row.name,
      type: bars ? "bar" : "line",
      data: row.values.map((value) => value ?? "-"),
      stack: row.stack || undefined,
      color: stroke,
      barMaxWidth: 28,
      symbol: "circle",
      symbolSize: 5,
      showSymbol: data.x.length <= 24,
      lineStyle: { width: 2 },
      areaStyle: row.form === "area" ? { opacity: 0.18 } : undefined,
      itemStyle: bars ? { borderColor: token("sheet"), borderWidth: row.stack ? 1 : 0 } : undefined,
      endLabel: !bars && several && !narrow ? { show: true, formatter: row.name, color: stroke, fontFamily: font, fontSize: 12, distance: 8 } : undefined,
      labelLayout: { moveOverlap: "shiftY" },
      markLine: index === 0 && data.lines?.length ? goalLines(data.lines, "yAxis") : undefined,
    };
  });
  const legend = several && (narrow || drawn.some((row) => row.type === "bar"));
  const low = data.lines?.length ? Math.max(...data.lines.map((line) => line.value)) : 0;
  return {
    grid: { left: 8, right: several && !narrow && !legend ? 110 : 16, top: legend ? 44 : 28, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: legend ? { top: 0, left: 0, itemWidth: 12, itemHeight: 8, icon: "rect", textStyle: words } : undefined,
    tooltip: tooltip({ trigger: "axis", valueFormatter: (value) => `${write(value)} ${data.unit ?? ""}`.trim(), axisPointer: { lineStyle: { color: token("line-2") } } }),
    xAxis: { type: "category", data: data.x, axisLine, axisTick: { show: false }, axisLabel: { color: quiet, fontFamily: font, formatter: monthMark, hideOverlap: true } },
    yAxis: {
      type: "value",
      name: data.unit,
      nameTextStyle: { color: quiet, fontFamily: font, align: "left" },
      nameGap: 12,
      scale: Boolean(data.free),
      max: (range) => (low > range.max ? Math.ceil(low * 1.05) : null),
      axisLabel: { color: quiet, fontFamily: font, formatter: (value) => writer(value % 1 ? 1 : 0)(value) },
      splitLine: split,
    },
    series: drawn,
  };
}

function bars(data) {
  const write = writer(data.decimals);
  return {
    grid: { left: 8, right: 72, top: data.lines?.length ? 24 : 8, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: tooltip({ trigger: "item", formatter: (hit) => `${hit.name}  ${write(hit.value)} ${data.unit ?? ""}` }),
    xAxis: { type: "value", axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: {
      type: "category",
      inverse: true,
      data: data.items.map((item) => item.name),
      axisLine,
      axisTick: { show: false },
      axisLabel: { color: ink, fontFamily: font, fontSize: 13, width: 150, overflow: "truncate" },
    },
    series: [
      {
        type: "bar",
        barMaxWidth: 18,
        data: data.items.map((item) => ({
          value: item.value ?? "-",
          url: item.url,
          itemStyle: { color: color(item.kind), borderColor: item.kind === "gypsum" ? token("gypsum-edge") : undefined, borderWidth: item.kind === "gypsum" ? 1 : 0 },
        })),
        label: { show: true, position: "right", color: ink, fontFamily: font, formatter: (hit) => `${write(hit.value)} ${data.unit ?? ""}` },
        markLine: data.lines?.length ? goalLines(data.lines, "xAxis") : undefined,
      },
    ],
  };
}

/** Plants, wastes and where they go. Two labels share the room before the last column, where they face each other. */
function sankey(data, narrow, width) {
  const write = writer(data.decimals);
  const last = Math.max(1, ...data.nodes.map((node) => node.depth));
  const room = width / last - 12;
  const most = (node) => Math.max(48, Math.min(220, (gives.has(node.id) && node.depth < last - 1 ? room : room / 2) - 12));
  const label = new Map(data.nodes.map((node) => [node.id, node.label]));
  const gives = new Set(data.links.map((link) => link.source));
  const kind = new Map(data.nodes.map((node) => [node.id, node.kind]));
  return {
    tooltip: tooltip({
      formatter: (hit) =>
        hit.dataType === "edge"
          ? `${label.get(hit.data.source)} → ${label.get(hit.data.target)}\n${write(hit.value)} ${data.unit ?? ""}`
          : `${label.get(hit.name)}\n${write(hit.value)} ${data.unit ?? ""}`,
    }),
    series: [
      {
        type: "sankey",
        left: 4,
        right: 4,
        top: 8,
        bottom: 8,
        nodeWidth: 8,
        nodeGap: narrow ? 14 : 12,
        draggable: false,
        emphasis: { focus: "adjacency" },
        data: data.nodes.map((node, index) => ({
          name: node.id,
          depth: node.depth,
          itemStyle: { color: node.kind ? color(node.kind, index) : quiet, borderWidth: 0 },
          label: { position: gives.has(node.id) ? "right" : "left", formatter: node.label, width: most(node) },
        })),
        links: data.links.map((link) => ({ ...link, lineStyle: { color: color(link.kind ?? kind.get(link.source) ?? "quiet"), opacity: 0.32, curveness: 0.5 } })),
        label: { color: ink, fontFamily: font, fontSize: narrow ? 11 : 13, lineHeight: narrow ? 13 : 15, overflow: "break", textBorderColor: token("sheet"), textBorderWidth: 2 },
      },
    ],
  };
}

function curve(data) {
  const write = { x: writer(data.x.decimals), y: writer(data.y.decimals) };
  const axis = (side) => ({
    type: "value",
    scale: true,
    name: `${data[side].label}${data[side].unit ? ` / ${data[side].unit}` : ""}`,
    nameLocation: side === "x" ? "middle" : "end",
    nameGap: side === "x" ? 28 : 12,
    nameTextStyle: { color: quiet, fontFamily: font, align: side === "x" ? "center" : "left" },
    axisLine,
    axisLabel: { color: quiet, fontFamily: font, formatter: write[side], hideOverlap: true },
    splitLine: split,
  });
  return {
    grid: { left: 8, right: 24, top: 36, bottom: 30, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: tooltip({
      trigger: "item",
      formatter: (hit) => `${hit.data.name ?? ""}\n${write.x(hit.value[0])} ${data.x.unit ?? ""}\n${write.y(hit.value[1])} ${data.y.unit ?? ""}`.trim(),
    }),
    xAxis: axis("x"),
    yAxis: axis("y"),
    series: [
      { type: "line", data: data.points, color: token("use"), lineStyle: { width: 2 }, symbol: data.points.length > 40 ? "none" : "circle", symbolSize: 5, markLine: data.lines?.length ? goalLines(data.lines, "xAxis") : undefined },
      {
        type: "scatter",
        data: (data.marks ?? []).map((mark) => ({ value: [mark.x, mark.y], name: mark.label })),
        symbolSize: 10,
        itemStyle: { color: token("sheet"), borderColor: ink, borderWidth: 2 },
        label: { show: true, formatter: "{b}", position: "top", color: ink, fontFamily: font, fontSize: 12 },
        labelLayout: { moveOverlap: "shiftY" },
      },
    ],
  };
}

const draw = { series, bars, sankey, curve };

function show(figure) {
  const area = figure.querySelector(".chart-area");
  const data = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
  const said = area.getAttribute("aria-label");
  if (figure.dataset.chart === "bars") area.style.height = `${Math.max(120, data.items.length * 34 + 36)}px`;
  const chart = echarts.init(area, null, { renderer: "canvas", locale: zh ? "ZH" : "EN" });
  const render = () => {
    const option = draw[figure.dataset.chart](data, area.clientWidth < 560, area.clientWidth);
    chart.setOption({ animation: false, textStyle: words, aria: { enabled: true, label: { description: said } }, ...option }, true);
  };
  render();
  chart.on("click", (hit) => {
    if (hit.data?.url) window.location.assign(hit.data.url);
  });
  new ResizeObserver(() => {
    chart.resize();
    render();
  }).observe(area);
}

for (const figure of document.querySelectorAll("[data-chart]")) show(figure);
