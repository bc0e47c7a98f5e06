"""MiniStack, hosted: S3, CloudWatch, IAM, Lambda, EventBridge and the rest of AWS's API on one port.

``python -m localaws.ministack --port 4566 --state-dir DIR --sagemaker-url URL --services-url URL`` runs it in one
process:

1. `host.configure` sets the environment that MiniStack reads while it is imported: bound to 127.0.0.1, its data under
   DIR, no Docker, no listener beside the one port.
2. `host.load_application` imports it and returns its ASGI application, which uvicorn serves. (MiniStack's own ``main``
   serves with Hypercorn, writes a pid file into the shared temporary directory and binds 0.0.0.0.)
3. `localaws.ministack.gateway.Gateway` stands before the application and sends the requests for services that are ours
   to their servers.
4. `localaws.ministack.state` saves MiniStack's state while it runs; MiniStack itself saves at a clean stop only.

MiniStack has no plug-in API. The files ``hooks_*.py`` of this package are the only ones of the project that use its
private names. Each of its services that is changed has a folder: ``hooks.py`` lists the hooks into the service (`Hook`)
and what they need, `localaws.ministack.composition` makes that and installs them all, `localaws.ministack.hook` in an
order in which each comes after those that it names. Each hook has a contract test, which fails when a new MiniStack
breaks it: in ``tests/localaws/test_ministack.py``, ``tests/localaws/stepfunctions`` or the test of its service.
"""
