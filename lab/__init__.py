"""The laboratory: what researchers need and the service does not. Its packages are the extra `lab`."""
