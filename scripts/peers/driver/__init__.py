"""Starts the engines, asks them in turn, prints the table. Python's standard library only."""
