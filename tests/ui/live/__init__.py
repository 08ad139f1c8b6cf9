"""Tests of the live page, in Node and in Chromium."""
