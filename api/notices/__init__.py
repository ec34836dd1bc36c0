"""Notices: who is told what, when and by which way.

``follow`` reads the log and puts notices into the outbox (``ledger.db.outbox``); ``sending`` takes what is due and
sends it, by ``egress`` to webhooks and by ``mail`` to customers. What a notice says is made at that moment: ``events``
for webhooks, ``statuses``, ``contact`` and ``words`` for customers. docs/notices.md describes all of it from outside.
"""
