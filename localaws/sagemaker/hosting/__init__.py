"""Endpoints: model servers in processes, and traffic that moves between them.

::

    operations   the API: EndpointConfigs and Endpoints, validated and stored
    host         every endpoint of this SageMaker: created, updated, deleted, in service again after a restart
    deployment   from one fleet to the next: blue/green with traffic shifting, baking, alarms, rollback
    fleet        the instances of one EndpointConfig, by variant
    instance     one model server, kept alive
    routes       what the runtime looks up for every invocation
"""
