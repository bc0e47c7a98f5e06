"""Hyperparameter tuning: many training jobs, each with values that are suggested by the results of earlier ones.

The life of a tuning job (each stage is a module)::

    checks        AWS's own rules for a CreateHyperParameterTuningJob request, beyond botocore's model
    plan          the meaning of the request: definitions, each with its space, objective and limits
    tuner         one thread per tuning job: starts training jobs through the same API as any client, and monitors them
    metric_reader a metric, read from a training job's log while the job writes it
    strategies    what to try next: random, grid, Bayesian, Hyperband
    stopping      which running training jobs are not worth finishing: median rule, Hyperband's rungs
    completion    whether the tuning job is done, and why
    records       the stored training jobs: one row each, written before the job starts

Strategies and rules are pure functions of the trials so far and the seed. Nothing else is stored, so a tuning job that
was interrupted by this server's death resumes at the next start: its trials are in the store, and a training job that
died with the server is repeated with the same values.
"""
