// A generator to play with: it draws in this page, by ONNX Runtime Web (drawing.js before this, parcels.js for its bytes).
//
// data: { generator: key of its parcel, emotions: [{ name, colour }], shape, normal, faces: how many to choose from,
//         frames: how many of a way to save, ways: [{ name, words }], formats: [{ name, help }],
//         view: { seed, emotion, first, second, blend, other, mix, strength, truncation }, texts: { name: sentence } }

const REST_MS = 350;
const WIDE = 48;
const store = (window.ferganParcels ??= { sheets: new Map(), target: new EventTarget() });
const explorers = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".explorer");
  if (!explorers.has(root)) explorers.set(root, new Explorer(root));
  const explorer = explorers.get(root);
  explorer.tell = (view) => component.setStateValue("view", view);
  explorer.ask = (wish) => component.setTriggerValue("save", wish);
  explorer.take(component.data);
  store.target.addEventListener("generator", explorer.arrived);
  store.target.addEventListener("file", explorer.made);
  return () => {
    store.target.removeEventListener("generator", explorer.arrived);
    store.target.removeEventListener("file", explorer.made);
  };
}

class Explorer {
  constructor(root) {
    this.root = root;
    this.arrived = () => this.open();
    this.made = (event) => this.save(event.detail);
    this.work = Promise.resolve();
    this.waiting = {};
  }

  take(data) {
    const another = data.generator !== this.data?.generator;
    const identity = JSON.stringify([data.generator, data.emotions, data.faces]);
    this.data = data;
    if (identity !== this.identity) {
      this.identity = identity;
      this.view = { ...data.view };
      this.build();
    }
    if (another) {
      this.draw = this.opening = undefined;
      this.open();
    }
  }

  // The bytes may come before the component or after it.
  async open() {
    const parts = store.generators?.get(this.data.generator);
    if (!parts || this.opening) return;
    this.opening = true;
    this.say(this.data.texts.opening);
    try {
      this.draw = await openGenerator(parts);
      this.say(this.data.texts.ready);
      this.all();
    } catch (error) {
      this.say(`${this.data.texts.refused} (${error.message})`);
    }
  }

  say(words) {
    this.status.textContent = words;
  }

  build() {
    const { texts, emotions } = this.data;
    const names = emotions.map((emotion) => emotion.name);
    this.status = element("p", "status");
    this.status.setAttribute("role", "status");
    this.say(texts.waiting);

    const choices = element("div", "controls");
    choices.append(
      this.choice("emotion", texts.emotion, names, () => this.faces()),
      this.number("seed", texts.seed, () => this.faces()),
    );
    // Noise that is shortened is noise from which no network has learnt to draw.
    if (this.data.shape.length === 1) {
      choices.append(this.slider("truncation", texts.truncation, 10, 100, "%", () => this.all()));
    }
    this.pick = this.radio(texts.pick, ["first", "second"], texts.which);
    choices.append(this.pick.group);
    this.grid = element("div", "grid");
    this.grid.setAttribute("role", "group");
    this.grid.setAttribute("aria-label", texts.grid);
    this.tiles = Array.from({ length: this.data.faces }, (_, face) => {
      const tile = element("button", "tile");
      tile.type = "button";
      tile.append(canvas());
      tile.firstChild.setAttribute("aria-hidden", true); // the button is named
      tile.onclick = () => this.choose(face);
      return tile;
    });
    this.grid.append(...this.tiles);

    this.row = element("div", "row");
    this.moods = emotions.map(({ name, colour }) => {
      const figure = element("figure");
      const caption = element("figcaption", "", name);
      caption.style.borderColor = colour;
      figure.append(canvas(), caption);
      return figure;
    });
    this.row.append(...this.moods);

    const between = element("div", "between");
    this.large = canvas("large");
    const sliders = element("div", "controls column");
    sliders.append(
      this.slider("blend", texts.blend, 0, 100, "%", () => this.middle()),
      this.choice("other", texts.other, names, () => this.middle()),
      this.slider("mix", texts.mix, 0, 100, "%", () => this.middle()),
      this.slider("strength", texts.strength, 0, 200, "%", () => this.middle()),
      this.downloads(),
    );
    between.append(this.large, sliders);

    this.root.replaceChildren(
      this.status, choices, this.grid,
      element("h2", "", texts.moods), this.row,
      element("h2", "", texts.between), between,
    );
    this.mark();
  }

  choose(face) {
    this.view[this.pick.value()] = face;
    this.mark();
    this.changed();
    this.rowOfEmotions();
    this.middle();
  }

  mark() {
    const { first, second } = this.view;
    this.tiles.forEach((tile, face) => {
      tile.setAttribute("aria-pressed", face === first || face === second);
      tile.dataset.mark = `${face === first ? "A" : ""}${face === second ? "B" : ""}`;
      tile.setAttribute("aria-label", `${this.data.texts.face} ${face + 1}${tile.dataset.mark ? `, ${tile.dataset.mark}` : ""}`);
    });
  }

  all() {
    this.faces();
    this.rowOfEmotions();
    this.middle();
  }

  faces() {
    this.changed();
    const canvases = this.tiles.map((tile) => tile.firstChild);
    this.paint("faces", canvases, () => this.tiles.map((_, face) => [this.latent(face), this.share(this.view.emotion)]));
    this.rowOfEmotions();
    this.middle();
  }

  rowOfEmotions() {
    const canvases = this.moods.map((figure) => figure.firstChild);
    this.paint("row", canvases, () => {
      const latent = this.latent(this.view.first);
      return this.data.emotions.map(({ name }) => [latent, this.share(name)]);
    });
    const { texts } = this.data;
    this.moods.forEach((figure, place) =>
      figure.firstChild.setAttribute("aria-label", `${texts.face} A, ${this.data.emotions[place].name}`),
    );
  }

  middle() {
    this.changed();
    this.paint("middle", [this.large], () => [this.input(this.view)]);
    const { emotion, other, mix } = this.view;
    this.large.setAttribute("aria-label", `${this.data.texts.large}: ${emotion}, ${mix} % ${other}`);
  }

  // What the network draws a view of: a latent, and shares of the emotions.
  input({ first, second, blend, emotion, other, mix, strength }) {
    const latent = spherical(this.latent(first), this.latent(second), blend / 100);
    const wanted = mixed(this.share(emotion), this.share(other), mix / 100);
    return [latent, mixed(this.calm(), wanted, strength / 100)];
  }

  // Draws a way at the view: the server, which has the formats, makes a file of it.
  async request(way, format) {
    if (!this.draw) {
      this.saved.textContent = this.data.texts.waiting;
      return;
    }
    const view = { ...this.view };
    this.requested = `${Date.now()}-${Math.random()}`;
    this.saved.textContent = this.data.texts.making.replace("{format}", format);
    const { frames, shape } = this.data;
    const slider = way === "faces" ? "blend" : "mix";
    const rows = Array.from({ length: frames }, (_, frame) => this.input({ ...view, [slider]: (100 * frame) / (frames - 1) }));
    this.work = this.work.then(async () => {
      const pixels = await this.draw(joined(rows.map(([latent]) => latent)), shape, joined(rows.map(([, share]) => share)));
      this.ask({ id: this.requested, way, format, view, faces: btoa(rows.map((_, place) => greys(pixels, place)).join("")) });
    });
  }

  save(file) {
    if (file.id !== this.requested) return;
    this.requested = null;
    this.saved.textContent = file.done;
    saveFile(file);
  }

  downloads() {
    const { texts, ways, formats } = this.data;
    const all = element("div", "downloads");
    ways.forEach(({ name: way, words }) => {
      const line = element("div");
      line.append(element("span", "", `${texts.save} ${words}:`));
      formats.forEach(({ name, help }) => {
        const button = element("button", "", name);
        Object.assign(button, { type: "button", title: help, onclick: () => this.request(way, name) });
        button.setAttribute("aria-label", texts.saved.replace("{format}", name).replace("{way}", words));
        line.append(button);
      });
      all.append(line);
    });
    this.saved = element("p", "saved");
    this.saved.setAttribute("role", "status");
    all.append(this.saved);
    return all;
  }

  latent(face) {
    const { shape, normal } = this.data;
    const number = randomNumbers(this.view.seed * this.data.faces + face, normal);
    const scale = this.view.truncation / 100;
    return Float32Array.from({ length: shape.reduce((product, side) => product * side, 1) }, () => scale * number());
  }

  share(name) {
    return Float32Array.from(this.data.emotions, (emotion) => Number(emotion.name === name));
  }

  // What an emotion is stronger than: the neutral face, or where that was not learnt the mean of all emotions.
  calm() {
    const count = this.data.emotions.length;
    const neutral = this.share("neutral");
    return neutral.some(Boolean) ? neutral : Float32Array.from(neutral, () => 1 / count);
  }

  // Draws one picture after the other; of several wishes for the same canvases the latest alone is drawn.
  paint(what, canvases, inputs) {
    if (!this.draw) return;
    const queued = what in this.waiting;
    this.waiting[what] = { canvases, inputs };
    if (queued) return;
    this.work = this.work.then(async () => {
      const wish = this.waiting[what];
      delete this.waiting[what];
      const rows = wish.inputs();
      const began = performance.now();
      const pixels = await this.draw(joined(rows.map(([latent]) => latent)), this.data.shape, joined(rows.map(([, share]) => share)));
      wish.canvases.forEach((one, place) => paintFace(one, pixels, place));
      if (what === "middle") this.root.dataset.milliseconds = Math.round(performance.now() - began);
      this.root.dataset.drawn = Number(this.root.dataset.drawn ?? 0) + 1;
    });
  }

  // The server hears of the view once it rests, so that the address can carry it.
  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const text = JSON.stringify(this.view);
      if (text !== this.told) this.tell({ ...this.view });
      this.told = text;
    }, REST_MS);
  }

  slider(name, label, least, most, unit, then) {
    const input = Object.assign(element("input"), { type: "range", min: least, max: most, value: this.view[name] });
    const output = element("output", "", `${this.view[name]} ${unit}`);
    input.oninput = () => {
      this.view[name] = Number(input.value);
      output.textContent = `${input.value} ${unit}`;
      then();
    };
    return labelled(label, input, output);
  }

  number(name, label, then) {
    const input = Object.assign(element("input"), { type: "number", min: 0, max: 9999999, step: 1, value: this.view[name] });
    input.onchange = () => {
      if (!input.checkValidity() || input.value === "") input.value = this.view[name];
      this.view[name] = Number(input.value);
      then();
    };
    return labelled(label, input);
  }

  choice(name, label, options, then) {
    const select = element("select");
    select.append(...options.map((option) => new Option(option, option, false, option === this.view[name])));
    select.onchange = () => {
      this.view[name] = select.value;
      then();
    };
    return labelled(label, select);
  }

  radio(label, values, words) {
    const group = element("fieldset");
    group.append(element("legend", "", label));
    const inputs = values.map((value, place) => {
      const input = Object.assign(element("input"), { type: "radio", name: "pick", value, checked: place === 0 });
      const line = element("label");
      line.append(input, words[place]);
      group.append(line);
      return input;
    });
    return { group, value: () => inputs.find((input) => input.checked).value };
  }
}

function element(kind, name = "", words = "") {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (words) made.textContent = words;
  return made;
}

function canvas(name = "") {
  const made = Object.assign(element("canvas", name), { width: WIDE, height: WIDE });
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", "Generated face"); // until it is known which
  return made;
}

function labelled(words, ...inputs) {
  const label = element("label", "field");
  inputs[0].setAttribute("aria-label", words); // without the options and the value, which are in the label too
  label.append(element("span", "", words), ...inputs);
  return label;
}

// A face's greys as a text of one letter a byte.
function greys(pixels, place) {
  const scratch = canvas();
  paintFace(scratch, pixels, place);
  const { data } = scratch.getContext("2d").getImageData(0, 0, WIDE, WIDE);
  return String.fromCharCode(...data.filter((_, at) => at % 4 === 0));
}

function joined(rows) {
  const all = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, place) => all.set(row, place * row.length));
  return all;
}

function mixed(from, to, share) {
  return from.map((value, place) => (1 - share) * value + share * to[place]);
}

// Between two latents along the sphere on which they lie (Shoemake 1985); the straight line where that is undefined.
function spherical(from, to, share) {
  const dot = (a, b) => a.reduce((sum, value, place) => sum + value * b[place], 0);
  const cosine = dot(from, to) / Math.sqrt(dot(from, from) * dot(to, to));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (!(Math.sin(angle) > 1e-4)) return mixed(from, to, share);
  const [left, right] = [1 - share, share].map((part) => Math.sin(part * angle) / Math.sin(angle));
  return from.map((value, place) => left * value + right * to[place]);
}
