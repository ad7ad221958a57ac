"""One face: what judges read in it, and what speaks for and against an emotion -> figures; pure functions of arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from scipy.ndimage import gaussian_filter

from dashboard.charts.palette import emotion_colour, plotly_template
from fergan_core.emotions import EMOTIONS

# Okabe and Ito's orange and blue: they differ for all eyes, and stand out from a grey face in either theme.
FOR, AGAINST = (230, 121, 0), (0, 114, 178)
_SCALE = 8  # of 48 pixels
_NEIGHBOURHOOD = 2.0  # pixels: a Gaussian's standard deviation
_STRONGEST = 99.0  # percentile of the shares that is drawn in full colour
_MOST_COVER = 0.75  # so that the face can be seen even there


def readings_figure(readings: Mapping[str, Sequence[float]], *, dark: bool) -> go.Figure:
    """Draw each judge's seven probabilities as bars in the emotions' colours; the second judge's are hatched."""
    figure = go.Figure()
    template = plotly_template(dark)
    for place, (judge, probabilities) in enumerate(readings.items()):
        figure.add_bar(
            name=judge,
            y=list(EMOTIONS),
            x=list(probabilities),
            orientation="h",
            marker={
                "color": [emotion_colour(name) for name in EMOTIONS],
                "pattern": {"shape": "/" if place else "", "fgcolor": template.layout.paper_bgcolor},
            },
            text=[f"{share:.0%}" for share in probabilities],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{judge} reads %{{y}}: %{{x:.1%}}<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(template=template, height=90 + 38 * len(EMOTIONS), hovermode="closest", bargap=0.25)
    figure.update_xaxes(range=[0, 1.12], tickvals=[0, 0.5, 1], tickformat=".0%", title="probability")
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    return figure


def by_region(shares: np.ndarray) -> np.ndarray:
    """Average pixels' shares float [48,48] over their neighbourhoods, with the same sum: those of neighbouring pixels
    have opposite signs where the judge looks for an edge, and mean little each."""
    smooth: np.ndarray = gaussian_filter(shares.astype(float), _NEIGHBOURHOOD, mode="reflect")
    return smooth


def evidence_picture(face: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Colour a face uint8 [48,48] by shares in the evidence, float [48,48]: uint8 [384,384,3].

    The stronger a share, the more colour: FOR where it is above 0, AGAINST below.
    """
    strongest = max(float(np.percentile(np.abs(shares), _STRONGEST)), 1e-12)
    cover = np.clip(_enlarged(np.abs(shares) / strongest), 0, 1)[..., None] * _MOST_COVER
    side = 48 * _SCALE
    grey = np.asarray(Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC), float)[..., None]
    colour = np.where(_enlarged(shares)[..., None] > 0, FOR, AGAINST)
    picture: np.ndarray = np.rint((1 - cover) * grey + cover * colour).clip(0, 255).astype(np.uint8)
    return picture


def _enlarged(values: np.ndarray) -> np.ndarray:
    side = 48 * _SCALE
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR))
