"""The services of this server."""

from localaws.service.service import Service
from localaws.services.application_autoscaling.service import ApplicationAutoScaling
from localaws.services.codebuild.service import CodeBuild
from localaws.services.codecommit.service import CodeCommit
from localaws.services.codepipeline.service import CodePipeline
from localaws.services.logs.service import Logs

SERVICES: tuple[type[Service], ...] = (ApplicationAutoScaling, CodeBuild, CodeCommit, CodePipeline, Logs)
