// What the server sends for other components: pictures of sheets, a file to save, a generator, words. One parcel is the
// header's length (4 bytes, little endian), a JSON header, and the contents one behind the other: { kind: "sheets", "file",
// "generator" or "words", sizes: [int], ... }. They are components of their own, so that another view in the player or the explorer
// sends nothing again.

const MOST_PICTURES = 3000;

export default function (component) {
  const store = (window.ferganParcels ??= { sheets: new Map(), target: new EventTarget() });
  const parcel = component.data;
  if (!parcel || !parcel.byteLength) return;
  const view = new DataView(parcel.buffer, parcel.byteOffset, parcel.byteLength);
  const headEnd = 4 + view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(parcel.subarray(4, headEnd)));
  let start = headEnd;
  const parts = header.sizes.map((size) => parcel.slice(start, (start += size)));
  if (header.kind === "sheets") {
    header.hashes.forEach((hash, place) => {
      if (!store.sheets.has(hash)) store.sheets.set(hash, new Blob([parts[place]], { type: "image/webp" }));
    });
    for (const hash of store.sheets.keys()) {
      if (store.sheets.size <= MOST_PICTURES) break;
      store.sheets.delete(hash);
    }
    store.target.dispatchEvent(new Event("sheets"));
  } else if (header.kind === "generator") {
    // One at a time: each is some megabytes.
    store.generators = new Map([[header.key, Object.fromEntries(header.names.map((name, place) => [name, parts[place]]))]]);
    store.target.dispatchEvent(new Event("generator"));
  } else if (header.kind === "words") {
    store.words = header;
    store.target.dispatchEvent(new Event("words"));
  } else {
    store.target.dispatchEvent(new CustomEvent("file", { detail: { ...header, content: parts[0] } }));
  }
}
