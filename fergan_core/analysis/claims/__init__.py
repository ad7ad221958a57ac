"""The course project's claims about GANs, tested by studies: tables in, verdicts out, no torch, no database."""

from collections.abc import Mapping

from fergan_core.analysis.claims.claim import CLAIMS, SCORES, STUDIES, Claim, Score, Verdict
from fergan_core.analysis.claims.convergence import convergence
from fergan_core.analysis.claims.parameters import parameters
from fergan_core.analysis.claims.scarcity import few_steps, little_data
from fergan_core.analysis.claims.study import Study

__all__ = ["CLAIMS", "SCORES", "STUDIES", "Claim", "Score", "Study", "Verdict", "verdicts"]


def verdicts(studies: Mapping[str, Study], score: Score) -> list[Verdict]:
    """Return the verdicts on all claims, in CLAIMS' order, by a score; convergence is always judged by FID.

    `studies` holds those named in STUDIES by name, an empty one where no run has started.
    """
    return [
        convergence(studies["claim-convergence"]),
        little_data(studies["claim-data"], score),
        few_steps(studies["claim-data"], score),
        parameters(studies["claim-parameters"], score),
    ]
