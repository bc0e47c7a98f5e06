"""AWS on a laptop: MiniStack plus a real local SageMaker, without an account and without Docker.

The command, and the process that keeps the servers up::

    cli                 ``local-aws``; `control` does what its commands say, `job_logs` and `mail` show
    supervisor          starts the servers of `server`, as `restart` decides; `record`, `lock`, `health`, `process`
    state_dir           where everything is kept; `settings` and `environment`: where who listens, and is found
    errors              what can go wrong with local AWS as a whole

The servers::

    ministack           MiniStack with our hooks; `gateway` before it, `forward`, `snapshot` and `clock` beside it
    sagemaker           the local SageMaker
    services            what else MiniStack lacks: CodePipeline, CodeBuild, CodeCommit, Application Auto Scaling

What the servers of our own are made of::

    json_api            AWS's protocol over `asgi`; `shapes` checks requests, `api_errors` are the answers to wrong ones
    store               what is kept, in a `sqlite_file`
    aws                 the other services as they reach them; `iam`: as whom, and who may
    loop_task           what goes on in a server's event loop; `times`: how events write them

What MiniStack's services lack, hooked in by `ministack`::

    alarms  apigateway, body_errors  cloudformation  eventbridge, schedule  mail  metrics  stepfunctions
    unsupported_service, and `cfn_lint`: the data that several of them read
"""
