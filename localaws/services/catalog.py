"""Which services there are."""

from localaws.services.service import Service

SERVICES: tuple[type[Service], ...] = ()
