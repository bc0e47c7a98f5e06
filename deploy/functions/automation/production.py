"""Record on a version of the model that it is in production, whichever way it came there.

`deploy-model production` does that itself. ModelDeploy has CloudFormation deploy, which knows nothing of versions: what
it has brought there is told by the endpoint's event. `deploy-model list` and `rollback` read the milestone.
"""

from typing import Any

from botocore.exceptions import ClientError
from claims import sortable
from registry import configured

from deploy import milestones, packages
from model_road.errors import NoModelError

Document = dict[str, Any]


def remember(sagemaker: Any, project_name: str, detail: Document) -> str:
    """Record which version an endpoint in service now serves; return what was recorded.

    Parameters
    ----------
    sagemaker : boto3 client
    project_name : str
    detail : dict
        Of the event: the endpoint's configuration is that of the event, as another one may have come since.
    """
    try:
        # The first variant is the one that was released; a second one is on trial.
        [arn, *_] = configured(sagemaker, detail["EndpointConfigName"]) or [""]
        package = packages.describe(sagemaker, arn) if arn else None
    except NoModelError as error:
        return str(error)
    except ClientError as error:
        # This is how SageMaker says that there is no such configuration or model: a later deployment has deleted it.
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return str(error)
    if package is None:
        return "it serves no version"
    time = f"{sortable(detail['LastModifiedTime']).partition('.')[0]}Z"
    # CloudFormation gives a configuration's ARN, in which its name is in lower case.
    milestone = milestones.Milestone(milestones.DEPLOYED, time, detail["EndpointConfigName"].lower())
    known = milestones.read(package.metadata, project_name, milestones.PRODUCTION)
    if known is not None and (known.config_name == milestone.config_name or known.time >= milestone.time):
        return f"{package.arn} was known to have come to production"
    milestones.write(sagemaker, package, project_name, milestones.PRODUCTION, milestone)
    return f"{package.arn} has come to production"
