"""Findings that are right as they are, each with its reason. The list only shrinks."""

__all__ = ["EXCEPTIONS"]

ANY_VALUE = "hands on what it is given, whatever its type"
SKLEARN = "scikit-learn's interface: y is taken so that pipelines work, and never used"
STORED = "scikit-learn's interface: parameters are stored as given, and looked at by fit"
ASSERTION = "an assertion for tests: AssertionError is its answer"
MISSING = "a store is a mapping: a point that it does not hold is a KeyError with its parameters"
PHYSICAL = "infinite in the numbers of this machine, and given as inf"

EXCEPTIONS: dict[tuple[str, ...], str] = {
    ("DeepRBM.of", "*", "wrong kind"): STORED,
    ("DeepRBM.fit", "y"): SKLEARN,
    ("Store.load", "parameters", "other exception"): MISSING,
    ("RBM.of", "*", "wrong kind"): STORED,
    ("RBM.fit", "y"): SKLEARN,
    ("RBM.partial_fit", "y"): SKLEARN,
    ("RBM.score", "y"): SKLEARN,
    ("gbf_bound", "T", "nan out"): "a slack in units of an error that vanishes: " + PHYSICAL,
    ("ising.transfer_matrix", "J", "nan out"): "the correlation length: " + PHYSICAL,
    ("ising.transfer_matrix", "T", "nan out"): "the correlation length: " + PHYSICAL,
    ("ising.transfer_matrix", "h", "nan out"): "the correlation length: " + PHYSICAL,
    ("lab.pick", "full"): ANY_VALUE,
    ("lab.pick", "normal"): ANY_VALUE,
    ("lab.pick", "quick"): ANY_VALUE,
    ("testing.assert_free_energy_gives_entropy", "T", "other exception"): ASSERTION,
    ("testing.assert_same_spectrum", "atol", "other exception"): ASSERTION,
}
"""Reason by (target, argument), (target, argument, kind) or (target, argument, verdict).

The argument "*" is any of the target."""
