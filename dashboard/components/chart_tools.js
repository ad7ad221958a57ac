// What stands under a chart of Plotly: buttons that save it as SVG and PNG, and the news of what is done on the chart.
//
// data: { file: name without ending, paper: Plotly template, light, dark: css colours of text, logX: bool }
// state: span: { from, to, all } once a span of the x axis was dragged, or, by a double click, all of it asked for

const COLUMN_PX = 321; // 8.5 cm, a column of a paper, at 96 px an inch
const PAPER_FONT_PX = 9.5; // 7 pt
const PLOT_PX = 190; // height of a picture for a paper without its legend
// Not the page's own, which a picture does not bring along: its words would not fit where they were measured to.
const FONT = "Helvetica, Arial, sans-serif";
const SAME_GESTURE_MS = 600;

const toolbars = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".tools");
  if (!toolbars.has(root)) toolbars.set(root, new Tools(root));
  const tools = toolbars.get(root);
  tools.tell = (span) => component.setStateValue("span", span);
  tools.data = component.data;
  tools.attach();
}

class Tools {
  constructor(root) {
    this.root = root;
    for (const format of ["svg", "png"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = format.toUpperCase();
      button.title =
        format === "svg" ? "The chart on white, as wide as a paper's column" : "The chart on white, with twice its pixels";
      button.onclick = () => save(this.plot(), format, this.data);
      root.append(button);
    }
    const tree = root.getRootNode();
    this.box = (tree instanceof ShadowRoot ? tree.host : root).closest('[class*="st-key-chart-"]');
    // Plotly comes to the page after this, and anew when the chart changes.
    this.attached = new WeakSet();
    new MutationObserver(() => this.attach()).observe(this.box, { childList: true, subtree: true });
  }

  plot() {
    return this.box.querySelector(".js-plotly-plot");
  }

  attach() {
    const plot = this.plot();
    if (!plot?.on || this.attached.has(plot)) return;
    this.attached.add(plot);
    plot.on("plotly_relayout", (change) => this.dragged(change));
    plot.on("plotly_doubleclick", () => {
      this.doubleClicked = performance.now();
      this.tell({ all: true, at: Date.now() });
    });
    plot.on("plotly_hover", (event) => highlight(plot, event.points[0]?.curveNumber));
    plot.on("plotly_unhover", () => highlight(plot, undefined));
  }

  dragged(change) {
    if (performance.now() - (this.doubleClicked ?? -Infinity) < SAME_GESTURE_MS) return;
    const ends = ["0", "1"].map((end) => Object.keys(change).find((key) => /^xaxis\d*\.range\[/.test(key) && key.endsWith(`[${end}]`)));
    if (!ends[0] || !ends[1]) return;
    const [from, to] = ends.map((key) => (this.data.logX ? 10 ** change[key] : Number(change[key])));
    this.tell({ from, to, all: false, at: Date.now() });
  }
}

// Of many grey curves, the one under the mouse stands out in the colour of text. A rule and not the curve's own style,
// which Plotly writes anew whenever it draws.
const RULE = `
  .js-plotly-plot .trace.highlighted { opacity: 1 !important; }
  .js-plotly-plot .trace.highlighted path.js-line { stroke: var(--highlight) !important; stroke-width: 2.5px !important; }
`;

function highlight(plot, curve) {
  for (const line of plot.querySelectorAll(".highlighted")) line.classList.remove("highlighted");
  const trace = plot._fullData?.[curve];
  if (!trace || trace.meta !== "curve" || !(trace.opacity < 1)) return;
  if (!document.getElementById("fergan-highlight")) {
    document.head.append(Object.assign(document.createElement("style"), { id: "fergan-highlight", textContent: RULE }));
  }
  plot.style.setProperty("--highlight", plot._fullLayout.font.color);
  plot.querySelector(`.trace${CSS.escape(trace.uid)}`)?.classList.add("highlighted");
}

// Let Plotly draw the chart anew for paper and save it: by its own toolbar's button, given another chart than its own.
function save(plot, format, data) {
  const button = plot?._fullLayout?._modeBar?.buttons.flat().find((one) => one.name === "toImage");
  if (!button) return;
  const forPaper = format === "svg";
  const size = forPaper
    ? { width: COLUMN_PX, height: PLOT_PX + legendHeight(plot) }
    : { width: plot.clientWidth, height: plot.clientHeight, scale: 2 };
  button.click({
    data: plot.data.map((trace) => onPaper(trace, data, forPaper)),
    layout: paperLayout(plot, data, forPaper),
    config: {},
    _context: { ...plot._context, toImageButtonOptions: { format, filename: data.file, ...size } },
  });
}

function paperLayout(plot, data, forPaper) {
  const layout = JSON.parse(JSON.stringify(plot.layout).replaceAll(data.dark, data.light));
  for (const own of ["width", "height", "paper_bgcolor", "plot_bgcolor", "font"]) delete layout[own];
  layout.template = data.paper;
  layout.margin = { ...layout.margin, r: 8 };
  layout.font = { family: FONT };
  if (!forPaper) return layout;
  const font = { family: FONT, size: PAPER_FONT_PX };
  layout.font = font;
  layout.legend = { ...layout.legend, font };
  for (const [name, axis] of Object.entries(layout)) {
    if (/^[xy]axis\d*$/.test(name)) {
      axis.tickfont = font;
      axis.gridwidth = 0.5;
      axis.title = { ...axis.title, font, standoff: 4 };
    }
  }
  for (const annotation of layout.annotations ?? []) annotation.font = { ...annotation.font, ...font };
  return layout;
}

// A trace with the dark theme's ink, which white would swallow, as dark ink; and with thinner lines on a small picture.
function onPaper(trace, data, forPaper) {
  const ink = (colour) => (colour === data.dark ? data.light : colour);
  const line = { ...trace.line, color: ink(trace.line?.color) };
  if (forPaper && line.width) line.width = Math.max(0.75, line.width * 0.7);
  const marker = trace.marker && { ...trace.marker, color: ink(trace.marker.color) };
  return { ...trace, line, ...(marker && { marker }) };
}

function legendHeight(plot) {
  if (plot._fullLayout.showlegend === false) return 0;
  const names = plot._fullData.filter((trace) => trace.showlegend && trace.visible === true).map((trace) => trace.name);
  const widest = Math.max(0, ...names.map((name) => name.length)) * 0.5 * PAPER_FONT_PX + 45;
  const rows = Math.ceil(names.length / Math.max(1, Math.floor(COLUMN_PX / widest)));
  return rows * 2 * PAPER_FONT_PX;
}
