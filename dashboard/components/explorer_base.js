// What the parts of a page that draw in it by ONNX Runtime Web share (drawing.js before this, parcels.js for the bytes):
// a generator is opened, controls change a view, pictures follow.

const REST_MS = 350;
const WIDE = 48;
const store = (window.ferganParcels ??= { sheets: new Map(), target: new EventTarget() });

// A descendant has identity (what its controls are made of), build, all (draws everything), and for parcels of other
// kinds save (a file) and hear (words).
class Explorer {
  constructor(root) {
    this.root = root;
    this.arrived = () => this.open();
    this.made = (event) => this.save?.(event.detail);
    this.heard = () => this.hear?.();
    this.work = Promise.resolve();
    this.waiting = {};
  }

  take(data) {
    const another = data.generator !== this.data?.generator;
    this.data = data;
    const identity = JSON.stringify([data.generator, this.identity()]);
    if (identity !== this.made_of) {
      this.made_of = identity;
      this.view = { ...data.view };
      this.build();
      this.say(this.draw && !another ? data.texts.ready : data.texts.waiting);
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
    } catch (error) {
      this.refuse(error.message); // the server draws in the browser's place
      return;
    }
    this.say(this.data.texts.ready);
    this.all();
  }

  say(words) {
    this.status.textContent = words;
  }

  // The line at the top: what the browser is at.
  statusLine() {
    this.status = element("p", "status");
    this.status.setAttribute("role", "status");
    return this.status;
  }

  latent(face, seed = this.view.seed) {
    const { shape, normal, faces } = this.data;
    const number = randomNumbers(seed * faces + face, normal);
    const scale = (this.view.truncation ?? 100) / 100;
    return Float32Array.from({ length: shape.reduce((product, side) => product * side, 1) }, () => scale * number());
  }

  share(name) {
    return Float32Array.from(this.data.emotions, (emotion) => Number(emotion.name === name));
  }

  // Takes [latent, shares of the emotions] for each face.
  drawn(rows) {
    return this.draw(joined(rows.map(([latent]) => latent)), this.data.shape, joined(rows.map(([, share]) => share)));
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
      const pixels = await this.drawn(rows);
      wish.canvases.forEach((one, place) => paintFace(one, pixels, place));
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

  // `written` says a value beside the slider, and to who cannot see where it stands.
  slider(name, label, { least, most, step = 1, written }, then) {
    const input = Object.assign(element("input"), { type: "range", min: least, max: most, step, value: this.view[name] });
    const output = element("output");
    const say = () => {
      output.textContent = written(this.view[name]);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.oninput = () => {
      this.view[name] = Number(input.value);
      say();
      then();
    };
    say();
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

function joined(rows) {
  const all = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, place) => all.set(row, place * row.length));
  return all;
}

function mixed(from, to, share) {
  return from.map((value, place) => (1 - share) * value + share * to[place]);
}
