"""A generator in the browser: ONNX Runtime Web draws what PyTorch draws, without a network, in a report too."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from fergan_core.browser import Network, runtime, script
from fergan_core.methods.one_pass import TOLERANCE, InOnePass, browser_network
from fergan_core.report import report_of, written
from tests.methods.test_one_pass import CODES, NETWORKS, trained
from tests.support.pages import opened_offline
from tests.support.showcase import copied_showcase

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


@pytest.fixture(scope="module")
def generator() -> InOnePass:
    return trained(NETWORKS["conditional norm, bounded"])


@pytest.fixture(scope="module")
def network(generator: InOnePass, tmp_path_factory: pytest.TempPathFactory) -> Network:
    folder = tmp_path_factory.mktemp("generators")
    network = browser_network(generator, "a" * 64, folder)
    assert [file.name for file in folder.iterdir()] == [f"{'a' * 32}.onnx"]
    return network


def test_faces_are_those_of_pytorch_and_no_network_is_asked(
    context: Any, generator: InOnePass, network: Network
) -> None:
    contents = {**runtime()._asdict(), "network": network.content}
    parts = {name: base64.b64encode(content).decode() for name, content in contents.items()}
    latents = generator.latents(3, 1)
    page = context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    shares = torch.eye(3)[[generator.emotions.index(name) for name in ("happy", "sad", "fear")]]
    drawn = page.evaluate(
        _DRAW, [script(), parts, latents.flatten().tolist(), [latents.shape[1]], shares.flatten().tolist()]
    )
    page.close()
    faces = torch.tensor(drawn["faces"]).view(3, 1, 48, 48)
    torch.testing.assert_close(faces, generator.generate(latents, CODES), atol=TOLERANCE, rtol=0)
    assert not [url for url in requests if url.startswith("http")]
    numbers = torch.tensor(drawn["numbers"])
    assert abs(float(numbers.mean())) < 0.05
    assert float(numbers.std()) == pytest.approx(1, abs=0.05)
    assert drawn["again"] == drawn["numbers"][0]


def test_a_report_makes_faces_from_a_file_without_a_network(browser: Any, network: Network, tmp_path: Path) -> None:
    reader = copied_showcase(tmp_path)
    run_id = reader.resolve("unstable-norm")
    content = written(report_of(reader, [run_id], {run_id: network}), "html")
    assert len(content.encode()) < 25e6
    (tmp_path / "report.html").write_text(content)
    with opened_offline(browser, tmp_path / "report.html") as page:
        page.get_by_role("combobox", name="Emotion", exact=True).select_option("sad")
        page.get_by_role("button", name="Make faces").click()
        page.get_by_text("12 generated faces, sad, of seed 0.").wait_for(timeout=60_000)
        assert page.get_by_role("img", name=re.compile(r"^Generated face \d+, sad$")).count() == 12
        page.get_by_role("button", name="Others").click()
        page.get_by_text("12 generated faces, sad, of seed 1.").wait_for(timeout=60_000)
