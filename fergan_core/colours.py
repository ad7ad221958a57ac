"""Colours of runs and curves, the same on pages and in reports."""

# Tol's 'bright' scheme without its grey, and two violets that all forms of colour blindness tell from it; each stands
# out from the light and the dark ground by 3 : 1.
RUN_COLOURS = ("#4477aa", "#e65a6c", "#2a8c3a", "#a38a24", "#b8438a", "#2f94b4", "#9030f0", "#9080f0")


def run_colour(place: int) -> str:
    """Return the colour of the run at a place in a list; they repeat after eight."""
    return RUN_COLOURS[place % len(RUN_COLOURS)]
