"""Many points on any executor, and results that survive a kill."""
