"""What the commands of `pipelines` and of `deploy` have in common.

    environment   where the AWS API is, and what is there already
    aws           boto3 sessions, made in one place
    model_packages   the versions of a model in SageMaker's registry
    options       the options that several commands have
    command       how a command reports an error, and with which status it ends; `errors` has the tree
    live          progress, shown while it happens
    quality       the metrics of a version's evaluation

It imports neither of the two.
"""
