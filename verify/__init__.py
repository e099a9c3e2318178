"""Co-simulation of RTL with its model, and the demonstration that compares every stage."""
