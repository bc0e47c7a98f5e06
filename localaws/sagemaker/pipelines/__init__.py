"""Pipelines: definitions, versions, and executions.

operations   the operations of the API
definition   the pipeline definition language, parsed and validated; expressions: the values of its expressions
versions     the definitions that a pipeline has had
plan         which steps to start next: decisions without side effects
executor     runs the steps of one execution; steps: what each type of step does
record       an execution and its steps in the store
retries, step_cache, callbacks   RetryPolicies, CacheConfig, Callback steps
"""
