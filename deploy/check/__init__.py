"""What `check-project` looks at, and how it judges.

    system        the project's stacks and what is in them, as CloudFormation tells: nothing is expected by name
    catalog       the checks of each type of resource
    examination   makes them all; what AWS refuses to tell becomes a finding, too
    report        the findings as a table, or as JSON

Between those, a file for each kind of resource: a check there is one small function, which looks at one resource and
gives one verdict. It only reads; a missing permission or an API that is not there makes it `unknown`, which is no
failure. What the project lacks because no model has been built or deployed yet is a `warning`.
"""
