"""The services that MiniStack lacks, beside SageMaker: a server of their own, third under the supervisor.

``python -m localaws.services`` answers the JSON 1.1 API of each service in `localaws.services.catalog`. A request
comes through the gateway, which knows it by its ``X-Amz-Target``; `api` checks it against botocore's model and hands it
to the service's own handler. What a service must remember is in one SQLite store; what it does elsewhere (CloudWatch,
S3, SageMaker, ...) it does as any client does: by boto3, at the endpoint URL.
"""
