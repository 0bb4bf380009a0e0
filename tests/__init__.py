"""Tests. README.md explains how to run them and what they prove."""
