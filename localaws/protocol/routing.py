"""How the gateway knows a request for one of the services."""

TARGET_PREFIXES = {
    "AnyScaleFrontendService": "application-autoscaling",
    "CodeBuild_20161006": "codebuild",
    "CodeCommit_20150413": "codecommit",
    "CodePipeline_20150709": "codepipeline",
}
"""What ``X-Amz-Target`` begins with, up to the dot, and botocore's name of the service.

A service that is here and not in `localaws.services.catalog` is refused by name: MiniStack would report success and do
nothing.
"""

GIT_PATH = "/v1/repos/"
"""Where CodeCommit's repositories are for git; no bucket can be named v1."""
