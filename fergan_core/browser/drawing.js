// Draws faces with a generator's ONNX file by ONNX Runtime Web, in WebAssembly and without a network.

// Opens a generator: `module` and `network` are the runtime's and the generator's bytes, `wasm` the runtime's compressed
// by gzip. Returns a function (latents, shape of one, shares of the emotions) -> pixels from -1 to 1, 48 x 48 a face; both
// arrays are Float32Arrays with one row a face behind the other.
export async function openGenerator({ module, wasm, network }) {
  const address = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
  const ort = await import(address);
  URL.revokeObjectURL(address);
  const unpacked = new Blob([wasm]).stream().pipeThrough(new DecompressionStream("gzip"));
  ort.env.wasm.wasmBinary = await new Response(unpacked).arrayBuffer();
  ort.env.wasm.numThreads = 1; // more threads take headers which no file has and Streamlit does not send
  const session = await ort.InferenceSession.create(network, { executionProviders: ["wasm"] });
  return async (latents, shape, shares) => {
    const count = latents.length / shape.reduce((product, side) => product * side, 1);
    const { faces } = await session.run({
      latents: new ort.Tensor("float32", latents, [count, ...shape]),
      emotions: new ort.Tensor("float32", shares, [count, shares.length / count]),
    });
    return faces.data;
  };
}

// Returns a function that draws numbers of a seed: standard normal ones, or uniform ones from -1 to 1.
export function randomNumbers(seed, normal) {
  let state = seed >>> 0;
  const uniform = () => {
    // Mulberry32, by Tommy Ettinger (public domain): 32 bits of state are plenty for faces to look at.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  if (!normal) return () => 2 * uniform() - 1;
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()); // Box and Muller
}

// Paints face number `place` of `pixels` on a canvas of 48 x 48.
export function paintFace(canvas, pixels, place) {
  const image = new ImageData(48, 48);
  const { data } = image;
  for (let at = 0; at < 48 * 48; at++) {
    const grey = Math.round((Math.min(1, Math.max(-1, pixels[place * 48 * 48 + at])) + 1) * 127.5);
    data[4 * at] = data[4 * at + 1] = data[4 * at + 2] = grey;
    data[4 * at + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
