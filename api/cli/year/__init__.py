"""A scripted year of three shops: what a ledger holds that people work with, made from a seed.

    seed ─ lives (plots) ─ statements in the order in which they were recorded ─ batches ─ the appender ─ the log

A *life* is what happened about one thing (`life`): it was registered, sold, repaired, complained about, exchanged. Its
*plot* (`repairs`, `wishes`, `owners`) says what, with durations drawn from the life's own generator and moved into the
shop's opening hours; `goods` says of what. Beside the lives stands the *trade* (`trade`): standards and calendars
adopted, staff, audits, improvements, a key that was stolen. `play` signs all of it and appends it as any other client
would, in batches, by a clock that runs through the year. Nothing is written past the appender, so every rule of the
ledger has judged the year.

From one seed, one end of the year and one number of lives come the same bytes of every statement, the ledger's own
hash and every key included. Names are fictitious, and nothing in it is about anybody.
"""
