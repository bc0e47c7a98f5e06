"""ModelDeploy: moves an approved model to staging, then to production, and puts an API in front of it.

`deploy-model` is the entrance for people, `python -m deploy.build` that of CodeBuild. Both fill in the parameters of
the CloudFormation templates beside this file; what runs is what the stacks say. Nothing here knows whether the AWS API
is answered by AWS or by a laptop.
"""
