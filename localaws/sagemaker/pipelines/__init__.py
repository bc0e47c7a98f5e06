"""Pipelines: definitions, versions, and executions.

operations   what the API answers
definition   the pipeline definition language, parsed and checked; expressions: its expressions' values
versions     the definitions that a pipeline has had
plan         which steps to start next: decided without doing anything
executor     runs the steps of one execution; steps: what each type of step does
record       an execution and its steps in the store
retries, step_cache, callbacks   RetryPolicies, CacheConfig, Callback steps
"""
