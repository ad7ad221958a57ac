// The explorer's faces: a grid to choose from, one face in every emotion, and what lies between two (explorer_base.js
// before this).
//
// data, beside what explorer.js names: { faces: how many to choose from, frames: how many of a way to save,
//         ways: [{ name, words }], formats: [{ name, help }] }
// view: { seed, emotion, first, second, blend, other, mix, strength, truncation }
// trigger: save: { id, way, format, view, faces }, which a parcel answers

class FacesExplorer extends Explorer {
  identity() {
    return [this.data.emotions, this.data.faces];
  }

  build() {
    const { texts, emotions } = this.data;
    const names = emotions.map((emotion) => emotion.name);
    const choices = element("div", "controls");
    choices.append(
      this.choice("emotion", texts.emotion, names, () => this.all()),
      this.number("seed", texts.seed, () => this.all()),
    );
    // Noise that is shortened is noise from which no network has learnt to draw.
    if (this.data.shape.length === 1) {
      choices.append(this.slider("truncation", texts.truncation, percent(10, 100), () => this.all()));
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
      this.slider("blend", texts.blend, percent(0, 100), () => this.middle()),
      this.choice("other", texts.other, names, () => this.middle()),
      this.slider("mix", texts.mix, percent(0, 100), () => this.middle()),
      this.slider("strength", texts.strength, percent(0, 200), () => this.middle()),
      this.downloads(),
    );
    between.append(this.large, sliders);

    this.root.replaceChildren(
      this.statusLine(), choices, this.grid,
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
    const { frames } = this.data;
    const slider = way === "faces" ? "blend" : "mix";
    const rows = Array.from({ length: frames }, (_, frame) => this.input({ ...view, [slider]: (100 * frame) / (frames - 1) }));
    this.work = this.work.then(async () => {
      const pixels = await this.drawn(rows);
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

  // What an emotion is stronger than: the neutral face, or where that was not learnt the mean of all emotions.
  calm() {
    const count = this.data.emotions.length;
    const neutral = this.share("neutral");
    return neutral.some(Boolean) ? neutral : Float32Array.from(neutral, () => 1 / count);
  }
}

function percent(least, most) {
  return { least, most, written: (value) => `${value} %` };
}

// A face's greys as a text of one letter a byte.
function greys(pixels, place) {
  const scratch = canvas();
  paintFace(scratch, pixels, place);
  const { data } = scratch.getContext("2d").getImageData(0, 0, WIDE, WIDE);
  return String.fromCharCode(...data.filter((_, at) => at % 4 === 0));
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
