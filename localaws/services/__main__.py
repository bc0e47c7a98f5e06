"""``python -m localaws.services``: the services that MiniStack lacks, in a process of their own."""

from localaws.service.program import parser, serve
from localaws.services.catalog import SERVICES

if __name__ == "__main__":
    options = parser("localaws.services", "The services that MiniStack lacks, other than SageMaker.", 4568)
    serve(options.parse_args(), SERVICES)
