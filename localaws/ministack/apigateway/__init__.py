"""API Gateway's REST APIs: deployments, errors, and what they tell CloudWatch.

hooks              the hooks into MiniStack
hooks_deployments  stages that serve their deployment
hooks_requests     requests that are reported, and errors as API Gateway words them
body_errors        why a model rejects a body
reporter           access logs and metrics
"""
