"""Bayesian optimisation with optuna's tree-structured Parzen estimator.

The study is created anew from the trials for every suggestion, so that nothing has to be kept between two of them: 500
trials take some tens of milliseconds, a training job takes longer. Running trials count as bad ones (constant liar),
which keeps parallel jobs apart.

Source: Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NIPS 2011.
"""

from collections.abc import Sequence

from localaws.sagemaker.tuning.objective import Objective, Trial
from localaws.sagemaker.tuning.ranges import Categorical, Space


def bayesian_positions(space: Space, objective: Objective, trials: Sequence[Trial], seed: int) -> list[float]:
    """Return the positions of the next trial's values.

    Parameters
    ----------
    space : Space
    objective : Objective
    trials : sequence of Trial
        Those with a value are learned from, running ones are avoided; those outside the space, as a parent's may be,
        are ignored.
    seed : int
    """
    import optuna  # noqa: PLC0415 - 0.2 s, which only a Bayesian tuning job should pay

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        each.name: optuna.distributions.CategoricalDistribution(range(len(each.values)))
        if isinstance(each, Categorical)
        else optuna.distributions.FloatDistribution(0.0, 1.0)
        for each in space.ranges
    }
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=0, multivariate=True, constant_liar=True)
    study = optuna.create_study(sampler=sampler)
    for trial in trials:
        positions = space.positions(trial.values)
        if positions is None or (trial.value is None and not trial.runs):
            continue
        params = {
            each.name: each.values.index(trial.values[each.name]) if isinstance(each, Categorical) else position
            for each, position in zip(space.ranges, positions, strict=True)
        }
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.RUNNING if trial.value is None else optuna.trial.TrialState.COMPLETE,
                value=None if trial.value is None else objective.loss(trial.value),
                params=params,
                distributions=distributions,
            )
        )
    suggested = study.ask(distributions).params
    return [
        (suggested[each.name] + 0.5) / len(each.values) if isinstance(each, Categorical) else suggested[each.name]
        for each in space.ranges
    ]
