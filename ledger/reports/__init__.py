"""Reports made and handed out: a long log counted through files by several processes, and CSV, workbooks and charts.

What is counted is ``ledger.report``, which is core; this package reads files, starts processes and asks a library for
workbooks, and is no part of it. The command and the service share it.
"""
