"""Topics: encrypted, and with subscribers."""

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, warning
from deploy.check.system import Resource, System


def there(system: System, resource: Resource) -> Verdict:
    """The topic exists."""
    system.client("sns").get_topic_attributes(TopicArn=resource.physical_id)
    return ok("there")


def encrypted(system: System, resource: Resource) -> Verdict:
    """What is published is encrypted."""
    attributes = system.client("sns").get_topic_attributes(TopicArn=resource.physical_id)["Attributes"]
    key = attributes.get("KmsMasterKeyId")
    if key:
        return ok(f"encrypted with {key}")
    return failed("not encrypted", "give the topic the project's key as KmsMasterKeyId")


def confirmed(system: System, resource: Resource) -> Verdict:
    """Somebody has confirmed the subscription: SNS sends nothing to those who have not."""
    sns = system.client("sns")
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=resource.physical_id)
    every = [item for page in pages for item in page["Subscriptions"]]
    # The word is in the place of the ARN, which it gets when it is confirmed.
    waiting = [item["Endpoint"] for item in every if not item["SubscriptionArn"].startswith("arn:")]
    if not every:
        return warning(
            "there are no subscribers: failures and approvals are not reported",
            "update the project with NotificationEmails, or "
            f"`aws sns subscribe --topic-arn {resource.physical_id} --protocol email --notification-endpoint ADDRESS`",
        )
    if len(waiting) == len(every):
        return failed(
            f"no subscription is confirmed: {', '.join(waiting)}", "open the link in the mail that AWS has sent to them"
        )
    if waiting:
        return warning(f"not confirmed: {', '.join(waiting)}", "open the link in the mail that AWS has sent to them")
    return ok(f"{len(every)} subscription(s), all confirmed")


CHECKS = (Check("There", there), Check("Encryption", encrypted), Check("Subscriptions", confirmed))
