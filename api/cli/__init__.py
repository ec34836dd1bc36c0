"""The subcommands of ``patina`` that need the server's packages: one module each, with ``main(argv) -> exit code``."""
