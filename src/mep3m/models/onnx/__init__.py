"""Export to ONNX: networks and the linear classifier as files that other software runs."""
