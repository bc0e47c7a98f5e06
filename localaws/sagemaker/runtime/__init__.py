"""SageMaker Runtime: invocations, from the caller to a model server and back.

::

    api             the routes of the runtime's API, AWS's answers and errors
    invocation      a request, and what came of it
    dispatch        choice of fleet, variant and instance; an instance that is gone is passed over
    client          connections to the model servers, kept open
    admission       how many requests a serverless variant has at once; a server is started when there is none
    sessions        which instance has which session
    streaming       an answer piece by piece (event_stream: AWS's encoding, stream_client: from the model server)
    errors          what can go wrong, in AWS's words

What happens beside the answer, off its way::

    capture         what was asked and answered, in S3
    metrics         how often and how fast, in CloudWatch
    gauges          how many wait and are under way, in CloudWatch
    usage           processors and memory of the instances, in CloudWatch
    shadow          the same request at the variant that is tried out

What is answered later: `asynchronous` (async_request: as it is kept, notification: what SNS is told).
"""
