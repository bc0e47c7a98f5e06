"""SageMaker Studio's list of project templates: in S3, or, the older way, as a product of Service Catalog.

In S3 a template is an object with the tag ``sagemaker:studio-visibility``; the domain's tag
``sagemaker:projectS3TemplatesLocation`` names the folder, and the bucket lets Studio's pages read it (CORS). Source:
"Create custom project templates" in the SageMaker AI Developer Guide.
"""

from typing import Any

from botocore.exceptions import ClientError

from deploy.errors import DeployError
from model_road import aws

_VISIBLE = "sagemaker:studio-visibility"
_LOCATION = "sagemaker:projectS3TemplatesLocation"
_CORS_RULE = {
    "AllowedHeaders": ["*"],
    "AllowedMethods": ["GET"],
    "AllowedOrigins": ["https://*.sagemaker.aws"],
    "ExposeHeaders": [],
}
_PRODUCT = "Model Road: ModelBuild and ModelDeploy"
_PORTFOLIO = "SageMaker project templates"


def put_template(s3: Any, bucket: str, key: str, text: str) -> str:
    """Put a template where Studio finds it; return its URL."""
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), Tagging=f"{_VISIBLE}=true")
    return aws.object_url(s3.meta.region_name, bucket, key)


def allow_reading(s3: Any, bucket: str) -> bool:
    """Let Studio's pages read the bucket, besides those who may already; return whether that changed anything."""
    try:
        rules = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchCORSConfiguration":
            raise
        rules = []
    if any("https://*.sagemaker.aws" in rule["AllowedOrigins"] for rule in rules):
        return False
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [*rules, _CORS_RULE]})
    return True


def show_in_domain(sagemaker: Any, domain_id: str, location: str) -> bool:
    """Tell a Studio domain where the templates are; return whether that changed anything.

    Parameters
    ----------
    sagemaker : SageMaker client
    domain_id : str
    location : str
        Of the folder: ``s3://bucket/folder/``.

    Raises
    ------
    DeployError
        When there is no such domain, or when it shows another folder.
    """
    arn, shown = _shown(sagemaker, domain_id)
    _refuse_another(domain_id, arn, shown, location)
    if shown is None:
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": _LOCATION, "Value": location}])
    return shown is None


def check_domain(sagemaker: Any, domain_id: str, location: str) -> None:
    """Raise what `show_in_domain` would raise, before anything is put anywhere."""
    _refuse_another(domain_id, *_shown(sagemaker, domain_id), location)


def _shown(sagemaker: Any, domain_id: str) -> tuple[str, str | None]:
    """Return a domain's ARN, and the folder whose templates it shows, if any."""
    try:
        arn = str(sagemaker.describe_domain(DomainId=domain_id)["DomainArn"])
        pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        tags = {tag["Key"]: str(tag["Value"]) for page in pages for tag in page["Tags"]}
    except ClientError as error:
        raise DeployError(
            f"the Studio domain {domain_id} cannot be told of the template: {error.response['Error']['Message']}"
        ) from error
    return arn, tags.get(_LOCATION)


def _refuse_another(domain_id: str, arn: str, shown: str | None, location: str) -> None:
    """Refuse a second folder: a domain shows one, and another would take away the templates in it."""
    if shown is None or shown.rstrip("/") == location.rstrip("/"):
        return
    raise DeployError(
        f"the Studio domain {domain_id} shows the templates of {shown}, and would not show them any more. To put this "
        f"one beside them, add --template-location {shown}; to have it show {location} instead, first run "
        f"`aws sagemaker delete-tags --resource-arn {arn} --tag-keys {_LOCATION}`"
    )


def put_product(catalog: Any, template_url: str, version: str, launch_role_arn: str) -> str:
    """Make the template a product of Service Catalog that Studio shows, or a new version of it; return its id.

    Parameters
    ----------
    catalog : Service Catalog client
    template_url : str
    version : str
        Names the version; one that is there is left as it is.
    launch_role_arn : str
        A role that servicecatalog.amazonaws.com may assume, and that may make what docs/project.md lists. AWS's own
        AmazonSageMakerServiceCatalogProductsLaunchRole may not without more: it makes no roles, and names everything
        ``sagemaker-...``.
    """
    artifact = {
        "Name": version,
        "Info": {"LoadTemplateFromURL": template_url},
        "Type": "CLOUD_FORMATION_TEMPLATE",
    }
    product_id = _product(catalog)
    if product_id is not None:
        known = catalog.list_provisioning_artifacts(ProductId=product_id)["ProvisioningArtifactDetails"]
        if version not in {each["Name"] for each in known}:
            catalog.create_provisioning_artifact(ProductId=product_id, Parameters=artifact)
        return product_id
    portfolio = catalog.create_portfolio(DisplayName=_PORTFOLIO, ProviderName="model-road")["PortfolioDetail"]["Id"]
    made = catalog.create_product(
        Name=_PRODUCT,
        Owner="model-road",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters=artifact,
        Tags=[{"Key": _VISIBLE, "Value": "true"}],
    )
    product_id = str(made["ProductViewDetail"]["ProductViewSummary"]["ProductId"])
    catalog.associate_product_with_portfolio(ProductId=product_id, PortfolioId=portfolio)
    role = f'{{"RoleArn": "{launch_role_arn}"}}'
    catalog.create_constraint(PortfolioId=portfolio, ProductId=product_id, Type="LAUNCH", Parameters=role)
    return product_id


def _product(catalog: Any) -> str | None:
    """Return the product of an earlier installation."""
    for page in catalog.get_paginator("search_products_as_admin").paginate():
        for detail in page["ProductViewDetails"]:
            if detail["ProductViewSummary"]["Name"] == _PRODUCT:
                return str(detail["ProductViewSummary"]["ProductId"])
    return None
