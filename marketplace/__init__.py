"""
回用 Huiyong, an open marketplace for industrial solid waste.

The layers, from the top; each may import only what stands below it:
``app`` knows them all; ``settings``; ``web``, ``cli``, ``jobs`` are the entries; ``services`` write and ``queries``
read; ``adapters``, ``matching``, ``persistence`` do not know each other; ``solver`` and ``domain`` know nobody.
"""
