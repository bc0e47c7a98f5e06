"""API Gateway's REST APIs: deployments, errors, quotas, and what they tell CloudWatch.

hooks              the hooks into MiniStack
hooks_deployments  stages that serve their deployment
hooks_bodies       bodies that models allow or refuse
hooks_limits       what is too large or takes too long
hooks_requests     requests that are reported, and errors as API Gateway words them
body_checker       where bodies are checked: at once, or in a process of their own
body_model         a model, compiled, and what it has against a body
body_errors        that in API Gateway's words
reporter           access logs and metrics
"""
