"""What AWS asks of templates and no linter knows: rules over all of them, each with its source.

A rule is a function that gives the faults of a template; beside each stands a slip that it has to find.
"""

import fnmatch
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deploy.check.policies import listed
from deploy.stages import STAGES
from tests.deploy.test_template_alarms import load
from tests.deploy.test_templates import TEMPLATES

Document = dict[str, Any]


def resources(template: Document, kind: str) -> Iterator[tuple[str, Document]]:
    """The resources of a type, with their properties."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def statements(template: Document) -> Iterator[tuple[str, Document]]:
    """What the policies of a template's roles say, each with its role or policy."""
    for name, role in resources(template, "AWS::IAM::Role"):
        for policy in role.get("Policies", []):
            yield from ((name, each) for each in policy["PolicyDocument"]["Statement"])
    for name, policy in resources(template, "AWS::IAM::Policy"):
        yield from ((name, each) for each in policy["PolicyDocument"]["Statement"])


def kept_after_a_failed_creation(template: Document) -> list[str]:
    """A creation that is rolled back must leave nothing behind whose name the next attempt wants.

    Source: "DeletionPolicy attribute", RetainExceptOnCreate, in the CloudFormation User Guide.
    """
    policies = {name: resource.get("DeletionPolicy") for name, resource in template["Resources"].items()}
    return [name for name, policy in policies.items() if policy == "Retain"]


def archived_without_a_prefix(template: Document) -> list[str]:
    """What a job reads again may not go to an archive, which no job can read; so a rule says what it is about.

    Source: "Understanding S3 Glacier storage classes" in the S3 User Guide: objects have to be restored first.
    """
    return [
        f"{name}: {rule}"
        for name, bucket in resources(template, "AWS::S3::Bucket")
        for rule in bucket["LifecycleConfiguration"]["Rules"]
        if {each["StorageClass"] for each in rule.get("Transitions", [])} & {"GLACIER", "DEEP_ARCHIVE"}
        if rule.get("Prefix") in (None, "") or "traindata/".startswith(rule["Prefix"])
    ]


def closed_namespaces(template: Document) -> list[str]:
    """Who writes metrics for SageMaker may write all that SageMaker's jobs and models write.

    Sources: "Metrics for monitoring Amazon SageMaker AI with Amazon CloudWatch" for the names; StringLike compares
    letter by letter, by "IAM JSON policy elements: Condition operators".
    """
    return [
        f"{role}: {namespace} fits none of {allowed}"
        for role, statement in statements(template)
        if "cloudwatch:PutMetricData" in listed(statement.get("Action", []))
        if (allowed := listed(statement["Condition"]["StringLike"]["cloudwatch:namespace"]))
        for namespace in ("/aws/sagemaker/TrainingJobs", "AWS/SageMaker")
        if not any(fnmatch.fnmatchcase(namespace, pattern) for pattern in allowed)
    ]


def write_metrics_of_one_spelling(found: Document) -> None:
    [policy] = found["ModelExecutionRole"]["Properties"]["Policies"]
    [statement] = [each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == "Metrics"]
    statement["Condition"] = {"StringLike": {"cloudwatch:namespace": "*SageMaker*"}}


def patterns_of_other_projects(template: Document) -> list[str]:
    """What a project may touch does not begin as the project does: iris-* is a project iris-2, too."""
    return re.findall(r'"(arn:[^"]*\$\{SageMakerProjectName\}-\*[^"]*)"', json.dumps(template))


def any_alarm(found: Document) -> None:
    [policy] = found["DeployRole"]["Properties"]["Policies"]
    [statement] = [each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == "Alarms"]
    statement["Resource"] = {"Fn::Sub": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:${SageMakerProjectName}-*"}


def sources_of_eventbridge_in_keys(template: Document) -> list[str]:
    """A key lets EventBridge in without naming a source, which it does not say when it uses a target's key.

    Source: "Key management", the section on AWS services, in the SNS Developer Guide.
    """
    return [
        f"{name}: {statement['Condition']}"
        for name, key in resources(template, "AWS::KMS::Key")
        for statement in key["KeyPolicy"]["Statement"]
        if "events.amazonaws.com" in listed(statement["Principal"].get("Service", []))
        if "aws:Source" in str(statement.get("Condition"))
    ]


def condition_for_eventbridge(found: Document) -> None:
    [statement] = [
        each for each in found["Key"]["Properties"]["KeyPolicy"]["Statement"] if each["Sid"] == "EventBridge"
    ]
    statement["Condition"] = {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def stale_deployments(template: Document) -> list[str]:
    """A deployment is a snapshot of the API: it comes after all of it, and is another one when the API is.

    CloudFormation makes one when its name is new, so it is named after what it is a snapshot of.
    Source: "AWS::ApiGateway::Deployment" in the CloudFormation template reference.
    """
    kinds = ("RestApi", "Resource", "Model", "RequestValidator", "Authorizer", "Method", "GatewayResponse")
    found = template["Resources"]
    of_api = {kind: dict(resources(template, f"AWS::ApiGateway::{kind}")) for kind in kinds}
    name = f"Deployment{hashlib.sha256(json.dumps(of_api, sort_keys=True).encode()).hexdigest()[:8]}"
    before = {*of_api["Method"], *of_api["GatewayResponse"]}
    return [
        f"{deployment}: name it {name}, and let it depend on {sorted(before)}"
        for deployment, _ in resources(template, "AWS::ApiGateway::Deployment")
        if deployment != name or set(found[deployment]["DependsOn"]) != before
    ]


def silent_alarms(template: Document) -> list[str]:
    """An alarm tells somebody, and nothing measured is no alarm: what is idle, or new, is not broken."""
    return [
        name
        for name, alarm in resources(template, "AWS::CloudWatch::Alarm")
        if "Topic" not in str(alarm.get("AlarmActions")) or alarm.get("TreatMissingData") != "notBreaching"
    ]


def deputies_of_anybody(template: Document) -> list[str]:
    """A service assumes a role for this account alone, where it says for whom it does.

    Source: "The confused deputy problem" in the IAM User Guide. Lambda, API Gateway and CloudFormation assume the role
    of what this account has made, and are not documented to say more.
    """
    silent = ("lambda.amazonaws.com", "apigateway.amazonaws.com", "cloudformation.amazonaws.com")
    return [
        name
        for name, role in resources(template, "AWS::IAM::Role")
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
        if statement["Principal"].get("Service", silent[0]) not in silent  # or another account, by name
        if statement.get("Condition") != {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    ]


def passed_to_anybody(template: Document) -> list[str]:
    """A role is passed to the one service that it is for; source: "Grant a user permissions to pass a role"."""
    return [
        name
        for name, statement in statements(template)
        if "iam:PassRole" in listed(statement.get("Action", []))
        if not statement.get("Condition", {}).get("StringEquals", {}).get("iam:PassedToService")
    ]


def half_keys(template: Document) -> list[str]:
    """Who encrypts decrypts, too: parts of an upload, the data keys of a queue and of a topic.

    Sources: "Uploading and copying objects using multipart upload" of S3, "Key management" of SQS and of SNS.
    """
    return [
        f"{name}: {statement['Action']}"
        for name, statement in statements(template)
        if "kms:GenerateDataKey" in listed(statement.get("Action", []))
        if "kms:Decrypt" not in listed(statement["Action"])
    ]


def batches_that_fail_as_one(template: Document) -> list[str]:
    """Of a batch only what failed comes again, and a burst of events takes no concurrency from other functions.

    Source: "Using Lambda with Amazon SQS": reporting batch item failures, maximum concurrency.
    """
    return [
        name
        for name, mapping in resources(template, "AWS::Lambda::EventSourceMapping")
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]
        or not mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
    ]


def loops_that_lambda_ends(template: Document) -> list[str]:
    """A function that sends to the queue that it reads says whether a message may go round more than 16 times.

    Lambda ends such a loop by default. Source: "Use Lambda recursive loop detection to prevent infinite loops".
    """
    functions = dict(resources(template, "AWS::Lambda::Function"))
    queues = {
        functions[mapping["FunctionName"]["Ref"]]["Role"]["Fn::GetAtt"][0]: mapping
        for _, mapping in resources(template, "AWS::Lambda::EventSourceMapping")
    }
    return [
        f"{queues[role]['FunctionName']['Ref']}: RecursiveLoop is Allow, or Terminate where 16 times are enough"
        for role, statement in statements(template)
        if role in queues and "sqs:SendMessage" in listed(statement.get("Action", []))
        if statement["Resource"] == queues[role]["EventSourceArn"]
        if "RecursiveLoop" not in functions[queues[role]["FunctionName"]["Ref"]]
    ]


def functions_kept_from_their_own(template: Document) -> list[str]:
    """A function writes its log and reads the queue that is mapped to it.

    Sources: "Lambda execution role" and "Using Lambda with Amazon SQS" in the Lambda Developer Guide.
    """
    functions = dict(resources(template, "AWS::Lambda::Function"))
    needed = [
        (name, {"logs:CreateLogStream", "logs:PutLogEvents"}, f":/aws/lambda/{function['FunctionName']['Fn::Sub']}:*")
        for name, function in functions.items()
    ]
    reading = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    needed += [
        (mapping["FunctionName"]["Ref"], reading, str(mapping["EventSourceArn"]))
        for _, mapping in resources(template, "AWS::Lambda::EventSourceMapping")
    ]
    allowed = list(statements(template))
    return [
        f"{name}: {sorted(actions)} on {resource}"
        for name, actions, resource in needed
        if not any(
            role == functions[name]["Role"]["Fn::GetAtt"][0]
            and actions <= set(listed(statement.get("Action", [])))
            and resource in str(statement["Resource"])
            for role, statement in allowed
        )
    ]


def rules_that_queues_refuse(template: Document) -> list[str]:
    """A queue takes the events of each rule that has it as a target, and nothing of anybody else."""
    targets = {
        (name, target["Arn"]["Fn::GetAtt"][0])
        for name, rule in resources(template, "AWS::Events::Rule")
        for target in rule["Targets"]
        if "Fn::GetAtt" in target["Arn"]
    }
    allowed = set()
    for _, policy in resources(template, "AWS::SQS::QueuePolicy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                sources = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn", [])
                rules = [each["Fn::If"][1] if "Fn::If" in each else each for each in sources]
                allowed |= {(rule["Fn::GetAtt"][0], statement["Resource"]["Fn::GetAtt"][0]) for rule in rules}
    return sorted(f"{rule} to {queue}" for rule, queue in targets ^ allowed)


def several_queues_of_a_policy(template: Document) -> list[str]:
    """A policy is about one queue, its statements too; SQS refuses one that names another.

    Source: "Special information for SQS policies" in the SQS Developer Guide.
    """
    found = []
    for name, policy in resources(template, "AWS::SQS::QueuePolicy"):
        own = {"Fn::GetAtt": [policy["Queues"][0]["Ref"], "Arn"]}
        about = [each["Resource"] for each in policy["PolicyDocument"]["Statement"]]
        if len(policy["Queues"]) > 1 or any(each != own for each in about):
            found.append(f"{name}: give each queue a policy of its own, whose statements name that queue alone")
    return found


def open_to_plain_http(template: Document) -> list[str]:
    """Queues, topics and buckets take requests over TLS alone.

    Sources: "Enforce encryption of data in transit" in the guides of SQS, SNS and S3. No topic's policy may say sns:*.
    """
    kinds = {
        "SQS::Queue": ("Queues", "sqs:*"),
        "SNS::Topic": ("Topics", "sns:Publish"),
        "S3::Bucket": ("Bucket", "s3:*"),
    }
    found = []
    for kind, (member, action) in kinds.items():
        closed = {
            each["Ref"]
            for _, policy in resources(template, f"AWS::{kind}Policy")
            for statement in policy["PolicyDocument"]["Statement"]
            if (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", action)
            if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
            for each in listed(policy[member])
        }
        found += [
            f"{name}: deny {action} where aws:SecureTransport is false"
            for name, _ in resources(template, f"AWS::{kind}")
            if name not in closed
        ]
    return found


def unbounded_roles(template: Document) -> list[str]:
    """Each role, and each policy of its own, has the path that was asked for; each role the boundary.

    Roles that another account knows by their names have no path.
    """
    wanted = {
        "Path": {"Fn::If": ["HasRolePath", {"Ref": "RolePath"}, {"Ref": "AWS::NoValue"}]},
        "PermissionsBoundary": {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]},
    }
    members = {"AWS::IAM::Role": wanted.keys(), "AWS::IAM::ManagedPolicy": {"Path"}}
    return [
        f"{name}: {member}"
        for kind, needed in members.items()
        for name, found in resources(template, kind)
        for member in needed
        if not (member == "Path" and "RolePath" not in template["Parameters"])
        if found.get(member) != wanted[member]
    ]


def outside_of_the_network(template: Document) -> list[str]:
    """Functions, builds and models are in the subnets that were asked for, and their roles may reach these.

    Lambda and CodeBuild refuse what is made with a role that may not yet; so the role itself brings the policy along.
    A model's role is another template's.
    """
    roles = dict(resources(template, "AWS::IAM::Role"))
    kinds = {"AWS::Lambda::Function": "Role", "AWS::CodeBuild::Project": "ServiceRole", "AWS::SageMaker::Model": None}
    attached = {"Fn::If": ["HasNetworkPolicy", [{"Ref": "NetworkPolicyArn"}], {"Ref": "AWS::NoValue"}]}
    return [
        name
        for kind, member in kinds.items()
        for name, found in resources(template, kind)
        if "InVpc" not in str(found.get("VpcConfig"))
        or (member and roles[found[member]["Fn::GetAtt"][0]].get("ManagedPolicyArns") != attached)
    ]


def logs_kept_for_ever(template: Document) -> list[str]:
    """A log is kept as long as was asked for, and encrypted with the project's key."""
    return [
        name
        for name, found in resources(template, "AWS::Logs::LogGroup")
        if found.get("RetentionInDays") != {"Ref": "LogRetentionInDays"} or "KmsKeyArn" not in str(found["KmsKeyId"])
    ]


def without_the_project_s_key(template: Document) -> list[str]:
    """What keeps or carries data is encrypted with the key that was asked for, where one was."""
    members = {
        "AWS::DynamoDB::Table": "SSESpecification",
        "AWS::Lambda::Function": "KmsKeyArn",
        "AWS::SNS::Topic": "KmsMasterKeyId",
        "AWS::SQS::Queue": "KmsMasterKeyId",
        "AWS::CodeBuild::Project": "EncryptionKey",
        "AWS::CodePipeline::Pipeline": "ArtifactStore",
        "AWS::SageMaker::EndpointConfig": "KmsKeyId",
    }
    return [
        name
        for kind, member in members.items()
        for name, found in resources(template, kind)
        if "{'Ref': 'KmsKeyArn'}" not in str(found.get(member))
    ]


def without(*path: str) -> Callable[[Document], object]:
    """A slip: something is left out."""

    def slip(found: Document) -> None:
        for step in path[:-1]:
            found = found[int(step)] if isinstance(found, list) else found[step]
        found.pop(int(path[-1]) if isinstance(found, list) else path[-1])

    return slip


def policy_slip(role: str, sid: str, change: Callable[[Document], object]) -> Callable[[Document], object]:
    """A slip in a statement of a role."""

    def slip(found: Document) -> None:
        [policy] = found[role]["Properties"]["Policies"]
        [statement] = [each for each in policy["PolicyDocument"]["Statement"] if each.get("Sid") == sid]
        change(statement)

    return slip


def with_another_queue(found: Document) -> None:
    statement = found["BatchQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    statement["Resource"] = [statement["Resource"], {"Fn::GetAtt": ["PeopleQueue", "Arn"]}]


def refuse_the_schedule(found: Document) -> None:
    statement = found["RetrainingQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    sources = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    sources[:] = [each for each in sources if "ScheduleRule" not in str(each)]


RULES: list[tuple[Callable[[Document], list[str]], str, Callable[[Document], object]]] = [
    (kept_after_a_failed_creation, "project", lambda found: found["Repository"].update(DeletionPolicy="Retain")),
    (
        archived_without_a_prefix,
        "project",
        lambda found: found["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"][0].pop("Prefix"),
    ),
    (closed_namespaces, "project", write_metrics_of_one_spelling),
    (patterns_of_other_projects, "release", any_alarm),
    (sources_of_eventbridge_in_keys, "project", condition_for_eventbridge),
    (stale_deployments, "api", lambda found: found["StreamMethod"]["Properties"].update(ApiKeyRequired=False)),
    (silent_alarms, "automation", without("NewsDeliveryAlarm", "Properties", "AlarmActions")),
    (silent_alarms, "endpoint", without("LatencyAlarm", "Properties", "TreatMissingData")),
    (
        deputies_of_anybody,
        "build",
        without("BuildRole", "Properties", "AssumeRolePolicyDocument", "Statement", "0", "Condition"),
    ),
    (passed_to_anybody, "release", policy_slip("PipelineRole", "DeployRole", lambda found: found.pop("Condition"))),
    (half_keys, "automation", policy_slip("BatchRole", "Key", lambda found: found["Action"].remove("kms:Decrypt"))),
    (batches_that_fail_as_one, "automation", without("BatchMapping", "Properties", "FunctionResponseTypes")),
    (batches_that_fail_as_one, "automation", without("BatchMapping", "Properties", "ScalingConfig")),
    (loops_that_lambda_ends, "automation", without("Batch", "Properties", "RecursiveLoop")),
    (
        functions_kept_from_their_own,
        "automation",
        policy_slip("BatchRole", "Queue", lambda found: found["Action"].remove("sqs:DeleteMessage")),
    ),
    (
        functions_kept_from_their_own,
        "automation",
        policy_slip("BatchRole", "Logs", lambda found: found["Action"].pop()),
    ),
    (unbounded_roles, "build", without("BuildRole", "Properties", "PermissionsBoundary")),
    (unbounded_roles, "project", without("NetworkPolicy", "Properties", "Path")),
    (outside_of_the_network, "automation", without("People", "Properties", "VpcConfig")),
    (outside_of_the_network, "api", without("FunctionRole", "Properties", "ManagedPolicyArns")),
    (outside_of_the_network, "endpoint", without("ShadowModel", "Properties", "VpcConfig")),
    (logs_kept_for_ever, "release", without("TestLog", "Properties", "RetentionInDays")),
    (without_the_project_s_key, "api", without("Function", "Properties", "KmsKeyArn")),
    (without_the_project_s_key, "automation", without("HistoryQueue", "Properties", "KmsMasterKeyId")),
    (rules_that_queues_refuse, "automation", refuse_the_schedule),
    (
        several_queues_of_a_policy,
        "automation",
        lambda found: found["BatchQueuePolicy"]["Properties"]["Queues"].append({"Ref": "PeopleQueue"}),
    ),
    (several_queues_of_a_policy, "automation", with_another_queue),
    (open_to_plain_http, "automation", without("TopicPolicy", "Properties", "PolicyDocument", "Statement", "1")),
    (open_to_plain_http, "automation", without("BatchDeadLettersPolicy")),
    (open_to_plain_http, "project", without("DataBucketPolicy")),
]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, *_ in RULES), ids=lambda rule: rule.__name__)
def test_a_rule_finds_nothing(rule, path):
    assert rule(load(path)) == []


@pytest.mark.parametrize(("rule", "template", "slip"), RULES, ids=lambda each: getattr(each, "__name__", ""))
def test_a_rule_would_find_a_slip(rule, template, slip):
    [path] = [path for path in TEMPLATES if path.stem == template]
    whole = load(path)
    slip(whole["Resources"])
    assert len(rule(whole)) == 1


def test_a_file_waits_for_the_batch_pipeline_however_long_it_takes() -> None:
    [path] = [path for path in TEMPLATES if path.stem == "automation"]
    assert load(path)["Resources"]["Batch"]["Properties"]["RecursiveLoop"] == "Allow"


def test_the_key_of_the_project_lets_eventbridge_in() -> None:
    [path] = [path for path in TEMPLATES if path.stem == "project"]
    statements = load(path)["Resources"]["Key"]["Properties"]["KeyPolicy"]["Statement"]
    [statement] = [each for each in statements if each["Principal"].get("Service") == "events.amazonaws.com"]
    assert (statement["Effect"], set(statement["Action"])) == ("Allow", {"kms:Decrypt", "kms:GenerateDataKey"})


def test_the_model_s_role_sees_the_alarms_that_roll_its_endpoint_back() -> None:
    """Source: "Auto-Rollback Configuration and Monitoring" in the SageMaker AI Developer Guide."""
    template = {path.stem: load(path) for path in TEMPLATES}
    named = {
        each["Properties"]["AlarmName"]["Fn::Sub"]
        for each in template["endpoint"]["Resources"].values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert len(named) == 4
    seen = [
        resource["Fn::Sub"].rpartition(":alarm:")[2]
        for role, statement in statements(template["project"])
        if role == "ModelExecutionRole" and "cloudwatch:DescribeAlarms" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    for name in named:
        for stage in STAGES:
            alarm = name.replace("${StageName}", stage)
            assert any(fnmatch.fnmatchcase(alarm, pattern) for pattern in seen), alarm


@pytest.mark.parametrize("role", ["ModelExecutionRole", "PipelineExecutionRole"])
def test_a_role_may_use_the_images_that_there_are(role: str) -> None:
    """Source: "Docker Registry Paths and Example Code", and the names of AWS's Deep Learning Containers."""
    [path] = [path for path in TEMPLATES if path.stem == "project"]
    [statement] = [each for name, each in statements(load(path)) if (name, each["Sid"]) == (role, "Images")]
    *of_aws, own = statement["Resource"]
    allowed = [each["Fn::Sub"].rpartition(":repository/")[2] for each in of_aws]
    for image in ("sagemaker-scikit-learn", "sagemaker-xgboost", "pytorch-training", "pytorch-inference"):
        assert any(fnmatch.fnmatchcase(image, pattern) for pattern in allowed), image
    assert not any(fnmatch.fnmatchcase("somebody-elses", pattern) for pattern in allowed)
    assert own["Fn::If"][:2] == ["HasImages", {"Ref": "ImageRepositoryArn"}]
