"""CodeBuild: a project's buildspec, run as a host process in namespaces of its own.

::

    projects     what is built, from where, to where
    builds       the operations on builds: a request and its project become a build's document
    runner       the life of a build in a thread: queue, source, container, artifacts, reports, end
    record       the phases of a build as they are written down, and the events that tell of them
    buildspec    the build specification: read and checked. Pure functions
    workspace    the folder that becomes /opt/ml: source, Python environment, plan, pip's cache
    agent        runs in the container: the phases' commands, one shell for all of them
    sources      CodeCommit, S3, or none
    variables    the environment of the commands, with values of Parameter Store and Secrets Manager
    artifacts    what the build leaves in S3
    reports      test reports and their groups

The container is that of the local SageMaker's jobs: what a build writes outside its folder goes with it.
"""
