// Faces made in the report: the runtime and the generators are in the page in base64, and are unpacked when asked for.

const text = (id) => document.getElementById(id).textContent.trim();
const bytes = (id) => Uint8Array.from(atob(text(id)), (letter) => letter.charCodeAt(0));
const address = URL.createObjectURL(new Blob([bytes("drawing")], { type: "text/javascript" }));
const { openGenerator, randomNumbers, paintFace } = await import(address);

for (const section of document.querySelectorAll(".generator")) {
  const { network, emotions, shape, normal } = JSON.parse(section.dataset.generator);
  const [form, status, faces] = ["form", "[role=status]", ".made"].map((part) => section.querySelector(part));
  const canvases = [...faces.querySelectorAll("canvas")];
  let draw;

  const make = async () => {
    const emotion = form.elements.emotion.value;
    if (!draw) {
      status.textContent = "Unpacking the generator …";
      await new Promise((painted) => setTimeout(painted, 50));
      draw = await openGenerator({ module: bytes("runtime-module"), wasm: bytes("runtime-wasm"), network: bytes(network) });
    }
    const number = randomNumbers(Number(form.elements.seed.value), normal);
    const numbers = shape.reduce((product, side) => product * side, 1);
    const latents = Float32Array.from({ length: canvases.length * numbers }, number);
    const shares = new Float32Array(canvases.length * emotions.length);
    canvases.forEach((_, face) => (shares[face * emotions.length + emotions.indexOf(emotion)] = 1));
    const pixels = await draw(latents, shape, shares);
    canvases.forEach((canvas, face) => {
      paintFace(canvas, pixels, face);
      canvas.setAttribute("aria-label", `Generated face ${face + 1}, ${emotion}`);
    });
    faces.hidden = false;
    status.textContent = `${canvases.length} generated faces, ${emotion}, of seed ${form.elements.seed.value}.`;
  };

  let latest = Promise.resolve();
  const ask = () => {
    latest = latest.then(make).catch((error) => {
      status.textContent = `This browser cannot run the generator (${error.message}); try a newer one.`;
    });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter?.value === "others" && draw) form.elements.seed.stepUp();
    ask();
  });
  form.addEventListener("change", () => draw && ask());
}
