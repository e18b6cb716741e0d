"""Results for people and services."""
