"""A real SageMaker for one host: AWS's API in front, isolated host processes behind.

How a request travels (each stage is a module or a package, and knows only the ones below it)::

    server        HTTP, one asyncio process; hands every request to a thread
    api           the operation's name -> validation against botocore's model -> its handler
    (handlers)    what the operations do, a module for each family: registry, pipelines, job_operations, search, ...;
                  families and simple_families are tables of those that are nothing but documents
    executor      runs the DAG of one pipeline execution, through the same api as everybody; steps: what each type does
    tuning        runs tuning jobs: training jobs through the same api, one thread a tuning job
    hosting       runs endpoints: model servers, and the traffic between them; runtime: the way of an invocation to them
    jobs          the life of a job: staged, run, uploaded; one thread each
    container     the process itself: /opt/ml in private namespaces
    localaws.storage.store  SQLite: every resource and its status; nothing lives only in memory

S3, CloudWatch, CloudWatch Logs and EventBridge are reached with boto3, as SageMaker reaches them, so this package
runs beside any of them: MiniStack's, or a real account's.
"""
