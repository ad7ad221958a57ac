// A generator to play with: it draws in this page (explorer_base.js), faces to walk among (explorer_faces.js) or faces
// along directions (explorer_directions.js).
//
// data: { part: "faces" or "directions", generator: key of its parcel, emotions: [{ name, colour }], shape, normal,
//         view, texts: { name: sentence }, and what the part needs }
// state: view, once it rests; trigger: refused: why this browser cannot run the generator

const PARTS = { faces: FacesExplorer, directions: DirectionsExplorer };
const explorers = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".explorer");
  if (!explorers.has(root)) explorers.set(root, new PARTS[component.data.part](root));
  const explorer = explorers.get(root);
  explorer.tell = (view) => component.setStateValue("view", view);
  explorer.ask = (wish) => component.setTriggerValue("save", wish);
  explorer.refuse = (reason) => component.setTriggerValue("refused", reason);
  explorer.take(component.data);
  const listeners = { generator: explorer.arrived, file: explorer.made, words: explorer.heard };
  Object.entries(listeners).forEach(([kind, listener]) => store.target.addEventListener(kind, listener));
  return () => Object.entries(listeners).forEach(([kind, listener]) => store.target.removeEventListener(kind, listener));
}
