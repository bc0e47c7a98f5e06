"""A real SageMaker for one host: AWS's API in front, isolated host processes behind.

How a request travels (each stage is a module, and knows only the ones below it)::

    server        HTTP, one asyncio process; hands every request to a thread
    api           the operation's name -> validation against botocore's model -> its handler
    operations    what the operations do: jobs, models, registry, pipelines (one module a family)
    executor      runs the DAG of one pipeline execution, through the same api as everybody
    tuning        runs tuning jobs: training jobs through the same api, one thread a tuning job
    jobs          the life of a job: staged, run, uploaded; one thread each
    container     the process itself: /opt/ml in private namespaces
    store         SQLite: every resource and its status; nothing lives only in memory

S3, CloudWatch, CloudWatch Logs and EventBridge are reached with boto3, as SageMaker reaches them, so this package
runs beside any of them: MiniStack's, or a real account's.
"""
