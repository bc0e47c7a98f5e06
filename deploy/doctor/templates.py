"""What the project's templates say before CloudFormation has them: their types of resources, their builds' machines."""

import re
from collections import Counter
from functools import cache

from deploy import stages

# project.yml and what is nested in it; ModelDeploy and deploy-model make the others.
OF_THE_PROJECT = ("project", "build", "release", "system_test", "automation")
_TYPE = re.compile(r"^    Type: (AWS::\w+::\w+)$", re.MULTILINE)
_MACHINE = re.compile(r"^ +(?:ComputeType|Default): BUILD_GENERAL1_(\w+)$", re.MULTILINE)
# Where boto3 has another name than CloudFormation in small letters.
_IN_BOTO3 = {"applicationautoscaling": "application-autoscaling"}


@cache
def types() -> Counter[str]:
    """Return the types of the resources of the project's templates, and how many there are of each."""
    return Counter(found for name in OF_THE_PROJECT for found in _TYPE.findall(_text(name)))


def services() -> list[str]:
    """Return the services of the templates of project, stages and API, as boto3 calls them."""
    made = {found for name in (*OF_THE_PROJECT, "endpoint", "api") for found in _TYPE.findall(_text(name))}
    names = {found.split("::")[1].lower() for found in made}
    return sorted(_IN_BOTO3.get(name, name) for name in names)


def machines() -> list[str]:
    """Return the sizes of the builds' machines, as Service Quotas writes them: Small, Medium."""
    return sorted({size.capitalize() for name in ("build", "release") for size in _MACHINE.findall(_text(name))})


def _text(name: str) -> str:
    return stages.read_template(stages.FOLDER / "templates" / f"{name}.yml")
