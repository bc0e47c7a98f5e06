"""Which checks there are for which type of resource, and what is checked in which order."""

from collections.abc import Mapping

from deploy.check import buckets, code, functions, keys, models, queues, quotas, roles, rules, stacks, topics
from deploy.check.check import Catalog, Check
from deploy.check.system import NESTED, Resource, System

CHECKS: Mapping[str, tuple[Check[System, Resource], ...]] = {
    NESTED: stacks.CHECKS,
    "AWS::KMS::Key": keys.CHECKS,
    "AWS::S3::Bucket": buckets.CHECKS,
    "AWS::IAM::Role": roles.CHECKS,
    "AWS::CodeCommit::Repository": code.REPOSITORY_CHECKS,
    code.CONNECTION: code.CONNECTION_CHECKS,
    "AWS::CodeBuild::Project": code.PROJECT_CHECKS,
    "AWS::CodePipeline::Pipeline": code.PIPELINE_CHECKS,
    rules.RULE: rules.CHECKS,
    rules.TRIGGER: rules.TRIGGER_CHECKS,
    "AWS::SNS::Topic": topics.CHECKS,
    "AWS::SQS::Queue": queues.CHECKS,
    "AWS::Lambda::Function": functions.CHECKS,
    "AWS::Lambda::EventSourceMapping": functions.MAPPING_CHECKS,
    "AWS::StepFunctions::StateMachine": functions.STATE_MACHINE_CHECKS,
    "AWS::DynamoDB::Table": functions.TABLE_CHECKS,
    "AWS::SageMaker::ModelPackageGroup": models.GROUP_CHECKS,
    models.PIPELINE: models.PIPELINE_CHECKS,
    stacks.STAGE: stacks.STAGE_CHECKS,
    "AWS::SageMaker::Endpoint": models.ENDPOINT_CHECKS,
    quotas.QUOTA: quotas.CHECKS,
    quotas.PIPELINE_QUOTA: quotas.PIPELINE_CHECKS,
}


def subjects(system: System) -> list[Resource]:
    """Return all that is checked, type by type; a type without checks shows only in its stack's state."""
    every = [
        *system.resources,
        *code.connection_subjects(system),
        *rules.trigger_subjects(system),
        *models.pipeline_subjects(system),
        *stacks.stage_subjects(system),
        *quotas.quota_subjects(system),
    ]
    order = {resource_type: number for number, resource_type in enumerate(CHECKS)}
    return sorted((one for one in every if one.type in order), key=lambda one: order[one.type])


CATALOG = Catalog(CHECKS, subjects)
