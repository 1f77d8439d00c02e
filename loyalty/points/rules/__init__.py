"""Pure rules of points: which lots a burn takes, when a lot expires."""
