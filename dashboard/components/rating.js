// Faces to judge, one trial after the other. A trial is a cross, the picture for a time that is counted in frames of the
// screen, a mask, and the answer. The server is told when the first frame is shown, and of the answer.
//
// data: { position, of, title, intro, question, pictures: [base64 of a PNG], names: [text], exposure_ms (0: until the
//         answer), options: [{ value, label, key, shown }], strength, without_strength: [value], practice, expected,
//         feedback }
// triggers: shown: position; answer: { position, answer, strength, exposure_ms, response_ms }

const CROSS_MS = 500;
const FEEDBACK_MS = 1400;
const HALF_FRAME_MS = 8; // an exposure ends at the frame that is nearest to it
const STRENGTHS = ["faint", "", "", "", "very strong"]; // 1 to 5
const SIDE = 192; // px of a face

const ratings = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".rating");
  if (!ratings.has(root)) ratings.set(root, new Rating(root));
  const rating = ratings.get(root);
  rating.tell = (name, value) => component.setTriggerValue(name, value);
  rating.take(component.data);
  rating.listen();
  return () => rating.deafen();
}

class Rating {
  constructor(root) {
    Object.assign(this, { root, phase: "ready", paused: true, turn: 0 });
    this.hear = (event) => this.key(event);
    root.setAttribute("role", "group");
    root.tabIndex = -1; // takes the focus, so that keys reach it and no link of the page
    this.head = element("div", "head");
    this.count = element("span", "count");
    this.pauses = button("pause", () => this.pause());
    this.head.append(this.count, this.pauses);
    this.question = element("p", "question");
    this.question.id = "question";
    this.stage = element("div", "stage");
    this.answers = element("div", "answers");
    this.said = element("p", "said");
    this.said.setAttribute("role", "status");
    root.replaceChildren(this.head, this.question, this.stage, this.answers, this.said);
  }

  listen() {
    this.deafen();
    document.addEventListener("keydown", this.hear);
  }

  deafen() {
    document.removeEventListener("keydown", this.hear);
  }

  take(data) {
    if (this.data?.position === data.position) return;
    this.next = data;
    if (this.phase !== "feedback") this.begin();
  }

  // The trial that came last: at once, or behind a word where a task begins or the person has paused.
  begin() {
    if (!this.next) return;
    const data = (this.data = this.next);
    this.next = null;
    this.root.setAttribute("aria-label", data.title);
    this.count.textContent = `${data.title} · ${data.position + 1} of ${data.of}${data.practice ? " · practice" : ""}`;
    if (data.intro) this.paused = true;
    if (this.paused) this.wait();
    else this.run();
  }

  wait() {
    this.phase = "ready";
    const { intro, question } = this.data;
    this.say("");
    this.question.classList.add("plain");
    this.question.textContent = intro || "Paused. Your answers are stored; go on now, or at any later time.";
    const example = intro ? element("p", "ask", question) : null;
    this.stage.replaceChildren(...(example ? [example] : []));
    this.show([{ value: "", label: intro ? "Start" : "Go on", shown: "Space" }], () => this.start());
    this.pauses.hidden = true;
    this.answers.firstChild.focus({ preventScroll: true });
  }

  start() {
    this.paused = false;
    this.run();
  }

  pause() {
    this.paused = !this.paused;
    this.named();
  }

  named() {
    this.pauses.textContent = this.paused ? "Pauses after this one" : "Pause";
    this.pauses.append(element("kbd", "", "P"));
    this.pauses.setAttribute("aria-pressed", this.paused ? "true" : "false");
  }

  async run() {
    const data = this.data;
    const turn = ++this.turn;
    this.phase = "cross";
    this.pauses.hidden = false;
    this.named();
    this.say("");
    this.question.classList.remove("plain");
    this.question.textContent = data.question;
    this.show(data.options, (option, when) => this.choose(option, when));
    this.root.focus({ preventScroll: true });
    this.pictures = data.pictures.map((picture, at) => {
      const image = element("img");
      image.alt = data.names[at];
      image.src = `data:image/png;base64,${picture}`;
      return image;
    });
    this.frames = this.pictures.map(() => element("div", "frame"));
    this.frames.forEach((frame) => frame.append(element("span", "cross", "+")));
    this.stage.replaceChildren(...this.frames);
    const decoded = Promise.all(this.pictures.map((image) => image.decode()));
    await new Promise((done) => setTimeout(done, CROSS_MS));
    await decoded;
    if (turn === this.turn && this.root.isConnected) requestAnimationFrame((now) => this.reveal(now, turn));
  }

  reveal(now, turn) {
    if (turn !== this.turn) return;
    this.frames.forEach((frame, at) => frame.replaceChildren(this.pictures[at]));
    Object.assign(this, { phase: "shown", onset: now, exposure: null, chosen: null });
    this.tell("shown", this.data.position);
    const wished = this.data.exposure_ms;
    if (!wished) return;
    const tick = (frame) => {
      if (turn !== this.turn || this.exposure !== null) return;
      if (frame - this.onset < wished - HALF_FRAME_MS) requestAnimationFrame(tick);
      else this.mask(frame);
    };
    requestAnimationFrame(tick);
  }

  mask(frame) {
    this.exposure = frame - this.onset;
    for (const place of this.frames) place.replaceChildren(noise());
  }

  choose(option, when) {
    if (this.phase === "strength") {
      this.finish(this.chosen, option.value);
      return;
    }
    if (this.phase !== "shown") return;
    this.chosen = option.value;
    this.response = Math.max(0, when - this.onset);
    if (!this.data.strength || this.data.without_strength.includes(option.value)) {
      this.finish(option.value, null);
      return;
    }
    this.phase = "strength";
    this.question.textContent = this.data.strength.replace("{answer}", option.label);
    const options = STRENGTHS.map((label, at) => ({ value: at + 1, label, key: String(at + 1), shown: at + 1 }));
    this.show(options, (one) => this.choose(one, 0));
    this.root.focus({ preventScroll: true });
  }

  finish(answer, strength) {
    const { position, practice, expected, feedback, exposure_ms } = this.data;
    const exposure = exposure_ms ? (this.exposure ?? this.response) : null; // answered before the mask came
    this.turn += 1;
    this.phase = practice && feedback ? "feedback" : "answered";
    for (const one of this.answers.querySelectorAll("button")) one.disabled = true;
    this.tell("answer", { position, answer, strength, exposure_ms: exposure, response_ms: this.response });
    if (this.phase === "answered") return;
    this.say(`${answer === expected ? "Yes" : "Not quite"}: ${feedback}`);
    setTimeout(() => {
      this.phase = "answered";
      this.begin();
    }, FEEDBACK_MS);
  }

  show(options, action) {
    this.options = options;
    this.action = action;
    const buttons = options.map((option) => {
      const made = button("", (event) => action(option, event.timeStamp));
      made.append(option.label, element("kbd", "", option.shown));
      if (!option.label) made.setAttribute("aria-label", option.shown);
      if (option.key) made.setAttribute("aria-keyshortcuts", option.key);
      return made;
    });
    this.answers.replaceChildren(...buttons);
  }

  say(text) {
    this.said.textContent = text;
  }

  key(event) {
    if (event.repeat || event.altKey || event.ctrlKey || event.metaKey || !this.root.isConnected) return;
    const from = event.composedPath();
    if (!from.includes(this.root) && !event.target.matches?.("body, section, main")) return;
    const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (this.phase === "ready") {
      if (pressed !== " " || from[0].tagName === "BUTTON") return; // a button takes the key itself
      this.start();
    } else if (pressed === "p" && !this.pauses.hidden) {
      this.pause();
    } else {
      const option = this.options.find((one) => one.key === pressed);
      if (!option) return;
      this.action(option, event.timeStamp);
    }
    event.preventDefault();
  }
}

// A mask of noise: the picture's after-image would else go on being seen.
function noise() {
  const canvas = element("canvas");
  canvas.width = canvas.height = SIDE / 4;
  const brush = canvas.getContext("2d");
  const picture = brush.createImageData(canvas.width, canvas.height);
  for (let at = 0; at < picture.data.length; at += 4) {
    const grey = Math.floor(Math.random() * 256);
    picture.data.set([grey, grey, grey, 255], at);
  }
  brush.putImageData(picture, 0, 0);
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function button(className, action) {
  const made = element("button", className);
  made.type = "button";
  made.onclick = action;
  return made;
}
