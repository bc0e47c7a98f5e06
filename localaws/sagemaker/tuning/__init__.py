"""Hyperparameter tuning: many training jobs, each with values that the results of the earlier ones suggest.

How a tuning job lives (each stage is a module)::

    checks        a CreateHyperParameterTuningJob request -> AWS's own rules beyond botocore's model
    plan          the request as what it means: definitions, each with its space, objective and limits
    tuner         one thread a tuning job: starts training jobs through the same API as everybody, follows them, ends
    metric_reader a metric, read from a training job's log while the job writes it
    strategies    what to try next: random, grid, Bayesian, Hyperband
    stopping      which running training jobs are not worth their end: median rule, Hyperband's rungs
    completion    whether the tuning job is done, and why
    records       the training jobs as the store keeps them: one row each, written before the job starts

Strategies and rules are pure functions of the trials so far and the seed. Nothing else is remembered, so a tuning job
that this server's death interrupted goes on at the next start: its trials are in the store, and a training job that
died with the server is tried again with the same values.
"""
