// Runs as a table of HTML: a click on a row picks it where rows have tick boxes, a click on its name opens it in this
// tab, and so does one anywhere on a row without a box; a click on a column's title sorts. What is picked, opened or
// sorted is the server's to act on.
//
// data: { label: text, ticks: bool, columns: [{ key, title, help, sortable, number }], sort: key, descending: bool,
//         rows: [{ id, ids: [run id], href, level, open: bool or null, cells: { key: cell } }], picked: [run id],
//         answer: int }
// cell: { text, small, help, picture, badges: [{ text, colour }], button, line: [[epoch, value]], low, high }

const tables = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".runs");
  if (!tables.has(root)) tables.set(root, new Table(root));
  tables.get(root).take(component);
}

class Table {
  constructor(root) {
    this.root = root;
    this.sent = 0;
    this.active = 0;
    this.picked = new Set();
    root.onkeydown = (event) => this.key(event);
    root.onfocusin = (event) => this.follow(event);
  }

  take(component) {
    this.component = component;
    const { answer, picked, ...shown } = component.data;
    const text = JSON.stringify(shown);
    if (text !== this.text) {
      this.text = text;
      this.data = shown;
      this.build();
    }
    // An answer to an older click must not take back a newer one.
    if (answer >= this.sent) {
      this.sent = answer;
      this.picked = new Set(picked);
    }
    this.mark();
  }

  build() {
    const focused = this.root.getRootNode().activeElement;
    const again = focused && [focused.closest("[data-id]")?.dataset.id, focused.className];
    this.root.classList.toggle("short", !this.data.ticks);
    const table = element("table");
    table.setAttribute("aria-label", this.data.label);
    const head = element("tr");
    if (this.data.ticks) head.append(cellOf("th", "tick", this.tickOfAll()));
    head.append(...this.data.columns.map((column) => this.title(column)));
    const body = element("tbody");
    this.rows = this.data.rows.map((row, place) => this.row(row, place));
    body.append(...this.rows);
    const header = element("thead");
    header.append(head);
    table.append(header, body);
    this.root.replaceChildren(table);
    this.active = Math.min(this.active, Math.max(0, this.rows.length - 1));
    if (again?.[0]) {
      const marked = [...table.querySelectorAll("[data-id]")].find((one) => one.dataset.id === again[0]);
      marked?.querySelector(`.${again[1]}`)?.focus();
    }
  }

  tickOfAll() {
    this.all = element("input", "all");
    this.all.type = "checkbox";
    this.all.setAttribute("aria-label", "Pick all runs of this page");
    this.all.onchange = () => this.pick(this.data.rows.flatMap((row) => row.ids), this.all.checked);
    return this.all;
  }

  title(column) {
    const cell = element("th", `${column.key.replace(/\W/g, "-")}${column.number ? " number" : ""}`);
    cell.scope = "col";
    cell.dataset.id = `title of ${column.key}`;
    if (column.help) cell.title = column.help;
    if (!column.sortable) {
      cell.textContent = column.title;
      return cell;
    }
    const sorted = column.key === this.data.sort;
    const button = element("button", "sort", column.title);
    button.type = "button";
    if (sorted) {
      cell.setAttribute("aria-sort", this.data.descending ? "descending" : "ascending");
      const arrow = element("span", "arrow", this.data.descending ? " ↓" : " ↑");
      arrow.setAttribute("aria-hidden", "true");
      button.append(arrow);
    }
    button.onclick = () => this.component.setTriggerValue("sort", column.key);
    cell.append(button);
    return cell;
  }

  row(row, place) {
    const line = element("tr", row.open === null ? "run" : "group");
    line.dataset.id = row.id;
    line.dataset.level = row.level;
    if (this.data.ticks) {
      const tick = element("input", "pick");
      tick.type = "checkbox";
      tick.setAttribute("aria-label", `Pick ${row.cells.name.text}`);
      tick.onclick = (event) => this.click(event, row, place, tick.checked);
      line.append(cellOf("td", "tick", tick));
    }
    for (const column of this.data.columns) line.append(this.cell(column, row));
    line.onclick = (event) => {
      if (event.target.closest("a, button, input")) return;
      if (String(window.getSelection())) return; // a text was marked to be copied
      if (row.open !== null) this.component.setTriggerValue("toggle", row.id);
      else if (this.data.ticks) this.click(event, row, place, !this.picked.has(row.id));
      else line.querySelector(".open").click();
    };
    return line;
  }

  cell(column, row) {
    const content = row.cells[column.key] ?? {};
    const cell = element("td", `${column.key.replace(/\W/g, "-")}${column.number ? " number" : ""}`);
    if (content.help) cell.title = content.help;
    if (column.key === "name") cell.append(this.name(row, content));
    else if (content.picture) {
      const picture = element("img");
      picture.src = content.picture;
      picture.alt = content.help ?? "";
      cell.append(picture);
    } else if (content.button) {
      const button = element("button", "act", content.button);
      button.type = "button";
      button.onclick = () => this.component.setTriggerValue("button", row.id);
      cell.append(button);
    } else if (content.line) cell.append(curve(content));
    else if (content.text !== undefined) cell.append(element("span", "value", content.text));
    if (column.key !== "name" && content.small) cell.append(element("small", "", content.small));
    if (content.badges) cell.append(badgesOf(content.badges));
    return cell;
  }

  name(row, content) {
    const box = element("div", "named");
    let title = element("span", "open", content.text);
    if (row.open !== null) {
      title = element("button", "open", `${row.open ? "▾" : "▸"} ${content.text}`);
      title.type = "button";
      title.setAttribute("aria-expanded", row.open);
      title.onclick = () => this.component.setTriggerValue("toggle", row.id);
    } else if (row.href) {
      title = element("a", "open", content.text);
      title.href = row.href;
      title.onclick = (event) => {
        // With a key held the browser opens a tab or a window of its own, as with any link.
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        this.component.setTriggerValue("open", row.id);
      };
    } else if (!this.data.ticks) {
      title = element("button", "open", content.text);
      title.type = "button";
      title.onclick = () => this.component.setTriggerValue("open", row.id);
    }
    box.append(title);
    if (content.small) box.append(element("small", "", content.small));
    const badges = row.cells.status?.badges;
    if (badges) box.append(badgesOf(badges, "narrow")); // on a telephone the column of the status is out of sight
    return box;
  }

  click(event, row, place, on) {
    let ids = row.ids;
    if (event.shiftKey && this.last !== undefined) {
      const [from, to] = [Math.min(this.last, place), Math.max(this.last, place)];
      ids = this.data.rows.slice(from, to + 1).flatMap((one) => one.ids);
      window.getSelection().removeAllRanges();
    }
    this.last = this.active = place;
    this.pick(ids, on);
  }

  pick(ids, on) {
    for (const id of ids) on ? this.picked.add(id) : this.picked.delete(id);
    this.mark();
    this.sent += 1;
    this.component.setStateValue("picked", { ids: [...this.picked], number: this.sent });
  }

  // Show which rows are picked. One row alone can be reached by Tab, the others from it by the arrows.
  mark() {
    let count = 0;
    this.data.rows.forEach((row, place) => {
      const picked = row.ids.filter((id) => this.picked.has(id)).length;
      const whole = row.ids.length > 0 && picked === row.ids.length;
      const tick = this.rows[place].querySelector("input.pick");
      if (tick) {
        tick.checked = whole;
        tick.indeterminate = picked > 0 && !whole;
        tick.disabled = row.ids.length === 0;
      } else this.rows[place].querySelector(".open").setAttribute("aria-current", whole);
      this.rows[place].classList.toggle("picked", whole);
      if (whole) count += 1;
      for (const control of this.rows[place].querySelectorAll("input, a, button"))
        control.tabIndex = place === this.active ? 0 : -1;
    });
    if (!this.data.ticks) return;
    this.all.checked = count > 0 && count === this.data.rows.length;
    this.all.indeterminate = count > 0 && !this.all.checked;
  }

  follow(event) {
    const place = this.rows.indexOf(event.target.closest("tbody tr"));
    if (place < 0 || place === this.active) return;
    this.active = place;
    this.mark();
  }

  key(event) {
    const place = this.rows.indexOf(event.target.closest("tbody tr"));
    if (place < 0) return;
    const moves = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: this.rows.length - 1 };
    if (event.key in moves) {
      const next = this.rows[moves[event.key]];
      const control = event.target.className;
      (next?.querySelector(`.${control}:not(:disabled)`) ?? next?.querySelector(".open"))?.focus();
      event.preventDefault();
    } else if (event.key === "Enter" && event.target.className === "pick") {
      this.rows[place].querySelector(".open").click();
      event.preventDefault();
    }
  }
}

function curve({ line, low, high, help }) {
  const [width, height, edge] = [96, 30, 3];
  const [first, last] = [line[0][0], line[line.length - 1][0]];
  const x = (epoch) => (last > first ? edge + ((epoch - first) / (last - first)) * (width - 2 * edge) : width / 2);
  const y = (value) => height - edge - ((value - low) / (high - low || 1)) * (height - 2 * edge);
  const picture = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": help });
  if (line.length > 1) {
    picture.append(drawn("polyline", { points: line.map(([epoch, value]) => `${x(epoch)},${y(value)}`).join(" ") }));
  }
  picture.append(drawn("circle", { cx: x(last), cy: y(line[line.length - 1][1]), r: 2.5 }));
  return picture;
}

function drawn(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function badgesOf(badges, kind = "") {
  const box = element("div", `badges ${kind}`);
  for (const { text, colour } of badges) box.append(element("span", `badge ${colour}`, text));
  return box;
}

function cellOf(tag, name, content) {
  const cell = element(tag, name);
  cell.append(content);
  return cell;
}

function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}
