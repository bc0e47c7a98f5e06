"""The services that MiniStack lacks, beside SageMaker: a server of their own, third under the supervisor.

``python -m localaws.services`` answers each service in `localaws.services.catalog`, on top of `localaws.service`. What
a service does elsewhere (CloudWatch, S3, SageMaker, ...) it does as any client does: by boto3, at the endpoint URL.
"""
