"""A real SageMaker for one host: AWS's API in front, isolated host processes behind.

What the service is made of (`localaws.service` brings a request to its operation)::

    service     the table of operations; what goes on when the server starts and ends
    parts       the store, the clients, the outbox and the job runner that every operation works with
    families    tables of resources that are nothing but documents; lookup of a resource, pages, tags
    registry    models, model packages and their approval
    lineage     what was made from what; experiments
    search      the operation Search, and its expressions
    pipelines   definitions, and executions: a DAG whose steps call the same operations as everybody
    tuning      tuning jobs, which start training jobs in the same way
    hosting     endpoints: model servers, and the traffic between them
    runtime     the way of an invocation to them and back
    jobs        the life of a job: staged, run in a container, uploaded; one thread each
    unsupported what AWS does with a request and this does not: refused by name

S3, CloudWatch, CloudWatch Logs and EventBridge are reached with boto3, as SageMaker reaches them, so this package
runs beside any of them: MiniStack's, or a real account's.
"""
