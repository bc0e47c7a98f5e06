"""SageMaker Runtime: invocations, from the caller to a model server and back.

::

    service   the routes of the runtime's API: checks, choice of fleet, variant and instance, AWS's answers and errors
    client    connections to the model servers, kept open
    errors    what can go wrong, in AWS's words
"""
