"""ModelBuild: what is built, defined once and run by SageMaker, wherever SageMaker is.

A folder for each model defines its pipelines: `lr` is one to copy. Definitions are made with::

    _session      the SDK's session, and the account's defaults: bucket and execution role
    _steps        a builder for each kind of step; `_code`: the files that a step runs

`run_pipeline` and `get_pipeline_definition` are the console scripts, with `options` and `_command` in common::

    module        the user's module: found, imported, asked for its pipeline
    parameters    what the user gave, checked against what the pipeline declares
    execution     an execution as its API shows it; `execution_view` shows it to people, `outcome` tells how it ended

Nothing here knows whether the AWS API is answered by AWS or by a laptop.
"""
