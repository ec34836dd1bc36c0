"""The commands of the verifier, one module each: ``audit``, ``verify``, ``keygen``, ``sign``, ``qr``.

Each has ``main(argv) -> exit code`` and is found by ``ledger.command`` through its entry point. Exit codes are 0
proven or done, 1 disproved, 2 could not tell or could not.
"""
