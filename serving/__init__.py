"""The model server: SageMaker's container contract over the functions of a user's inference.py.

The same process serves a local endpoint, a batch transform, the Docker image and Fargate. A request takes
this road, one module to each stage:

1. ``cli``       options and SageMaker's environment variables become ``Settings`` (``settings``);
2. ``script``    inference.py is imported and its functions are checked, before the port is served;
3. ``model``     the model is loaded; from then on body in, body out: input_fn, predict_fn, output_fn or
                 transform_fn;
4. ``server``    uvicorn listens, and answers what it has accepted before it stops;
5. ``app``       routes, size limits, time-out, errors as JSON (``errors``);
6. ``media``     Content-Type and Accept; ``codecs`` the formats that a script need not handle itself;
7. ``worker``    where the model's code runs, so that /ping is answered meanwhile.

Nothing here knows whether it runs on AWS or on a laptop.
"""
