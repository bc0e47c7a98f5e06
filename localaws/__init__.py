"""AWS on a laptop: MiniStack plus a real local SageMaker, without an account and without Docker.

Three servers under one supervisor::

    ministack     MiniStack with our hooks, a folder for each AWS service that it answers; the gateway before it
    sagemaker     the local SageMaker
    services      what else MiniStack lacks: CodePipeline, CodeBuild, CodeCommit, Application Auto Scaling

What they are made of, the upper on top of the lower::

    command       ``local-aws``, the command line
    supervision   how the servers are started, watched and stopped; where state is kept
    service       what every service of our own is made of
    metrics       what services tell CloudWatch about themselves
    containers    a container as host processes
    account       the other services by boto3; roles, and who may do what
    protocol      HTTP, AWS's protocols, which server answers what
    storage       SQLite, and the disk below it
    document, settings, errors, api_errors    what all of it shares
"""
