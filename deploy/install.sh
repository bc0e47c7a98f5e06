# What each buildspec's install phase does: `. deploy/install.sh`. The build's shell reads it and keeps what it exports.
#
#   PACKAGE_INDEX_URL        where packages come from, instead of PyPI
#   PACKAGE_INDEX_USERNAME,  what the index asks for, from Secrets Manager
#   PACKAGE_INDEX_PASSWORD
#   REQUIRE_HASHES           true: only packages of requirements.txt, with its hashes (docs/project.md)

if [ -n "${PACKAGE_INDEX_URL:-}" ]; then
    # Neither pip nor uv prints the password of a URL; tox, whose environments uv makes, hands UV_* on.
    PIP_INDEX_URL="$(python -c '
import os
from urllib.parse import quote

scheme, _, rest = os.environ["PACKAGE_INDEX_URL"].partition("://")
username, password = (quote(os.environ.get(f"PACKAGE_INDEX_{name}", ""), safe="") for name in ("USERNAME", "PASSWORD"))
print(f"{scheme}://{username}:{password}@{rest}" if username else f"{scheme}://{rest}")
')" || return 1
    export PIP_INDEX_URL UV_DEFAULT_INDEX="$PIP_INDEX_URL"
fi

if [ "${REQUIRE_HASHES:-false}" != true ]; then
    pip install --constraint constraints.txt ".[pipelines]"
elif [ -f requirements.txt ]; then
    # Its build would fetch setuptools without a hash: that is in requirements.txt, too. What installs anything later on
    # has to have hashes as well, so that tests which install packages unseen fail.
    pip install --require-hashes --requirement requirements.txt &&
        pip install --no-deps --no-build-isolation . &&
        export PIP_REQUIRE_HASHES=1 UV_REQUIRE_HASHES=1
else
    echo "RequireHashes is true and there is no requirements.txt: make it as docs/project.md says, and commit it" >&2
    false
fi
