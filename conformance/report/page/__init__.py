"""The page: the matrix as one HTML file that needs nothing else."""
