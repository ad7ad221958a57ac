// The sheets of one or more runs under one slider. All pictures are here from the start, so playing asks nothing of
// the server; it is told the epoch once the slider rests, so that the address can carry it.
//
// data: { runs: [{ name, emotions: [name], colours: [css], columns, epochs: [int], pictures: [base64 WebP] }],
//         epoch: int, label: text, tile: px of a face's side, margin: px between faces }

const REST_MS = 350;
const SPEEDS = [2, 4, 8, 16];

const players = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".player");
  if (!players.has(root)) players.set(root, new Player(root));
  const player = players.get(root);
  player.tell = (epoch) => component.setStateValue("epoch", epoch);
  player.take(component.data);
}

class Player {
  constructor(root) {
    this.root = root;
    this.build();
    this.speed = 8;
    this.at = 0;
    this.epochs = [];
    this.drawing = 0;
  }

  build() {
    const bar = element("div", "bar");
    bar.setAttribute("role", "group");
    this.bar = bar;
    this.play = element("button", "play");
    this.back = element("button", "", "‹");
    this.forth = element("button", "", "›");
    for (const button of [this.play, this.back, this.forth]) button.type = "button";
    this.back.setAttribute("aria-label", "Previous epoch");
    this.forth.setAttribute("aria-label", "Next epoch");
    this.slider = element("input");
    this.slider.type = "range";
    this.slider.min = 0;
    this.slider.setAttribute("aria-label", "Epoch");
    this.output = element("output");
    this.pace = element("select");
    this.pace.setAttribute("aria-label", "Epochs a second");
    for (const speed of SPEEDS) {
      const option = element("option", "", `${speed} / s`);
      option.value = speed;
      option.selected = speed === 8;
      this.pace.append(option);
    }
    bar.append(this.play, this.back, this.forth, this.slider, this.output, this.pace);
    this.stage = element("div", "runs");
    this.root.replaceChildren(bar, this.stage);

    this.play.onclick = () => (this.timer ? this.stop() : this.start());
    this.back.onclick = () => this.step(-1);
    this.forth.onclick = () => this.step(1);
    this.slider.oninput = () => this.go(Number(this.slider.value));
    this.pace.onchange = () => (this.speed = Number(this.pace.value));
    this.stage.onclick = () => this.slider.focus();
    this.root.onkeydown = (event) => this.key(event);
    this.showPlaying();
  }

  // New data keeps the person's place: only a first mount, another choice of runs or the newest epoch moves it.
  take(data) {
    const identity = JSON.stringify([data.label, data.runs.map((run) => run.id)]);
    const first = identity !== this.identity;
    const stayAtEnd = !first && this.at === this.epochs.length - 1;
    const before = this.epochs[this.at];
    this.identity = identity;
    this.tile = data.tile;
    this.margin = data.margin;
    this.bar.setAttribute("aria-label", data.label);
    this.epochs = [...new Set(data.runs.flatMap((run) => run.epochs))].sort((a, b) => a - b);
    this.runs = data.runs.map((run) => ({ ...run, blobs: run.pictures.map(() => null) }));
    this.stage.replaceChildren(...this.runs.map((run) => this.figure(run)));
    const none = this.epochs.length < 2;
    for (const control of [this.play, this.back, this.forth, this.slider, this.pace]) control.disabled = none;
    this.slider.max = Math.max(this.epochs.length - 1, 0);
    if (first) this.stop();
    const wanted = first ? data.epoch : stayAtEnd ? this.epochs.at(-1) : before;
    this.show(this.nearest(wanted));
  }

  figure(run) {
    const figure = element("figure");
    const caption = element("figcaption");
    run.at = element("span", "at");
    caption.append(element("span", "name", run.name), run.at);
    run.missing = element("div", "missing", "No sheet at this epoch yet.");
    run.body = element("div", "faces");
    run.canvases = run.emotions.map((emotion, place) => {
      const row = element("div", "row");
      const label = element("span", "emotion", emotion);
      label.style.setProperty("--emotion", run.colours[place]);
      const canvas = element("canvas");
      canvas.width = run.columns * (this.tile + this.margin) - this.margin;
      canvas.height = this.tile;
      canvas.setAttribute("role", "img");
      row.append(label, canvas);
      run.body.append(row);
      return canvas;
    });
    figure.append(caption, run.body, run.missing);
    return figure;
  }

  nearest(epoch) {
    const place = this.epochs.findLastIndex((known) => known <= epoch);
    return Math.max(place, 0);
  }

  step(by) {
    this.go(this.at + by);
  }

  go(place) {
    this.stop();
    this.show(Math.min(Math.max(place, 0), this.epochs.length - 1));
    this.settle();
  }

  key(event) {
    const inSelect = event.target === this.pace;
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (inSelect || event.altKey || event.ctrlKey || event.metaKey || !(event.key in moves)) return;
    event.preventDefault();
    this.step(moves[event.key]);
  }

  start() {
    if (this.at === this.epochs.length - 1) this.show(0);
    let due = performance.now();
    const tick = (now) => {
      if (!this.root.isConnected) return;
      this.timer = requestAnimationFrame(tick);
      if (now - due < 1000 / this.speed) return;
      due = now;
      this.show(this.at + 1);
      if (this.at === this.epochs.length - 1) {
        this.stop();
        this.settle();
      }
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
      if (this.root.isConnected && !this.timer && this.epochs.length) this.tell(this.epochs[this.at]);
    }, REST_MS);
  }

  async show(place) {
    this.at = place;
    const epoch = this.epochs[place];
    const drawing = ++this.drawing;
    this.slider.value = place;
    const words = epoch === undefined ? "no sheet" : `epoch ${epoch} of ${this.epochs.at(-1)}`;
    this.output.textContent = words;
    this.slider.setAttribute("aria-valuetext", words);
    this.root.dataset.epoch = epoch ?? "";
    await Promise.all(this.runs.map((run) => this.draw(run, epoch, drawing)));
    if (drawing === this.drawing) this.root.dataset.drawn = epoch ?? "";
  }

  async draw(run, epoch, drawing) {
    const index = run.epochs.findLastIndex((known) => known <= epoch);
    run.missing.hidden = index >= 0;
    run.body.hidden = index < 0;
    run.at.textContent = index < 0 ? "" : `epoch ${run.epochs[index]}`;
    if (index < 0) return;
    run.blobs[index] ??= new Blob([bytes(run.pictures[index])], { type: "image/webp" });
    const sheet = await createImageBitmap(run.blobs[index]);
    // A slower picture of an earlier epoch must not overwrite a later one.
    if (drawing >= (run.drawn ?? 0)) {
      run.drawn = drawing;
      run.canvases.forEach((canvas, row) => {
        const brush = canvas.getContext("2d");
        const { tile, margin } = this;
        const top = margin + row * (tile + margin);
        for (let x = 0; x < canvas.width; x += tile + margin) {
          brush.drawImage(sheet, margin + x, top, tile, tile, x, 0, tile, tile);
        }
        canvas.setAttribute("aria-label", `${run.emotions[row]} faces of ${run.name} at epoch ${run.epochs[index]}`);
      });
    }
    sheet.close();
  }
}

// Text given by people enters the page by textContent alone.
function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
