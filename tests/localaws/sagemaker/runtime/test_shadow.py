"""Shadow variants: they see the requests, and nobody sees them."""

import time

from tests.conftest import until
from tests.localaws.sagemaker.runtime.observed import Watch, captured, config


def with_shadow(endpoints, version, weight):
    capture = config(endpoints.bench.bucket)
    production = endpoints.variant(endpoints.model("1"), "Production", InitialVariantWeight=2.0)
    shadow = endpoints.variant(endpoints.model(version), "Shadow", InitialVariantWeight=weight)
    return endpoints.create(endpoints.config(production, ShadowProductionVariants=[shadow], DataCaptureConfig=capture))


def test_the_shadow_is_asked_the_same_captured_and_counted_but_never_answers(endpoints, local_aws):
    name = with_shadow(endpoints, "2", weight=2.0)
    assert endpoints.versions(name, times=12) == {"1": 12}
    watch = Watch(local_aws, name, "Shadow")
    until(lambda: watch.statistic("Invocations", "Sum") == 12)
    until(lambda: len(list(captured(endpoints))) == 24)
    shadowed = endpoints.bench.keys(f"captured/{name}/Shadow/")
    text = b"".join(endpoints.bench.read(f"s3://{endpoints.bench.bucket}/{key}") for key in shadowed)
    assert text.count(b'\\"version\\": \\"2\\"') == 12


def test_a_shadow_sees_its_share(endpoints, local_aws):
    name = with_shadow(endpoints, "2", weight=1.0)
    endpoints.versions(name, times=100)
    watch = Watch(local_aws, name, "Shadow")
    until(lambda: watch.statistic("Invocations", "Sum") > 20)
    time.sleep(1.2)  # the last second's metrics
    assert watch.statistic("Invocations", "Sum") < 80


def test_a_broken_shadow_hurts_nobody(endpoints, local_aws):
    name = with_shadow(endpoints, "broken", weight=2.0)
    assert endpoints.versions(name, times=12) == {"1": 12}
    watch = Watch(local_aws, name, "Shadow")
    until(lambda: watch.statistic("Invocation5XXErrors", "Sum") == 12)
    assert Watch(local_aws, name, "Production").statistic("Invocation5XXErrors", "Sum") == 0
