"""Application Auto Scaling for the variants of SageMaker endpoints.

::

    targets      what may be scaled, and between which capacities
    policies     target tracking with its two CloudWatch alarms; step scaling for alarms of one's own
    schedules    capacities that change by the clock
    decision     which capacity a policy wants: pure arithmetic
    scaler       looks once a second which alarms are in ALARM and which schedules are due, and acts
    activities   what was scaled, why, and how it ended
    variant      the endpoint variant itself, through SageMaker's API
"""
