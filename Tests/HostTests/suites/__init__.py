"""Suites that nobody here wrote, run twice: without and with the agent, every test has to get the same verdict.

`verdicts` decides what a difference is, `run` runs one part of a suite twice and shows that the agent was active, `report` writes
docs/hosts.md, and each other module is one suite. `scripts/test-hosts` runs all; test_hosts.py a selection.
"""
