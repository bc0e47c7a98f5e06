"""CloudFormation: resource types that MiniStack lacks, properties that it drops, and operations that fail as on AWS.

hooks, hooks_*  the hooks into MiniStack
catalog         the types that are provisioned here by their services' APIs, a file for each service
operations      an operation as it is kept, so that it goes on after a kill
attempts        what operations have begun to make in other processes
provisioner     what a provisioner is, and what all have in common
schema          the properties that a resource may have
existence       the names that are taken
completion      the properties that MiniStack drops
exactness       these three, for each resource before and after it is made
refusals        the requests that are refused before anything begins
typed_values    a template's values with the types of an API
"""
