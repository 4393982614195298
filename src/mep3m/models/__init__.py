"""Classifiers and what they are made of: inputs, linear models, networks, fusion, ONNX."""
