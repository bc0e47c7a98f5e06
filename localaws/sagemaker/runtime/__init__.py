"""SageMaker Runtime: invocations, from the caller to a model server and back.

::

    api             the routes of the runtime's API, AWS's answers and errors
    invocation      a request and its result
    dispatch        choice of fleet, variant and instance; an instance that is gone is skipped
    client          connections to the model servers, kept open
    admission       the limit of concurrent requests of a serverless variant; starts a server if there is none
    sessions        which instance has which session
    streaming       an answer in pieces (event_stream: AWS's encoding, stream_client: from the model server)
    errors          the errors of an invocation, in AWS's words

What happens beside the answer, without delaying it::

    capture         requests and answers, in S3
    metrics         counts and latencies, in CloudWatch
    gauges          requests waiting and under way, in CloudWatch
    usage           CPU and memory of the instances, in CloudWatch
    shadow          the same request at the shadow variant

What is answered later: `asynchronous` (async_request: the stored request, notification: the message to SNS).
"""
