"""Explorers: interactive pictures that follow their sliders.

One module per explorer, with ``compute(...)`` and ``draw(data, axes)``, plain functions that need
no notebook, ``axes()`` to draw into, and ``explore()``, the widget. `latest` answers the newest of
many questions, `picture` draws quickly, `panel` puts them together.
"""
