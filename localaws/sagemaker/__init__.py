"""A real SageMaker for one host: AWS's API in front, isolated host processes behind.

The parts of the service (`localaws.service` brings a request to its operation)::

    service     the table of operations; what runs when the server starts and ends
    parts       the store, clients, outbox and job runner that every operation works with
    families    tables of resources that are plain documents; lookup of a resource, pages, tags
    registry    models, model packages and their approval
    lineage     what was made from what; experiments
    search      the operation Search, and its expressions
    pipelines   definitions, and executions: a DAG whose steps call the same operations as any client
    tuning      tuning jobs, which start training jobs in the same way
    hosting     endpoints: model servers, and the traffic between them
    runtime     invocations: the path of a request to a model server and back
    jobs        the life of a job: staged, run in a container, uploaded; one thread each
    unsupported what AWS does with a request and this server does not: refused by name

S3, CloudWatch, CloudWatch Logs and EventBridge are called with boto3, as SageMaker calls them, so this package
works with any of them: MiniStack's, or a real account's.
"""
