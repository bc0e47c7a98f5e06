"""FastAPI on uvicorn: an async endpoint that reads the body itself, its fastest way."""

import lr
from fastapi import FastAPI, Request, Response

app = FastAPI(openapi_url=None)


@app.get("/ping")
async def ping() -> Response:
    return Response()


@app.post("/invocations")
async def invocations(request: Request) -> Response:
    headers = request.headers
    body, content_type = lr.invoke(await request.body(), headers["content-type"], headers.get("accept", "*/*"))
    return Response(body, media_type=content_type)
