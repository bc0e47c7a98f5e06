"""Logs Insights: queries of its own language.

``language`` reads a query, ``commands`` are its commands, ``expressions`` and ``aggregates`` what they compute with,
``fields`` finds fields in events, ``queries`` runs queries in threads and keeps their results.

Source: "CloudWatch Logs Insights language query syntax" in the CloudWatch Logs User Guide.
"""
