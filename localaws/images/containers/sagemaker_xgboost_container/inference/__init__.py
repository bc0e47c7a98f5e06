"""The algorithm mode of AWS's XGBoost images: serving models without a script.

A request takes this path, in AWS's order, which decides what is answered to one that is wrong in two ways::

    invocation   body, Content-Type and Accept to status, body and type
    features     a body to numbers: CSV, LIBSVM, RecordIO-protobuf
    boosters     the models of a folder, loaded and asked
    selected     "selectable inference": what SAGEMAKER_INFERENCE_OUTPUT names, instead of the plain prediction
    answers      predictions to a body

Two servers call it: `wsgi` in an image's own environment, and `handlers` has the functions that the model server of the
interpreter that runs local-aws takes for a script's.

Source: aws/sagemaker-xgboost-container (algorithm_mode/serve.py, serve_utils.py, handler_service.py), and the SageMaker
guide, "Deploy and inference" of XGBoost.
"""
