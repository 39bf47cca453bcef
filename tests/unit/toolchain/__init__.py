"""Tests of bdc.toolchain."""
