"""Evidence: photos of the vehicle licence (行驶证), what is read in them, and their reuse."""
