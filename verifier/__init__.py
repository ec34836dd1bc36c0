"""The verifier: checks receipts, histories and whole ledgers without trusting whoever serves them.

It stands on the core of ``ledger`` alone and shares no code with the server. ``source`` says where leaves come from
(``folder``, ``fetch``), ``audit`` replays a whole ledger over them, ``findings`` is what comes out; the commands are in
``cli``.
"""
