"""What a notebook needs: its budget of time.

Plots and widgets live in the modules beside this one and are imported when they are used.
"""

from .budget import Budget, budget, pick

__all__ = ["Budget", "budget", "pick"]
