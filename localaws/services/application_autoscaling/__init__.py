"""Application Auto Scaling for the variants of SageMaker endpoints.

::

    targets      what can be scaled, and between which capacities
    policies     target tracking with its two CloudWatch alarms; step scaling for a user's own alarms
    schedules    capacities that change on a schedule
    decision     which capacity a policy asks for: pure arithmetic
    scaler       checks once a second which alarms are in ALARM and which schedules are due, and acts
    activities   what was scaled, why, and with what result
    variant      the endpoint variant itself, through SageMaker's API
"""
