// Tells the server when the page has come to another theme, by the system's evening or the person's choice: charts and
// sheets are drawn there, in colours of one theme.
//
// state: dark: bool, once the theme has changed

const followers = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  if (!followers.has(root)) followers.set(root, follow());
  followers.get(root).tell = (dark) => component.setStateValue("dark", dark);
}

function follow() {
  const app = document.querySelector("[data-testid=stApp]");
  const isDark = () => getComputedStyle(app).colorScheme === "dark";
  const follower = {};
  let last = isDark();
  new MutationObserver(() => {
    if (isDark() === last) return;
    last = !last;
    follower.tell(last);
  }).observe(app, { attributes: true, attributeFilter: ["class"] });
  return follower;
}
