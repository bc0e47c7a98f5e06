"""The stack of older systems: Flask under gunicorn's sync workers, behind nginx."""

import lr
from flask import Flask, Response, request

app = Flask(__name__)


@app.get("/ping")
def ping():
    return Response(status=200)


@app.post("/invocations")
def invocations():
    body, content_type = lr.invoke(request.get_data(), request.content_type, request.headers.get("Accept", "*/*"))
    return Response(body, mimetype=content_type)
