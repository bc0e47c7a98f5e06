# The image for SageMaker and Fargate: the programs `serve` and `train` on PATH, and the libraries of scikit-learn
# models. docs/serving.md, "The image", says how it is built, pushed and run.

FROM python:3.12-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/src
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

# The libraries in a layer of their own, which a change of the code leaves as it is. Not the SageMaker SDK, which
# defines pipelines and weighs a gigabyte.
COPY constraints.txt ./
RUN pip install --constraint constraints.txt \
    boto3 dill httptools joblib numpy orjson pandas pillow polars scikit-learn uvloop

COPY pyproject.toml setup.cfg setup.py README.md LICENSE ./
COPY serving serving
COPY training training
# The other programs belong to packages that are not here.
RUN pip install --no-deps . \
    && rm /opt/venv/bin/local-aws /opt/venv/bin/run-pipeline /opt/venv/bin/get-pipeline-definition


FROM python:3.12-slim-bookworm

# What SageMaker asks of an image for inference pipelines, and for multi-model endpoints.
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true \
    com.amazonaws.sagemaker.capabilities.multi-models=true

RUN useradd --uid 1000 --create-home model \
    && install --directory --owner=model --group=model /opt/ml /opt/ml/model /opt/ml/code /opt/ml/output

COPY --from=build /opt/venv /opt/venv

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

USER 1000
WORKDIR /opt/ml
EXPOSE 8080

# For Docker; SageMaker asks /ping by itself, and Fargate takes the health check of the task definition.
HEALTHCHECK --interval=10s --timeout=2s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('SAGEMAKER_BIND_TO_PORT', 8080)}/ping\", timeout=2)"]

# No ENTRYPOINT: SageMaker starts `docker run IMAGE serve` and `docker run IMAGE train`.
CMD ["serve"]
