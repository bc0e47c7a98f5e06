"""The model server: SageMaker's container contract over the functions of a user's inference.py.

The same process serves a local endpoint, a batch transform, the Docker image and Fargate. A request takes
this path, one module to each stage:

1. ``cli``         options and SageMaker's environment variables become ``Settings`` (``settings``);
2. ``listener``    the port is bound, so that a taken one is reported at once;
3. ``supervisor``  loads the model (``script``, ``model``), forks the workers, accepts connections and hands them over;
                   replaces a worker that dies or is stuck. ``board`` is the memory in which all see how all are;
4. ``worker``      an event loop each, with its connections;
5. ``connection``  HTTP/1.1: bytes into requests, answers into bytes (``message``), and what goes wrong with callers;
6. ``app``         paths, time-out, errors as JSON (``errors``), counts for /metrics (``metrics``);
7. ``runner``      where the model's code runs, so that /ping is answered meanwhile; ``stream`` for answers in parts;
8. ``model``       body in, body out: input_fn, predict_fn, output_fn or transform_fn. ``media`` reads Content-Type and
                   Accept, ``codecs`` has the formats that a script need not handle itself.

Nothing here knows whether it runs on AWS or on a laptop.
"""
