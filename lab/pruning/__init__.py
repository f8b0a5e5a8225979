"""Separators made smaller, and what that costs and gains."""
