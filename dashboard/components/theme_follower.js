// Tells the server when the page has another theme than the one it was drawn in, by the system's evening or the
// person's choice: charts and sheets are drawn there, in colours of one theme.
//
// data: { dark: bool, the theme of what the server has drawn }
// state: dark: bool, once the theme was another one

const followers = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  if (!followers.has(root)) followers.set(root, new Follower());
  const follower = followers.get(root);
  follower.drawn = component.data.dark;
  follower.tell = (dark) => component.setStateValue("dark", dark);
  follower.look();
}

class Follower {
  constructor() {
    this.app = document.querySelector("[data-testid=stApp]");
    new MutationObserver(() => this.look()).observe(this.app, { attributes: true, attributeFilter: ["class"] });
  }

  look() {
    const dark = getComputedStyle(this.app).colorScheme === "dark";
    if (dark === this.drawn) this.told = undefined;
    else if (dark !== this.told) {
      this.told = dark; // once: a server that knows no theme would be asked for ever
      this.tell(dark);
    }
  }
}
