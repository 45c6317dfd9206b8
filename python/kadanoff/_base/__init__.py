"""Ground floor: checks of arguments, types, errors, progress, statistics, style.

Every module may import from here; nothing here imports from a pillar.
"""
