"""The kinds of things that have a log: a row for each; `parser` says how they are named."""

from localaws.command.logs import cloudwatch, histories
from localaws.command.logs.cloudwatch import job_kind
from localaws.command.logs.log import Kind

KINDS = (
    job_kind("Processing", "processing"),
    job_kind("Training", "training"),
    job_kind("Transform", "transform"),
    Kind("build", cloudwatch.find_build, cloudwatch.latest_builds),
    Kind("function", cloudwatch.find_function, cloudwatch.latest_functions),
    Kind("endpoint", cloudwatch.find_endpoint, cloudwatch.latest_endpoints),
    Kind("pipeline", histories.find_pipeline, histories.latest_pipelines),
    Kind("codepipeline", histories.find_codepipeline, histories.latest_codepipelines),
    Kind("state-machine", histories.find_state_machine, histories.latest_state_machines),
)
