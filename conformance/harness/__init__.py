"""Starts the programs under test as a user would, and talks to them over their wires.

Nothing here knows how the programs are built: they are a path, flags, ports, signals and files.
"""
