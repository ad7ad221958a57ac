// Tells the server when the page has another theme than the one it was drawn in, by the system's evening or the
// person's choice, or is in a window of another kind: charts and sheets are drawn there, in colours of one theme and
// for one width.
//
// data: { dark, narrow: bool, the theme and kind of window of what the server has drawn }
// state: dark, narrow: bool, once they were others

const NARROW = matchMedia("(max-width: 640px)"); // where Streamlit puts columns below each other

const followers = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  if (!followers.has(root)) followers.set(root, new Follower());
  const follower = followers.get(root);
  follower.drawn = component.data;
  follower.tell = (name, value) => component.setStateValue(name, value);
  follower.look();
}

class Follower {
  constructor() {
    this.app = document.querySelector("[data-testid=stApp]");
    this.told = {};
    new MutationObserver(() => this.look()).observe(this.app, { attributes: true, attributeFilter: ["class"] });
    NARROW.addEventListener("change", () => this.look());
  }

  look() {
    const now = { dark: getComputedStyle(this.app).colorScheme === "dark", narrow: NARROW.matches };
    for (const [name, value] of Object.entries(now)) {
      if (value === this.drawn[name]) this.told[name] = undefined;
      else if (value !== this.told[name]) {
        this.told[name] = value; // once: a server that knows no theme would be asked for ever
        this.tell(name, value);
      }
    }
  }
}
