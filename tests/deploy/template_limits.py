"""What AWS refuses about a template and names in its documentation: lengths, sizes, counts, names that are taken.

A rule is a function that gives the faults of a template, each with what to do. What a type's schema says is judged as
well: cfn-lint does so for what is written out, and not for what is put together.

Sources: "CloudFormation quotas" in its User Guide, and the quotas page or API reference of each service.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from deploy.check.policies import listed
from localaws.ministack.cloudformation import schema
from tests.deploy.resolution import Template
from tests.deploy.test_policies import documents

Document = dict[str, Any]
# The longest name of each type, by the property that holds it.
LONGEST: dict[str, tuple[str, int]] = {
    "AWS::ApiGateway::ApiKey": ("Name", 1024),
    "AWS::ApiGateway::Authorizer": ("Name", 128),
    "AWS::ApiGateway::RestApi": ("Name", 1024),
    "AWS::ApiGateway::UsagePlan": ("UsagePlanName", 1024),
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::CodeBuild::Project": ("Name", 150),
    "AWS::CodeCommit::Repository": ("RepositoryName", 100),
    "AWS::CodePipeline::Pipeline": ("Name", 100),
    "AWS::DynamoDB::Table": ("TableName", 255),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128),
    "AWS::IAM::Policy": ("PolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::SageMaker::Endpoint": ("EndpointName", 63),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupName", 63),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
}
# The longest description of each type that has one here.
DESCRIPTIONS: dict[str, tuple[str, int]] = {
    "AWS::CloudWatch::Alarm": ("AlarmDescription", 1024),
    "AWS::CodeBuild::Project": ("Description", 255),
    "AWS::CodeCommit::Repository": ("RepositoryDescription", 1000),
    "AWS::Events::Rule": ("Description", 512),
    "AWS::IAM::Role": ("Description", 1000),
    "AWS::KMS::Key": ("Description", 8192),
    "AWS::Lambda::Function": ("Description", 256),
    "AWS::SNS::Topic": ("DisplayName", 100),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupDescription", 1024),
}
# Types whose names are one's own in more than an account and region, and what makes a name of theirs unique.
GLOBAL = {
    "AWS::S3::Bucket": ("SageMakerProjectId", "AWS::AccountId"),
    "AWS::CloudWatch::Dashboard": ("AWS::Region",),
    "AWS::IAM::ManagedPolicy": ("AWS::Region",),
    "AWS::IAM::Role": ("AWS::Region",),
}


def of_type(template: Template, kind: str) -> Iterator[tuple[str, Document]]:
    """The resources of a type with their properties, resolved."""
    for name, resource in template.document["Resources"].items():
        if resource["Type"] == kind:
            yield name, template.properties(name)


def size(value: Any) -> int:
    """The characters of a document without white space, as IAM counts them."""
    return len(re.sub(r"\s", "", value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))))


def nulls(template: Template) -> list[str]:
    """CloudFormation refuses null values, also in a state machine's definition."""

    def within(value: Any, path: str) -> Iterator[str]:
        if value is None:
            yield f"{path} is null: leave it out, or say it in another way"
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, each in items:
            yield from within(each, f"{path}.{key}")

    return list(within(template.document["Resources"], "Resources"))


def counts(template: Template) -> list[str]:
    """A template has at most 200 parameters, outputs and mappings, and 500 resources."""
    limits = {"Parameters": 200, "Outputs": 200, "Mappings": 200, "Resources": 500}
    return [
        f"{len(template.document[section])} {section}, of at most {most}: nest a part of them"
        for section, most in limits.items()
        if len(template.document.get(section, ())) > most
    ]


def texts(template: Template) -> list[str]:
    """Descriptions of a template, its parameters and outputs, and defaults."""
    found = [("Description", template.document.get("Description", ""), 1024)]
    for name, declared in template.document.get("Parameters", {}).items():
        found += [(f"Parameters.{name}.Description", declared.get("Description", ""), 4000)]
        found += [(f"Parameters.{name}.Default", str(declared.get("Default", "")), 4096)]
    for name, declared in template.document.get("Outputs", {}).items():
        found += [(f"Outputs.{name}.Description", declared.get("Description", ""), 1024)]
    return [f"{where} has {len(text)} characters, of at most {most}" for where, text, most in found if len(text) > most]


def names_too_long(template: Template) -> list[str]:
    """Of names put together, the longest that the parameters allow."""
    return [
        f"{name}: {properties[member]!r} has {len(properties[member])} characters, of at most {most}: shorten it, or a "
        "parameter's MaxLength"
        for kind, (member, most) in LONGEST.items()
        for name, properties in of_type(template, kind)
        if len(properties.get(member, "")) > most
    ]


def names_without_end(template: Template) -> list[str]:
    """A name is made of parameters whose length is known."""
    known = {
        name for name, each in template.document["Parameters"].items() if {"MaxLength", "AllowedValues"} & set(each)
    }
    found = []
    for name, resource in template.document["Resources"].items():
        member = LONGEST.get(resource["Type"], ("",))[0]
        said = json.dumps(resource.get("Properties", {}).get(member, ""))
        used = set(re.findall(r'\$\{(\w+)\}|"Ref": "(\w+)"', said))
        unknown = {each for pair in used for each in pair if each in template.document["Parameters"]} - known
        found += [f"{name}: the length of {each} is not known: give it a MaxLength" for each in sorted(unknown)]
    return found


def descriptions(template: Template) -> list[str]:
    """Descriptions are as short as their service wants them, and in characters that it takes."""
    found = [
        f"{name}: {member} has {len(properties[member])} characters, of at most {most}: shorten it"
        for kind, (member, most) in DESCRIPTIONS.items()
        for name, properties in of_type(template, kind)
        if len(properties.get(member, "")) > most
    ]
    plain = re.compile("[\t\n\r\u0020-\u007e\u00a1-\u00ff]*")  # IAM's, of CreateRole in its API reference
    return found + [
        f"{name}: {each['Description']!r} has characters that IAM refuses"
        for name, each in of_type(template, "AWS::IAM::Role")
        if not plain.fullmatch(each.get("Description", ""))
    ]


def global_names(template: Template) -> list[str]:
    """What is named in all the world, or in all regions of an account, carries what makes it unique."""
    found = []
    for name, resource in template.document["Resources"].items():
        unique = GLOBAL.get(resource["Type"], ())
        said = json.dumps(resource.get("Properties", {}).get(LONGEST.get(resource["Type"], ("",))[0], ""))
        if said != '""' and unique and not any(each in said for each in unique):
            found.append(f"{name}: {said} is the same in another region or account: put {' or '.join(unique)} into it")
    return found


def policies_too_long(template: Template) -> list[str]:
    """Inline policies of a role have 10,240 characters together, a managed one 6,144, one of trust 2,048, of a key 32K.

    White space does not count; source: "IAM and AWS STS quotas".
    """
    found = []
    for name, role in of_type(template, "AWS::IAM::Role"):
        own = sum(size(policy["PolicyDocument"]) for policy in role.get("Policies", ()))
        own += sum(size(each["PolicyDocument"]) for _, each in of_type(template, "AWS::IAM::Policy"))
        found += [(name, own, 10_240), (name, size(role["AssumeRolePolicyDocument"]), 2_048)]
    managed = of_type(template, "AWS::IAM::ManagedPolicy")
    found += [(name, size(policy["PolicyDocument"]), 6_144) for name, policy in managed]
    found += [(name, len(json.dumps(key["KeyPolicy"])), 32_768) for name, key in of_type(template, "AWS::KMS::Key")]
    return [
        f"{name}: a policy of {length} characters, of at most {most}" for name, length, most in found if length > most
    ]


def statement_ids(template: Template) -> list[str]:
    """IAM takes letters and digits as a Sid, and each once in a policy."""
    found = []
    for name, _, document in documents(template):
        sids = [each["Sid"] for each in document["Statement"] if "Sid" in each]
        wrong = [sid for sid in sids if not re.fullmatch("[A-Za-z0-9]+", sid) or sids.count(sid) > 1]
        found += [f"{name}: the Sid {sid}: letters and digits, and another one for each statement" for sid in wrong]
    return found


def queue_policies(template: Template) -> list[str]:
    """A queue's policy: 20 statements, 50 principals, 7 actions a statement."""
    found = []
    for name, policy in of_type(template, "AWS::SQS::QueuePolicy"):
        statements = policy["PolicyDocument"]["Statement"]
        if len(statements) > 20 or any(len(listed(each["Action"])) > 7 for each in statements):
            found.append(f"{name}: at most 20 statements with at most 7 actions each")
    return found


def queues(template: Template) -> list[str]:
    """A queue keeps messages for a minute to 14 days, and hides them for 12 hours at most."""
    return [
        f"{name}: MessageRetentionPeriod is 60 to 1,209,600, VisibilityTimeout 43,200 at most"
        for name, queue in of_type(template, "AWS::SQS::Queue")
        if not 60 <= int(queue.get("MessageRetentionPeriod", 345_600)) <= 1_209_600
        or int(queue.get("VisibilityTimeout", 30)) > 43_200
    ]


def topic_policies(template: Template) -> list[str]:
    """A topic's policy names SNS's actions one by one: sns:* is "out of service scope"; at most 30 KB."""
    return [
        f"{name}: {action}: name the actions of topics, and no pattern"
        for name, policy in of_type(template, "AWS::SNS::TopicPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
        if "*" in action
    ]


def functions(template: Template) -> list[str]:
    """A function has 15 minutes and 128 to 10,240 MB; its variables have 4 KB, and names that are not Lambda's own."""
    reserved = re.compile(r"AWS_(?!ENDPOINT_URL)\w*|LAMBDA_\w*|_\w*")
    found = []
    for name, function in of_type(template, "AWS::Lambda::Function"):
        variables = function.get("Environment", {}).get("Variables", {})
        if int(function.get("Timeout", 3)) > 900 or not 128 <= int(function.get("MemorySize", 128)) <= 10_240:
            found.append(f"{name}: Timeout is 900 at most, MemorySize 128 to 10,240")
        if size(variables) > 4096:
            found.append(f"{name}: its variables have {size(variables)} bytes, of at most 4,096")
        found += [
            f"{name}: {each} is Lambda's own: name it otherwise" for each in variables if reserved.fullmatch(each)
        ]
    return found


def waiting_batches(template: Template) -> list[str]:
    """A queue gives more than ten messages at once only to who waits for them, and invokes two functions at least."""
    return [
        f"{name}: a BatchSize over 10 needs MaximumBatchingWindowInSeconds"
        for name, mapping in of_type(template, "AWS::Lambda::EventSourceMapping")
        if int(mapping.get("BatchSize", 10)) > 10 and not int(mapping.get("MaximumBatchingWindowInSeconds", 0))
    ]


def queues_that_are_too_fast(template: Template) -> list[str]:
    """Lambda refuses a queue whose messages come back before the function has to have ended."""
    timeouts = {template.arn(name): each for name, each in of_type(template, "AWS::SQS::Queue")}
    found = []
    for name, mapping in of_type(template, "AWS::Lambda::EventSourceMapping"):
        queue = timeouts[mapping["EventSourceArn"]]
        function = next(
            each
            for _, each in of_type(template, "AWS::Lambda::Function")
            if each["FunctionName"] == mapping["FunctionName"]
        )
        if int(queue.get("VisibilityTimeout", 30)) < int(function.get("Timeout", 3)):
            found.append(
                f"{name}: the queue's VisibilityTimeout has to be the function's Timeout at least, six times at best"
            )
    return found


def rules_of_events(template: Template) -> list[str]:
    """A rule has 5 targets, a pattern of 2,048 characters, an expression of 256."""
    found = []
    for name, rule in of_type(template, "AWS::Events::Rule"):
        pattern = len(json.dumps(rule.get("EventPattern", {}), separators=(",", ":")))
        if len(rule["Targets"]) > 5:
            found.append(f"{name}: {len(rule['Targets'])} targets, of at most 5: make a second rule")
        if pattern > 2048:
            found.append(f"{name}: a pattern of {pattern} characters, of at most 2,048: make a second rule")
    return found


def alarms(template: Template) -> list[str]:
    """An alarm has 5 actions and ten metrics, one of them its own value, and looks back for a day at most."""
    found = []
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm"):
        queries = alarm.get("Metrics", [])
        returned = [each["Id"] for each in queries if each.get("ReturnData", True)]
        periods = [int(each.get("MetricStat", each).get("Period", 60)) for each in queries] or [int(alarm["Period"])]
        if sum("MetricStat" in each for each in queries) > 10:
            found.append(f"{name}: more than ten metrics: make a second alarm")
        if queries and len(returned) != 1:
            found.append(f"{name}: {returned} return data, and one has to: give the others ReturnData false")
        if len(alarm.get("AlarmActions", ())) > 5:
            found.append(f"{name}: more than five actions")
        if max(periods) * int(alarm["EvaluationPeriods"]) > 86_400:
            found.append(f"{name}: Period times EvaluationPeriods is more than a day")
    return found


def dashboards(template: Template) -> list[str]:
    """A dashboard is JSON, has 500 widgets, 500 metrics in each, and a place in a grid 24 wide."""
    found = []
    for name, dashboard in of_type(template, "AWS::CloudWatch::Dashboard"):
        try:
            widgets = json.loads(dashboard["DashboardBody"])["widgets"]
        except ValueError as error:
            found.append(f"{name}: its body is not JSON: {error}")
            continue
        if len(widgets) > 500 or any(len(each["properties"].get("metrics", ())) > 500 for each in widgets):
            found.append(f"{name}: more than 500 widgets, or metrics in one")
        if any(each["x"] + each["width"] > 24 for each in widgets):
            found.append(f"{name}: a widget is beyond the 24th column")
    return found


def builds(template: Template) -> list[str]:
    """A build's variables are not CodeBuild's own, and run 5 minutes to 36 hours."""
    found = []
    for name, project in of_type(template, "AWS::CodeBuild::Project"):
        variables = [each["Name"] for each in project["Environment"].get("EnvironmentVariables", ())]
        found += [
            f"{name}: {each} is CodeBuild's own: name it otherwise"
            for each in variables
            if each.startswith("CODEBUILD_")
        ]
        found += [
            f"{name}: {each} is there twice"
            for each in sorted({each for each in variables if variables.count(each) > 1})
        ]
        if not 5 <= int(project["TimeoutInMinutes"]) <= 2160:
            found.append(f"{name}: TimeoutInMinutes is 5 to 2,160")
    return found


def pipelines(template: Template) -> list[str]:
    """Two stages at least, sources in the first alone, values of a configuration 1,000 characters, names once."""
    found = []
    for name, pipeline in of_type(template, "AWS::CodePipeline::Pipeline"):
        stages = pipeline["Stages"]
        actions = [(place, action) for place, stage in enumerate(stages) for action in stage["Actions"]]
        if not 2 <= len(stages) <= 50 or len({each["Name"] for each in stages}) < len(stages):
            found.append(f"{name}: 2 to 50 stages, each with a name of its own")
        for place, action in actions:
            if (action["ActionTypeId"]["Category"] == "Source") != (place == 0):
                found.append(f"{name}: {action['Name']}: sources are in the first stage, and nothing else is")
            long = [key for key, value in action.get("Configuration", {}).items() if len(str(value)) > 1000]
            found += [f"{name}: {action['Name']}: {key} has more than 1,000 characters" for key in long]
        spaces = [action["Namespace"] for _, action in actions if "Namespace" in action]
        if len(set(spaces)) < len(spaces):
            found.append(f"{name}: a namespace is there twice in {spaces}")
        made = [each["Name"] for _, action in actions for each in action.get("OutputArtifacts", ())]
        read = [each["Name"] for _, action in actions for each in action.get("InputArtifacts", ())]
        found += [f"{name}: nothing makes the artifact {each}" for each in sorted(set(read) - set(made))]
    return found


def state_machines(template: Template) -> list[str]:
    """A definition has 1 MB, a state's name 80 characters; states are reached, and are there when they are named."""
    found = []

    def look(machine: Document, where: str) -> Iterator[str]:
        states = machine["States"]
        named = {machine["StartAt"]}
        for name, state in states.items():
            if len(name) > 80:
                yield f"{where}.{name}: a state's name has 80 characters at most"
            named |= {
                each["Next"] for each in (state, *state.get("Choices", ()), *state.get("Catch", ())) if "Next" in each
            }
            named |= {state["Default"]} if "Default" in state else set()
            if state["Type"] == "Map":
                yield from look(state["ItemProcessor"], f"{where}.{name}")
        yield from (f"{where}: {each} is named and not there" for each in sorted(named - set(states)))
        yield from (f"{where}: {each} is never reached" for each in sorted(set(states) - named))

    for name, machine in of_type(template, "AWS::StepFunctions::StateMachine"):
        found += look(machine["Definition"], name)
        if size(machine["Definition"]) > 1_048_576:
            found.append(f"{name}: a definition of more than 1 MB")
    return found


def apis(template: Template) -> list[str]:
    """An integration of a REST API answers within 29 seconds; a model's name has letters and digits."""
    found = [
        f"{name}: TimeoutInMillis is 50 to 29,000"
        for name, method in of_type(template, "AWS::ApiGateway::Method")
        if not 50 <= int(method["Integration"].get("TimeoutInMillis", 29_000)) <= 29_000
    ]
    return found + [
        f"{name}: the name {model['Name']}: letters and digits alone"
        for name, model in of_type(template, "AWS::ApiGateway::Model")
        if not re.fullmatch("[A-Za-z0-9]+", model["Name"])
    ]


def tags(template: Template) -> list[str]:
    """50 tags, keys of 128 characters and values of 256, none of which begins with aws: or is there twice."""
    found = []
    for name in template.document["Resources"]:
        keys = [(each["Key"], each["Value"]) for each in template.properties(name).get("Tags", ())]
        wrong = [key for key, value in keys if key.startswith("aws:") or len(key) > 128 or len(value) > 256]
        if wrong or len(keys) > 50 or len(dict(keys)) < len(keys):
            found.append(f"{name}: its tags: {wrong or 'one is there twice, or more than 50'}")
    return found


def what_schemas_refuse(template: Template) -> list[str]:
    """What a type's schema in CloudFormation's registry does not allow, functions resolved."""
    found = []
    for name, resource in template.document["Resources"].items():
        try:
            schema.check(resource["Type"], name, template.properties(name))
        except ValueError as error:
            found.append(str(error))
    return found
