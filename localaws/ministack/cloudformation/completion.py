"""What MiniStack's CloudFormation leaves out of a resource that it has made, set by the service's own API.

A row of `COMPLETIONS` sends the properties that would be lost to the service, after a creation and after an update; a
property that the template does not have is removed where an earlier one may have set it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.cloudformation.typed_values import typed

Completion = Callable[[Clients, str, Document], None]


def complete(client: Clients, resource_type: str, physical_id: str, properties: Document) -> None:
    """Set what MiniStack has left out of a resource.

    Parameters
    ----------
    client : callable(service) -> boto3 client
    resource_type : str
        One of `COMPLETIONS`.
    physical_id : str
    properties : dict
        References are resolved.

    Raises
    ------
    ValueError
        The service refuses it; the text is the reason in the stack's events.
    """
    try:
        COMPLETIONS[resource_type](client, physical_id, properties)
    except ClientError as error:
        raise ValueError(error.response["Error"]["Message"]) from error


def check_code(client: Clients, properties: Document) -> None:
    """Refuse a function whose code is not in S3, as Lambda does; MiniStack would make one without code.

    Raises
    ------
    ValueError
    """
    code = properties.get("Code", {})
    if "S3Bucket" not in code:
        return
    version = {"VersionId": code["S3ObjectVersion"]} if "S3ObjectVersion" in code else {}
    try:
        client("s3").head_object(Bucket=code["S3Bucket"], Key=code["S3Key"], **version)
    except ClientError as error:
        name = {"404": "NoSuchKey", "NoSuchBucket": "NoSuchBucket"}.get(error.response["Error"]["Code"], "AccessDenied")
        raise ValueError(
            f"Error occurred while GetObject. S3 Error Code: {name}. S3 Error Message: "
            f"s3://{code['S3Bucket']}/{code['S3Key']}: {error.response['Error']['Message']}"
        ) from error


def check_logging(client: Clients, properties: Document) -> None:
    """Refuse a stage that writes logs where the account has no role for it, as API Gateway does.

    Raises
    ------
    ValueError
    """
    settings = properties.get("MethodSettings", ())
    logs = "AccessLogSetting" in properties or any(item.get("LoggingLevel", "OFF") != "OFF" for item in settings)
    if logs and not client("apigateway").get_account().get("cloudwatchRoleArn"):
        raise ValueError("CloudWatch Logs role ARN must be set in account settings to enable logging")


def check_empty(client: Clients, bucket: str) -> None:
    """Refuse to delete a bucket that holds something, as S3 does.

    Raises
    ------
    ValueError
    """
    try:
        found = client("s3").list_object_versions(Bucket=bucket, MaxKeys=1)
    except client("s3").exceptions.NoSuchBucket:
        return
    if found.get("Versions") or found.get("DeleteMarkers"):
        raise ValueError(f"The bucket you tried to delete is not empty: {bucket}")


def check_unprotected(client: Clients, table: str) -> None:
    """Refuse to delete a table that is protected, as DynamoDB does.

    Raises
    ------
    ValueError
    """
    dynamodb = client("dynamodb")
    try:
        found = dynamodb.describe_table(TableName=table)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return
    if found.get("DeletionProtectionEnabled"):
        raise ValueError(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection "
            "first."
        )


def _bucket(client: Clients, name: str, properties: Document) -> None:
    s3 = client("s3")
    versioning = properties.get("VersioningConfiguration", {"Status": "Suspended"})
    if versioning["Status"] == "Enabled" or "Status" in s3.get_bucket_versioning(Bucket=name):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": versioning["Status"]})
    encryption = properties.get("BucketEncryption")
    if encryption is None:
        s3.delete_bucket_encryption(Bucket=name)
    else:
        rules = [_encryption_rule(rule) for rule in encryption["ServerSideEncryptionConfiguration"]]
        _call(s3, "put_bucket_encryption", Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    logging = properties.get("LoggingConfiguration")
    enabled = logging and {
        "LoggingEnabled": {
            "TargetBucket": logging.get("DestinationBucketName", name),
            "TargetPrefix": logging.get("LogFilePrefix", ""),
        }
    }
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus=enabled or {})
    lifecycle = properties.get("LifecycleConfiguration")
    if lifecycle is None:
        s3.delete_bucket_lifecycle(Bucket=name)
    else:
        rules = [_lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        _call(s3, "put_bucket_lifecycle_configuration", Bucket=name, LifecycleConfiguration={"Rules": rules})
    tags = [tag for tag in properties.get("Tags", ()) if not tag["Key"].startswith("aws:")]
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    else:
        s3.delete_bucket_tagging(Bucket=name)


def _encryption_rule(rule: Document) -> Document:
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {names.get(name, name): value for name, value in rule.items()}


def _lifecycle_rule(rule: Document) -> Document:
    """Return the API's form of a rule; CloudFormation has other names for its days."""
    found: Document = {"Filter": {"Prefix": rule.get("Prefix", "")}}
    for name, value in rule.items():
        if name == "Id":
            found["ID"] = value
        elif name == "ExpirationInDays":
            found["Expiration"] = {"Days": value}
        elif name == "Transitions":
            found[name] = [_renamed(each, {"TransitionInDays": "Days"}) for each in value]
        elif name == "NoncurrentVersionTransitions":
            found[name] = [_renamed(each, {"TransitionInDays": "NoncurrentDays"}) for each in value]
        elif name in ("Status", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
            found[name] = value
        elif name != "Prefix":
            raise ValueError(f"Local AWS does not have {name} in a rule of LifecycleConfiguration")
    return found


def _renamed(document: Document, names: Mapping[str, str]) -> Document:
    return {names.get(name, name): value for name, value in document.items()}


def _function(client: Clients, name: str, properties: Document) -> None:
    functions = client("lambda")
    reserved = properties.get("ReservedConcurrentExecutions")
    if reserved is None:
        functions.delete_function_concurrency(FunctionName=name)
    else:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(reserved))
    functions.put_function_recursion_config(
        FunctionName=name, RecursiveLoop=properties.get("RecursiveLoop", "Terminate")
    )
    functions.update_function_configuration(
        FunctionName=name,
        DeadLetterConfig=properties.get("DeadLetterConfig", {}),
        KMSKeyArn=properties.get("KmsKeyArn", ""),
        # Nothing is routed here: the function's configuration says where it would be.
        VpcConfig=properties.get("VpcConfig", {"SubnetIds": [], "SecurityGroupIds": []}),
    )


def _invoke_config(client: Clients, _physical_id: str, properties: Document) -> None:
    _call(client("lambda"), "put_function_event_invoke_config", **properties)


def _topic(client: Clients, arn: str, properties: Document) -> None:
    value = properties.get("KmsMasterKeyId", "")
    client("sns").set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=value)


def _role(client: Clients, name: str, properties: Document) -> None:
    iam = client("iam")
    wanted = properties.get("PermissionsBoundary")
    known = iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    if wanted == known:
        return
    if wanted is None:
        iam.delete_role_permissions_boundary(RoleName=name)
    else:
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=wanted)


def _table(client: Clients, name: str, properties: Document) -> None:
    dynamodb = client("dynamodb")
    wanted = properties.get("TimeToLiveSpecification")
    if wanted is not None:
        known = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        enabled = str(wanted.get("Enabled", True)).lower() == "true"
        if (known["TimeToLiveStatus"] == "ENABLED") != enabled:
            _call(dynamodb, "update_time_to_live", TableName=name, TimeToLiveSpecification=wanted)
    backups = properties.get("PointInTimeRecoverySpecification")
    if backups is not None:
        _call(dynamodb, "update_continuous_backups", TableName=name, PointInTimeRecoverySpecification=backups)
    encryption = properties.get("SSESpecification")
    if encryption is not None:
        said = _renamed(encryption, {"SSEEnabled": "Enabled"})
        _call(dynamodb, "update_table", TableName=name, SSESpecification=said)
    # MiniStack keeps "false" as it is, and takes it for true.
    protected = properties.get("DeletionProtectionEnabled", False)
    _call(dynamodb, "update_table", TableName=name, DeletionProtectionEnabled=protected)


def _state_machine(client: Clients, arn: str, properties: Document) -> None:
    _call(
        client("stepfunctions"),
        "update_state_machine",
        stateMachineArn=arn,
        loggingConfiguration=_lower(properties.get("LoggingConfiguration", {"Level": "OFF"})),
        tracingConfiguration=_lower(properties.get("TracingConfiguration", {"Enabled": False})),
    )


def _lower(value: Any) -> Any:
    """Return a value whose members begin in lower case, as in Step Functions' API."""
    if isinstance(value, dict):
        return {f"{name[0].lower()}{name[1:]}": _lower(item) for name, item in value.items()}
    return [_lower(item) for item in value] if isinstance(value, list) else value


def _schedule(client: Clients, name: str, properties: Document) -> None:
    _call(client("scheduler"), "update_schedule", **{**properties, "Name": name})


def _method(client: Clients, _physical_id: str, properties: Document) -> None:
    named = {"restApiId": "RestApiId", "resourceId": "ResourceId", "httpMethod": "HttpMethod"}
    value = properties.get("RequestValidatorId", "")
    client("apigateway").update_method(
        **{member: properties[name] for member, name in named.items()},
        patchOperations=[{"op": "replace", "path": "/requestValidatorId", "value": value}],
    )


def _stage(client: Clients, name: str, properties: Document) -> None:
    setting = properties.get("AccessLogSetting")
    members = {"DestinationArn": "destinationArn", "Format": "format"}
    operations: list[Document] = [{"op": "remove", "path": "/accessLogSettings"}]
    if setting is not None:
        operations = [
            {"op": "replace", "path": f"/accessLogSettings/{member}", "value": setting[name]}
            for name, member in members.items()
            if name in setting
        ]
    client("apigateway").update_stage(restApiId=properties["RestApiId"], stageName=name, patchOperations=operations)


def _call(client: Any, method: str, **request: Any) -> None:
    """Call a method with values of a template, which may be text where the API wants numbers."""
    operation = client.meta.method_to_api_mapping[method]
    shape = client.meta.service_model.operation_model(operation).input_shape
    getattr(client, method)(**typed(shape, request))


COMPLETIONS: Mapping[str, Completion] = {
    "AWS::ApiGateway::Method": _method,
    "AWS::ApiGateway::Stage": _stage,
    "AWS::DynamoDB::Table": _table,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::EventInvokeConfig": _invoke_config,
    "AWS::Lambda::Function": _function,
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Topic": _topic,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::StepFunctions::StateMachine": _state_machine,
}
