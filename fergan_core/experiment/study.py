"""Studies: a design of settings and seeds, whose trials any number of processes take from one queue in the registry.

Optuna keeps the queue, in tables of the same database; each trial is a run of its own, tagged with the study. A failed
trial is a result; one whose process died is put back into the queue.
"""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.pool import NullPool

from fergan_core import recipe as recipes
from fergan_core.data import Dataset
from fergan_core.errors import UsageError
from fergan_core.experiment.hooks.recorder import Listener
from fergan_core.experiment.run import Outcome, train
from fergan_core.recipe import Recipe
from fergan_core.registry import Registry, study_tag
from fergan_core.registry.connect import WriteLock, sqlite_path

_RUN = "run"  # the trial's attribute with its run's id
_SLOW_END = 60.0  # seconds from the end of a run to the end of its trial, at most, on a busy machine
_SLOW_START = timedelta(minutes=10)  # from a trial's start to its run's, at most; after that its process has died
_RECIPE = "recipe"  # the trial's attribute with its complete recipe, so that any process trains the same


@dataclass(frozen=True)
class Span:
    """A range of numbers to draw from, uniformly or, with `log`, log-uniformly."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise UsageError(f"--vary: {self.low} to {self.high} is not a range" + (" above 0" if self.log else ""))

    def draw(self, source: np.random.Generator) -> float:
        """Draw a number."""
        if self.log:
            return float(np.exp(source.uniform(np.log(self.low), np.log(self.high))))
        return float(source.uniform(self.low, self.high))


Choice = Sequence[str] | Span


def design(vary: Mapping[str, Choice], seeds: int, draws: int | None, seed: int) -> list[dict[str, str]]:
    """Return the settings of all trials: every combination, or `draws` random ones, each with `seeds` seeds.

    Values are texts, as --set takes them. Raises UsageError for a range without `draws`.
    """
    if draws is None:
        spans = [name for name, choice in vary.items() if isinstance(choice, Span)]
        if spans:
            raise UsageError(f"--vary: {', '.join(spans)} is a range, which has no combinations; give --draws N")
        lists = [[str(value) for value in choice] for choice in vary.values() if not isinstance(choice, Span)]
        settings = [dict(zip(vary, values, strict=True)) for values in itertools.product(*lists)]
    else:
        source = np.random.default_rng(seed)
        settings = [
            {
                name: f"{choice.draw(source):.6g}" if isinstance(choice, Span) else str(source.choice([*choice]))
                for name, choice in vary.items()
            }
            for _ in range(draws)
        ]
    # All settings with one seed, then all with the next: a study that is stopped early still has every setting.
    return [{**setting, "seed": str(number)} for number in range(seeds) for setting in settings]


class Study:
    """A named study in a registry, which is created where there is none of that name."""

    def __init__(self, registry: Registry, name: str) -> None:
        self._registry, self.name = registry, name
        self._lock = WriteLock(registry.url)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        options: dict[str, Any] = {"poolclass": NullPool}
        if sqlite_path(registry.url) is not None:
            options["connect_args"] = {"timeout": 60}
        with self._lock.held(opening=True):
            storage = optuna.storages.RDBStorage(registry.url, engine_kwargs=options)
            self._study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)

    def enqueue(self, recipe: Recipe, settings: Sequence[Mapping[str, str]]) -> int:
        """Queue trials, each `recipe` with one of the settings, less those it has had; return how many."""
        with self._lock.held():
            earlier = [trial.user_attrs.get(_RECIPE) for trial in self._study.get_trials(deepcopy=False)]
            new = [(dict(setting), recipes.to_dict(recipes.changed(recipe, setting))) for setting in settings]
            new = [(setting, full_recipe) for setting, full_recipe in new if full_recipe not in earlier]
            for setting, full_recipe in new:
                self._study.enqueue_trial(setting, user_attrs={_RECIPE: full_recipe})
        return len(new)

    def run(
        self,
        dataset: Dataset,
        *,
        score: str,
        device: str = "auto",
        listener: Callable[[Recipe], Listener] | None = None,
        on_trial: Callable[[int, Mapping[str, str]], None] = lambda number, setting: None,
    ) -> int:
        """Train trials until none is waiting or one is interrupted; return how many this process trained."""
        done = 0
        while (next_trial := self._take()) is not None:
            trial, setting, recipe = next_trial
            on_trial(trial.number, setting)
            try:
                outcome = train(
                    recipe,
                    dataset,
                    self._registry,
                    device=device,
                    name=f"{self.name}-{trial.number:03d}",
                    tags=[study_tag(self.name)],
                    listener=listener(recipe) if listener else None,
                    on_start=partial(self._note, trial),
                )
            except KeyboardInterrupt:
                self._put_back(trial)
                raise
            except BaseException:
                self._finish(trial, None)
                raise
            if outcome.status == "interrupted":
                self._put_back(trial)
                return done
            self._finish(trial, _value(outcome, score))
            done += 1
        return done

    def waiting(self) -> int:
        """Return how many trials are waiting."""
        with self._lock.held():
            return len(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def _take(self) -> tuple[optuna.Trial, dict[str, str], Recipe] | None:
        """Take the next waiting trial, those whose process has died among them; None where there is none."""
        with self._lock.held():
            self._put_back_dead()
            if not self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
                return None
            trial = self._study.ask()
            frozen = self._study.get_trials(deepcopy=False)[trial.number]
            return trial, dict(frozen.system_attrs["fixed_params"]), recipes.from_dict(frozen.user_attrs[_RECIPE])

    def _put_back_dead(self) -> None:
        reader = self._registry.reader
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if run_id := trial.user_attrs.get(_RUN):
                run = reader.run(run_id)
                # Shortly after a run's end its process has yet to record it in the study.
                ended = run["finished"] is not None and time.time() - run["finished"] > _SLOW_END
                dead = run["status"] == "crashed" or ended
            else:
                dead = trial.datetime_start is None or datetime.now() - trial.datetime_start > _SLOW_START
            if dead:
                self._enqueue_again(trial)

    def _put_back(self, trial: optuna.Trial) -> None:
        with self._lock.held():
            self._enqueue_again(self._study.get_trials(deepcopy=False)[trial.number])

    def _enqueue_again(self, trial: FrozenTrial) -> None:
        self._study.tell(trial.number, state=TrialState.FAIL)
        self._study.enqueue_trial(trial.system_attrs["fixed_params"], user_attrs={_RECIPE: trial.user_attrs[_RECIPE]})

    def _note(self, trial: optuna.Trial, run_id: str) -> None:
        with self._lock.held():
            trial.set_user_attr(_RUN, run_id)

    def _finish(self, trial: optuna.Trial, value: float | None) -> None:
        with self._lock.held():
            if value is None:
                self._study.tell(trial, state=TrialState.FAIL)
            else:
                self._study.tell(trial, value)


def _value(outcome: Outcome, score: str) -> float | None:
    """Return a finished run's score over all emotions; None where the run failed or lacks the score."""
    if outcome.status != "finished":
        return None
    return next((entry.value for entry in outcome.scores if entry.metric == score and entry.emotion is None), None)
