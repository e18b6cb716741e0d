"""Pools of workers, one folder each."""
