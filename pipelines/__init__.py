"""ModelBuild: what is built, defined once and run by SageMaker, wherever SageMaker is.

One folder per model defines its pipelines; `run-pipeline` and `get-pipeline-definition` are the entrances.
Nothing here knows whether the AWS API is answered by AWS or by a laptop.
"""
