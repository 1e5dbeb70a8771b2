"""A service that gathers comparisons and votes in a database which the other commands read while it grows.

``folder`` makes a folder with settings and a database, ``states`` says how a comparison lives, ``asking`` and ``voting``
move it on, each move in one transaction. Nothing here is loaded by other commands.
"""
