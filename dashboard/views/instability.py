"""Instability: what was found in one run's training, and its instruments, those that moved first before the others."""

from dashboard import choose, data
from dashboard.sections import instruments

choose.heading("Instability", "What went wrong in a training, when, and what moved first?")
runs = data.runs()
if choose.any_trained(runs):
    trained = runs[~runs.literature]
    run_id = choose.one_run(trained, [*data.best_first(trained, "alarms"), *data.best_first(trained, "findings")])
    status = str(trained.set_index("id").loc[run_id, "status"])
    choose.fragment(instruments.show, run_every=choose.live_unless_held(status))(run_id)
