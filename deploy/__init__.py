"""ModelDeploy: moves an approved model to staging, then to production, and puts an API in front of it.

The entry points; what they share is in `options`::

    deploy_model    for people: a function of `commands` for each command
    build           ``python -m deploy.build``, for CodeBuild
    check_project   checks that everything the system needs exists: `check`

What exists, read from AWS into plain data::

    project         names and clients; `provisioned`: what the project's own stack says of it
    packages        the versions of a model; `milestones`: what the project has noted on them
    stacks          CloudFormation; `stages` and `staged`: what the stack of a stage is to be, and is
    traffic         who serves an endpoint; `experiments`: a second model beside the first
    codepipeline    the project's CodePipelines; `executions`: those of a state machine

What is deployed::

    artifacts       the code of functions; `assets`: all that the project's stack is made of; `studio`: its template
    plan            what a deployment would change; `deployment` does it, `deployment_view` shows it
    test            the test of a staged endpoint

What runs is what the stacks say: templates/, config/, functions/, terraform/. Nothing here knows whether the AWS API is
answered by AWS or by a laptop.
"""
