"""Spreadsheets of every kind as catalogues, and how their cells and pictures are read."""
