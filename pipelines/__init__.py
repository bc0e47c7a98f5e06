"""ModelBuild: what is built, defined once and run by SageMaker, wherever SageMaker is.

A module that defines a pipeline begins with ``from pipelines import code, session, steps``::

    session       opens the SDK's session; the account's defaults: bucket and execution role
    steps         a builder for each kind of step, and the classes of the SDK that a definition needs
    code          the files that a step runs

They import neither boto3 nor SageMaker's SDK before something of it is used: `sdk` sees to that. Each model has a
folder that defines its pipelines; `lr` and `iris` say what is particular about them, and share::

    road          the pipeline from raw CSV files to a registered version
    batch         the pipeline that predicts every file of a folder
    containers    the scripts, and what scripts import
    samples       sample data in S3

`run_pipeline` and `get_pipeline_definition` are the console scripts; their steps are::

    options       what both take
    module        the user's module: found, imported, asked for its pipeline
    definition    from the options to a pipeline, and to its definition
    parameters    what the user gave, checked against what the pipeline declares
    execution     an execution as the API shows it; `execution_view` shows it to people, `outcome` tells how it ended

Nothing here knows whether the AWS API is answered by AWS or by a laptop.
"""
