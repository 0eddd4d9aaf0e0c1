"""The paper's experiments on the public data sets that it names, for whoever has downloaded them.

Reading order: ``found`` (scans and data sets), ``ixi``, ``hcp``, ``paired`` and ``layout`` (who finds
them in a folder), ``split``, ``presets``, ``single_field`` (Tables 2-4), ``cross_field`` (Tables 5-8),
``published`` (figures of others), ``reports``, ``listing`` (what ``--dry-run`` shows).
"""
