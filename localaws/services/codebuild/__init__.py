"""CodeBuild: a project's buildspec, run in host processes in namespaces of their own.

::

    projects     what is built, from where, and where the result goes
    builds       the operations on builds: a request and its project become a build's document
    runner       the life of a build in a thread: queue, source, container, artifacts, reports, end
    record       the recorded phases of a build, and the events that announce them
    buildspec    parsing and validating the build specification. Pure functions
    workspace    the folder that becomes /opt/ml: source, Python environment, plan, pip's cache
    agent        runs in the container: the phases' commands, in one shell
    sources      CodeCommit, S3, or no source
    variables    the commands' environment variables, including values from Parameter Store and Secrets Manager
    artifacts    what the build uploads to S3
    reports      test reports and their groups

The container is the one of the local SageMaker's jobs: what a build writes outside its folder is discarded with it.
"""
