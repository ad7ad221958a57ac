// The explorer's faces along directions: as they are drawn and moved, a slider for each direction, and what a judge says
// beside it (explorer_base.js before this). The server's controls choose emotion and seed.
//
// data, beside what explorer.js names: { directions: which they are, count: how many, input: "latents" or "emotions", which
//         of the network's inputs they move, moves: base64 of float32, by how much a unit along each moves it, most: units
//         to either side, faces: of a seed, shown: how many of them, emotion, seed }
// view: { along1: units, along2: ... }
// parcel: words: { key: which directions, words: what a judge says of each }

const UNITS = 0.5; // a step of a slider

class DirectionsExplorer extends Explorer {
  identity() {
    return [this.data.directions, this.data.count];
  }

  take(data) {
    const bytes = Uint8Array.from(atob(data.moves), (letter) => letter.charCodeAt(0));
    this.moves = new Float32Array(bytes.buffer);
    super.take(data);
    const chosen = JSON.stringify([data.directions, data.emotion, data.seed]);
    if (chosen !== this.chosen) this.all();
    this.chosen = chosen;
  }

  build() {
    const { texts, shown } = this.data;
    this.pairs = Array.from({ length: shown }, (_, face) => {
      const pair = element("div", "pair");
      texts.pair.forEach((words) => {
        const one = canvas();
        one.setAttribute("aria-label", `${texts.face} ${face + 1}, ${words}`);
        pair.append(one);
      });
      return pair;
    });
    const pairs = element("div", "pairs");
    pairs.append(...this.pairs);
    this.reset = Object.assign(element("button", "", texts.reset), { type: "button", onclick: () => this.still() });
    const line = element("div", "controls");
    line.append(element("p", "about", texts.about), this.reset);
    this.along = element("div", "along");
    this.root.replaceChildren(this.statusLine(), pairs, line, this.along);
    this.sliders();
    this.told = JSON.stringify(this.view); // the address has it already
  }

  sliders() {
    const { texts, count, most } = this.data;
    const bounds = { least: -most, most, step: UNITS, written: signed };
    this.said = Array.from({ length: count }, () => element("p", "said", texts.judging));
    const rows = this.said.map((said, place) => {
      const row = element("div", "direction");
      row.append(this.slider(`along${place + 1}`, `${texts.direction} ${place + 1}`, bounds, () => this.move()), said);
      return row;
    });
    this.along.replaceChildren(...rows);
    this.hear();
  }

  // What a judge says may come before the component or after it.
  hear() {
    const { directions, texts } = this.data;
    if (store.words?.key !== directions) return;
    this.said.forEach((said, place) => said.replaceChildren(element("strong", "", texts.right), ` ${store.words.words[place]}`));
  }

  still() {
    Object.keys(this.view).forEach((name) => (this.view[name] = 0));
    this.sliders();
    this.along.querySelector("input").focus(); // the button cannot keep the focus
    this.move();
  }

  all() {
    this.paint("still", this.pairs.map((pair) => pair.firstChild), () => this.inputs());
    this.move();
  }

  move() {
    this.changed();
    this.reset.disabled = !Object.values(this.view).some(Boolean);
    this.paint("moved", this.pairs.map((pair) => pair.lastChild), () => this.inputs(this.offset()));
  }

  // What the network draws the faces of: their latents and the emotion, of which one is moved.
  inputs(offset) {
    const { emotion, seed, input } = this.data;
    return this.pairs.map((_, face) => {
      const row = { latents: this.latent(face, seed), emotions: this.share(emotion) };
      offset?.forEach((by, place) => (row[input][place] += by));
      return [row.latents, row.emotions];
    });
  }

  offset() {
    const size = this.moves.length / this.data.count;
    const offset = new Float32Array(size);
    Object.values(this.view).forEach((units, direction) => {
      for (let place = 0; place < size; place++) offset[place] += units * this.moves[direction * size + place];
    });
    return offset;
  }
}

function signed(units) {
  return `${units > 0 ? "+" : ""}${units.toFixed(1)}`.replace("-", "−");
}
