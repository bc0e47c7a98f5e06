"""The services that MiniStack lacks, other than SageMaker: a server of their own, the third under the supervisor.

``python -m localaws.services`` serves each service in `localaws.services.catalog`, on top of `localaws.service`. A
service acts on others (CloudWatch, S3, SageMaker, ...) as any client does: with boto3, at the endpoint URL.
"""
