// A grid of faces: each is a button; the arrows move among them, so that Tab passes the grid in one step.
//
// data: { faces: base64 of greys, one byte a pixel, face after face, side: px of a face, names: [text],
//         captions: [text] or [], label: text, marked: [bool] }
// trigger: face: the place of the face that was chosen

const grids = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".grid");
  if (!grids.has(root)) grids.set(root, new Grid(root));
  const grid = grids.get(root);
  grid.tell = (place) => component.setTriggerValue("face", place);
  grid.take(component.data);
}

class Grid {
  constructor(root) {
    this.root = root;
    root.setAttribute("role", "group");
    root.onkeydown = (event) => this.key(event);
  }

  // The same faces again, as after every answer of the server, leave the buttons, and with them the focus, as they are.
  take(data) {
    const identity = JSON.stringify(data);
    if (identity === this.identity) return;
    this.identity = identity;
    // Where names or captions are others the buttons are made anew, and the focus stays on its place.
    const focused = this.buttons ? this.buttons.indexOf(this.root.getRootNode().activeElement) : -1;
    this.root.setAttribute("aria-label", data.label);
    const greys = Uint8Array.from(atob(data.faces), (letter) => letter.charCodeAt(0));
    const size = data.side * data.side;
    this.buttons = data.names.map((name, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.tabIndex = place === Math.max(focused, 0) ? 0 : -1;
      button.setAttribute("aria-label", name);
      button.title = name;
      button.classList.toggle("marked", data.marked[place]);
      button.append(painted(greys.subarray(place * size, (place + 1) * size), data.side));
      if (data.captions.length) {
        const caption = document.createElement("span");
        caption.textContent = data.captions[place];
        button.append(caption);
      }
      button.onclick = () => this.tell(place);
      return button;
    });
    this.root.replaceChildren(...this.buttons);
    this.buttons[focused]?.focus({ preventScroll: true });
  }

  key(event) {
    const at = this.buttons.indexOf(event.target);
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const last = this.buttons.length - 1;
    const columns = getComputedStyle(this.root).gridTemplateColumns.split(" ").length;
    const to = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at - columns,
      ArrowDown: at + columns,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0 || to > last) return;
    this.buttons[at].tabIndex = -1;
    this.buttons[to].tabIndex = 0;
    this.buttons[to].focus();
  }
}

function painted(greys, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const brush = canvas.getContext("2d");
  const picture = brush.createImageData(side, side);
  greys.forEach((grey, at) => picture.data.set([grey, grey, grey, 255], 4 * at));
  brush.putImageData(picture, 0, 0);
  return canvas;
}
