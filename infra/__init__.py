"""Builds, deploys and drives the system. Nothing but tests imports this package."""
