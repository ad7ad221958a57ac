"""A generator in the browser: ONNX Runtime Web draws what PyTorch draws, without a network."""

import base64
from pathlib import Path
from typing import Any

import pytest
import torch

from fergan_core import browser
from fergan_core.methods.one_pass import TOLERANCE, write_onnx
from tests.methods.test_one_pass import CODES, NETWORKS, trained

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]

# Takes the script and the parts in base64, latents, their shape and shares; returns pixels.
_DRAW = """async ([script, parts, latents, shape, shares]) => {
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const { openGenerator, randomNumbers } = await import(address);
    const unpacked = Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, bytes(text)]));
    const draw = await openGenerator(unpacked);
    const number = randomNumbers(7, true);
    return {
        faces: [...(await draw(Float32Array.from(latents), shape, Float32Array.from(shares)))],
        numbers: Array.from({ length: 4000 }, number),
        again: randomNumbers(7, true)(),
    };
}"""


def test_faces_are_those_of_pytorch_and_no_network_is_asked(context: Any, tmp_path: Path) -> None:
    generator = trained(NETWORKS["conditional norm, bounded"])
    write_onnx(generator, tmp_path / "generator.onnx")
    runtime = browser.runtime()
    contents = {"module": runtime.module, "wasm": runtime.wasm, "network": (tmp_path / "generator.onnx").read_bytes()}
    parts = {name: base64.b64encode(content).decode() for name, content in contents.items()}
    latents = generator.latents(3, 1)
    page = context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    shares = torch.eye(3)[[generator.emotions.index(name) for name in ("happy", "sad", "fear")]]
    drawn = page.evaluate(
        _DRAW, [browser.script(), parts, latents.flatten().tolist(), [latents.shape[1]], shares.flatten().tolist()]
    )
    page.close()
    faces = torch.tensor(drawn["faces"]).view(3, 1, 48, 48)
    torch.testing.assert_close(faces, generator.generate(latents, CODES), atol=TOLERANCE, rtol=0)
    assert not [url for url in requests if url.startswith("http")]
    numbers = torch.tensor(drawn["numbers"])
    assert abs(float(numbers.mean())) < 0.05
    assert float(numbers.std()) == pytest.approx(1, abs=0.05)
    assert drawn["again"] == drawn["numbers"][0]
