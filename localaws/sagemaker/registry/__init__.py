"""Models and the model registry: model package groups, versions and their approval.

operations    CreateModel and the operations of packages and groups
group_policy  who may use a group
sharing       packages of other accounts
"""
