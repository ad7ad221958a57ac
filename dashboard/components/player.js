// The sheets of one or more runs under one slider. All pictures come to the browser once (parcels.js), so playing asks
// nothing of the server; it is told the place once the slider or the wipe rests, so that the address can carry it.
//
// data: { label, axis, last: words, opening: value, split: percent, wipe: bool, margin, places: [{ value, words }],
//         emotions: [{ name, colour }], texts: { name: sentence with {gaps} }, formats: [{ name, title, help }],
//         runs: [{ id, name, colour, columns, emotions: [name], pictures: [hash], words: [text a sheet],
//                  at: [sheet shown at each place, -1: none yet], exact: [bool] }] }

const REST_MS = 350;
const SPEEDS = [2, 4, 8, 16];
const GAP = 3; // px between faces
const LEAST = 46; // px of a face: narrower than that, a row is broken, one of ten into two of five
const KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

const store = (window.ferganParcels ??= { sheets: new Map(), target: new EventTarget() });
const players = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".player");
  if (!players.has(root)) players.set(root, new Player(root));
  const player = players.get(root);
  player.tell = (name, value) => component.setStateValue(name, value);
  player.ask = (name, value) => component.setTriggerValue(name, value);
  player.take(component.data);
  player.listen();
  return () => player.deafen();
}

class Player {
  constructor(root) {
    Object.assign(this, { root, speed: 8, at: 0, split: 50, drawing: 0, runs: [], places: [], emotions: [] });
    this.build();
    this.listeners = [
      [document, "keydown", (event) => this.elsewhere(event)],
      [store.target, "sheets", () => this.redraw()],
      [store.target, "file", (event) => this.save(event.detail)],
    ];
    this.sizes = new ResizeObserver(() => this.redraw());
  }

  listen() {
    this.deafen();
    for (const [target, name, action] of this.listeners) target.addEventListener(name, action);
    this.sizes.observe(this.stage);
  }

  deafen() {
    for (const [target, name, action] of this.listeners) target.removeEventListener(name, action);
    this.sizes.disconnect();
  }

  build() {
    this.bar = element("div", "bar");
    this.bar.setAttribute("role", "group");
    this.play = button("play", "", () => (this.timer ? this.stop() : this.start()));
    this.back = button("", "‹", () => this.step(-1), "Previous sheet");
    this.forth = button("", "›", () => this.step(1), "Next sheet");
    this.slider = element("input");
    Object.assign(this.slider, { type: "range", min: 0, oninput: () => this.go(Number(this.slider.value)) });
    this.output = element("output");
    this.pace = element("select");
    this.pace.setAttribute("aria-label", "Sheets a second");
    this.pace.append(...SPEEDS.map((speed) => new Option(`${speed} / s`, speed, speed === 8, speed === 8)));
    this.pace.onchange = () => (this.speed = Number(this.pace.value));
    this.bar.append(this.play, this.back, this.forth, this.slider, this.output, this.pace);
    this.stage = element("div", "runs");
    this.stage.onclick = () => this.slider.focus({ preventScroll: true });
    this.handle = element("div", "wipe");
    this.handle.tabIndex = 0;
    for (const [name, value] of [["role", "slider"], ["aria-valuemin", 0], ["aria-valuemax", 100]]) {
      this.handle.setAttribute(name, value);
    }
    this.handle.onkeydown = (event) => this.wipeKey(event);
    this.saving = element("div", "saving");
    this.saved = element("span", "saved");
    this.saved.setAttribute("role", "status");
    this.root.replaceChildren(this.bar, this.stage, this.saving);
    this.root.onkeydown = (event) => this.key(event);
    this.showPlaying();
  }

  // New data keeps the person's place: only a first mount, another choice of runs or the newest sheet moves it.
  take(data) {
    const text = JSON.stringify(data);
    if (text === this.taken) return;
    this.taken = text;
    const identity = JSON.stringify(data.runs.map((run) => run.id));
    const first = identity !== this.identity;
    const another = !first && data.axis !== this.data.axis;
    const stayAtEnd = !first && this.at === this.places.length - 1;
    const before = this.places[this.at]?.value;
    const sheet = this.runs[0]?.at[this.at] ?? -1;
    Object.assign(this, { identity, data, runs: data.runs, places: data.places, emotions: data.emotions });
    this.bar.setAttribute("aria-label", data.label);
    this.slider.setAttribute("aria-label", data.label);
    this.lay();
    const none = this.places.length < 2;
    for (const control of [this.play, this.back, this.forth, this.slider, this.pace]) control.disabled = none;
    this.slider.max = Math.max(this.places.length - 1, 0);
    if (first) {
      this.stop();
      this.split = data.split;
    }
    const kept = another ? this.places[Math.max(this.runs[0].at.indexOf(sheet), 0)].value : before;
    this.show(this.nearest(first ? data.opening : stayAtEnd ? Infinity : kept));
  }

  // The frames: one a run, or a single one for two runs that a wipe divides.
  lay() {
    const { data } = this;
    const wiping = this.handle.matches(":focus"); // frames are made anew, and would lose it
    this.frames = data.wipe ? [this.frame(this.runs.slice(0, 2))] : this.runs.map((run) => this.frame([run]));
    this.stage.replaceChildren(...this.frames.map((frame) => frame.figure));
    if (wiping && data.wipe) this.handle.focus({ preventScroll: true });
    this.stage.classList.toggle("single", this.frames.length === 1);
    if (this.saving.childElementCount) return; // made anew, a button would lose the focus at every sheet of a live run
    const formats = data.formats.map((format) => {
      const made = button("", format.title, () => this.request(format.name));
      made.title = format.help;
      return made;
    });
    this.saving.replaceChildren(element("span", "", data.texts.save), ...formats, this.saved);
  }

  frame(runs) {
    const figure = element("figure");
    const captions = runs.map((run) => {
      const caption = element("figcaption");
      const name = element("span", "name", run.name);
      name.style.setProperty("--run", run.colour);
      const made = { at: element("span", "at"), note: element("span", "note") };
      caption.append(name, made.at, made.note);
      return { ...made, caption };
    });
    const heads = element("div", runs.length > 1 ? "heads two" : "heads");
    heads.append(...captions.map((one) => one.caption));
    const body = element("div", "faces");
    const rows = this.emotions.map(({ name, colour }) => {
      const row = element("div", "row");
      const label = element("span", "emotion", name);
      label.style.setProperty("--emotion", colour);
      const picture = element("div", "picture");
      const canvas = element("canvas");
      canvas.setAttribute("role", "img");
      picture.append(canvas);
      runs.forEach((run, side) => {
        if (run.emotions.includes(name)) return;
        const gap = element("span", runs.length > 1 ? `absent side${side}` : "absent");
        gap.textContent = filled(this.data.texts.absent, { run: run.name, emotion: name });
        picture.append(gap);
      });
      row.append(label, picture);
      body.append(row);
      return { name, canvas };
    });
    const over = element("div", "over");
    if (runs.length > 1) {
      this.handle.setAttribute("aria-label", filled(this.data.texts.wipe, { left: runs[0].name, right: runs[1].name }));
      over.append(this.handle);
      body.onpointerdown = (event) => this.drag(event, body);
    }
    body.append(over);
    figure.append(heads, body);
    return { figure, runs, captions, rows, over };
  }

  nearest(value) {
    return Math.max(this.places.findLastIndex((place) => place.value <= value), 0);
  }

  step(by) {
    this.go(this.at + by);
  }

  go(place) {
    this.stop();
    this.show(Math.min(Math.max(place, 0), this.places.length - 1));
    this.settle();
  }

  key(event) {
    if (event.target === this.pace || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === " " && event.target.tagName !== "BUTTON" && !this.play.disabled) this.play.click();
    else if (event.key in KEYS) this.step(KEYS[event.key]);
    else return;
    event.preventDefault();
  }

  // Where nothing else would take them, the arrows move the player too, and bring the focus to it for the other keys.
  elsewhere(event) {
    const idle = event.target.matches?.("body, a, section");
    const arrow = event.key === "ArrowLeft" || event.key === "ArrowRight";
    if (!idle || !arrow || event.defaultPrevented || event.shiftKey || !this.root.isConnected) return;
    this.slider.focus({ preventScroll: true });
    this.key(event);
  }

  wipeKey(event) {
    const moves = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 };
    if (!(event.key in moves) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.wipe(this.split + moves[event.key]);
  }

  drag(event, body) {
    const canvas = body.querySelector("canvas");
    const move = ({ clientX }) => {
      const { left, width } = canvas.getBoundingClientRect();
      this.wipe((100 * (clientX - left)) / width);
    };
    body.setPointerCapture(event.pointerId);
    body.onpointermove = move;
    body.onpointerup = body.onpointercancel = () => {
      body.onpointermove = null;
      this.handle.focus({ preventScroll: true });
    };
    move(event);
  }

  wipe(percent) {
    this.split = Math.min(Math.max(Math.round(percent), 0), 100);
    this.redraw();
    this.settle();
  }

  start() {
    if (this.at === this.places.length - 1) this.show(0);
    let due = performance.now();
    const tick = (now) => {
      if (!this.root.isConnected) return;
      this.timer = requestAnimationFrame(tick);
      if (now - due < 1000 / this.speed) return;
      due = now;
      this.show(this.at + 1);
      if (this.at === this.places.length - 1) this.stop();
    };
    this.timer = requestAnimationFrame(tick);
    this.showPlaying();
  }

  stop() {
    if (!this.timer) return;
    cancelAnimationFrame(this.timer);
    this.timer = 0;
    this.showPlaying();
    this.settle();
  }

  showPlaying() {
    this.play.textContent = this.timer ? "Pause" : "Play";
    this.play.setAttribute("aria-pressed", this.timer ? "true" : "false");
  }

  settle() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      if (this.root.isConnected && !this.timer && this.places.length) this.tell("view", this.view());
    }, REST_MS);
  }

  view() {
    return { axis: this.data.axis, place: this.places[this.at].value, split: this.split };
  }

  request(format) {
    this.stop();
    this.requested = `${Date.now()}-${Math.random()}`;
    this.saved.textContent = filled(this.data.texts.making, { format });
    this.ask("save", { ...this.view(), format, speed: this.speed, id: this.requested });
  }

  save(file) {
    if (file.id !== this.requested) return;
    this.requested = null;
    this.saved.textContent = file.refusal ?? file.done;
    if (!file.refusal) saveFile(file);
  }

  redraw() {
    if (!this.places.length || this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (this.root.isConnected) this.show(this.at);
    });
  }

  async show(place) {
    this.at = place;
    const now = this.places[place];
    const drawing = ++this.drawing;
    this.slider.value = place;
    this.output.textContent = filled(this.data.texts.place, { place: now.words, last: this.data.last });
    this.slider.setAttribute("aria-valuetext", this.output.textContent);
    this.root.dataset.place = now.value;
    if (this.frames.some((frame) => frame.runs.length > 1)) {
      this.root.style.setProperty("--split", `${this.split}%`);
      this.handle.setAttribute("aria-valuenow", this.split);
      this.handle.setAttribute("aria-valuetext", `${this.split} %`);
    }
    const drawn = await Promise.all(this.frames.map((frame) => this.draw(frame, place, drawing)));
    if (drawing === this.drawing && drawn.every(Boolean)) this.root.dataset.drawn = now.value;
  }

  async draw(frame, place, drawing) {
    frame.runs.forEach((run, side) => this.caption(frame.captions[side], run, place));
    const hashes = frame.runs.map((run) => run.pictures[run.at[place]]);
    if (hashes.some((hash) => hash && !store.sheets.has(hash))) return false;
    const sheets = await Promise.all(hashes.map((hash) => hash && createImageBitmap(store.sheets.get(hash)).catch(() => null)));
    // A slower picture of an earlier place must not overwrite a later one.
    if (drawing >= (frame.drawn ?? 0)) {
      frame.drawn = drawing;
      for (const row of frame.rows) this.paint(row, frame, sheets, place);
      hashes.forEach((hash, side) => {
        if (hash && !sheets[side]) frame.captions[side].note.textContent = this.data.texts.damaged;
      });
    }
    for (const sheet of sheets) sheet?.close();
    return true;
  }

  caption({ at, note }, run, place) {
    const { texts } = this.data;
    const sheet = run.at[place];
    const gaps = { place: this.places[place].words, sheet: run.words[sheet], first: run.words[0] };
    at.textContent = sheet < 0 ? "" : gaps.sheet;
    note.textContent = sheet < 0 ? filled(texts.before, gaps) : run.exact[place] ? "" : filled(texts.other, gaps);
  }

  paint({ name, canvas }, { runs, over }, sheets, place) {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.floor(canvas.parentElement.clientWidth * ratio);
    const columns = Math.max(...runs.map((run) => run.columns));
    const broken = Math.min(Math.ceil((columns * LEAST * ratio) / width), Math.ceil(columns / 5));
    const line = Math.ceil(columns / Math.min(Math.max(broken, this.emotions.length === 1 ? 2 : 1), columns));
    const gap = Math.round(GAP * ratio);
    const side = Math.max(Math.floor((width + gap) / line) - gap, 1);
    canvas.width = line * (side + gap) - gap;
    canvas.height = Math.ceil(columns / line) * (side + gap) - gap;
    const brush = canvas.getContext("2d");
    brush.imageSmoothingQuality = "high";
    canvas.style.width = `${canvas.width / ratio}px`;
    const split = Math.round((canvas.width * this.split) / 100);
    runs.forEach((run, which) => {
      const row = run.emotions.indexOf(name);
      if (!sheets[which] || row < 0) return;
      const [from, to] = runs.length === 1 ? [0, canvas.width] : which ? [split, canvas.width] : [0, split];
      brush.save();
      brush.beginPath();
      brush.rect(from, 0, to - from, canvas.height);
      brush.clip();
      const { margin } = this.data;
      const tile = (sheets[which].width - margin) / run.columns - margin;
      for (let column = 0; column < run.columns; column++) {
        const x = margin + column * (tile + margin);
        const y = margin + row * (tile + margin);
        const [left, top] = [column % line, Math.floor(column / line)].map((count) => count * (side + gap));
        brush.drawImage(sheets[which], x, y, tile, tile, left, top, side, side);
      }
      brush.restore();
    });
    over.style.width = canvas.style.width;
    canvas.setAttribute("aria-label", runs.map((run) => {
      const sheet = run.at[place];
      if (sheet < 0 || !run.emotions.includes(name)) return `no ${name} faces of ${run.name}`;
      return `${name} faces of ${run.name} at ${run.words[sheet]}`;
    }).join("; "));
  }
}

// Text given by people enters the page by textContent alone.
function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function button(className, text, action, label = "") {
  const made = element("button", className, text);
  made.type = "button";
  made.onclick = action;
  if (label) made.setAttribute("aria-label", label);
  return made;
}

function filled(sentence, gaps) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => gaps[name] ?? whole);
}
