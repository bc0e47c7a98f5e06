"""API Gateway's REST APIs: what MiniStack's do not do, and what they tell CloudWatch.

hooks_requests, hooks_deployments  what is hooked into MiniStack
body_errors                        the answers to a body that its model refuses
watch                              access logs and metrics
"""
