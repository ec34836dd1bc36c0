"""Patina over HTTP: routes, pages and the command line; bytes are made and judged in ``ledger``."""
