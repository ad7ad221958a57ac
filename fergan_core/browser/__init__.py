"""What lets a browser draw faces by itself: ONNX Runtime Web, and a script that draws with a generator's ONNX file.

`ort.wasm.bundle.min.mjs` and `ort-wasm-simd-threaded.wasm` (here compressed by gzip) are those of the npm package
onnxruntime-web 1.30.0, under the licence beside them; `drawing.js` is ours.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_HERE = Path(__file__).parent


class Runtime(NamedTuple):
    """ONNX Runtime Web: its JavaScript module, and its WebAssembly compressed by gzip."""

    module: bytes
    wasm: bytes


class Network(NamedTuple):
    """A generator that draws a face in one pass, as an ONNX file (see `fergan_core.methods.one_pass`): the hash of its
    weights, the file, its emotions, the shape of one latent, and whether latents are standard normal, else uniform."""

    sha256: str
    content: bytes
    emotions: tuple[str, ...]
    shape: tuple[int, ...]
    normal: bool


class Moves(NamedTuple):
    """By how much a unit along each direction moves an input of a generator's network, `latents` or `emotions`:
    `vectors` float32 [K,D]; `key` tells the directions from others."""

    key: str
    input: str
    vectors: npt.NDArray[np.float32]


def network_file(folder: Path, sha256: str) -> Path:
    """Return where in a folder a generator's file is kept, by the hash of its weights."""
    return folder / f"{sha256[:32]}.onnx"


def runtime() -> Runtime:
    """Return the runtime, 3.7 MB."""
    names = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm.gz")
    return Runtime(*((_HERE / name).read_bytes() for name in names))


def script() -> str:
    """Return the JavaScript module that opens a generator with the runtime, draws random latents and paints faces."""
    return (_HERE / "drawing.js").read_text(encoding="utf-8")
