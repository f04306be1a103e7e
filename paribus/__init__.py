"""Controlled experiments for image models: change one thing; know what it did."""
