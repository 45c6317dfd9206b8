"""Examples of methods that no docstring calls, by the name of their class."""

__all__ = ["FURTHER"]

FURTHER = {
    "rbm.Machine": """
>>> import kadanoff as kd
>>> machine = kd.rbm.Machine.random(4, 3, seed=1)
>>> v, h = np.zeros((2, 4), np.int8), np.zeros((2, 3), np.int8)
>>> machine.energy(v, h)
>>> machine.free_energy(v)
>>> machine.hidden_mean(v)
>>> machine.visible_mean(h)
>>> machine.log_likelihood(v)
>>> machine.kl_divergence(kd.rbm.Machine.random(4, 2, seed=2))
>>> machine.save("machine.npz")
>>> kd.rbm.Machine.load("machine.npz")
""",
    "RBM": """
>>> import kadanoff as kd
>>> X = np.tile([[0, 0, 1], [1, 1, 0]], (4, 1))
>>> rbm = kd.RBM(2, n_iter=2, random_state=0).fit(X, progress=False)
>>> rbm.partial_fit(X)
>>> rbm.gibbs(X)
>>> rbm.sample(3, seed=1)
>>> rbm.score(X)
>>> rbm.transform(X)
>>> rbm.conditional(X)
>>> rbm.of(kd.rbm.Machine.random(3, 2, seed=1))
>>> rbm.save("rbm.npz")
>>> kd.RBM.load("rbm.npz")
""",
    "DeepRBM": """
>>> import kadanoff as kd
>>> X = np.tile([[0, 0, 1], [1, 1, 0]], (4, 1))
>>> stack = kd.DeepRBM((3, 2), n_iter=2, random_state=0).fit(X, progress=False)
>>> stack.up(X, seed=1)
>>> stack.down(np.zeros((2, 2)), seed=1)
>>> stack.sample(3, seed=1)
>>> stack.of([kd.rbm.Machine.random(3, 2, seed=1)])
>>> stack.save("deep.npz")
>>> kd.DeepRBM.load("deep.npz")
""",
    "FlatBand": """
>>> from mpmath import mp
>>> import kadanoff as kd
>>> for band in (kd.FlatBand(), kd.SemicircularBand(), kd.TabulatedBand([-1, 1], [1, 1])):
...     band.moment(0, mp.mpf(0.1), mp.mpf(0.2), 1)
...     band.log_moment(mp.mpf(0.1), mp.mpf(0.2), 1)
...     band.quantile(mp.mpf(0.01), mp.mpf(0.1), mp.mpf(0.2), 1)
...     band.density(0.1)
""",
    "AndersonModel": """
>>> import kadanoff as kd
>>> for model in (kd.AndersonModel(U=0.5, J_sw=0.25), kd.KondoModel(J=0.3)):
...     model.rescaled(1.1)
...     for name in model.parameters:
...         model.derivative(name)
""",
    "self_learning.Samples": """
>>> import kadanoff as kd
>>> model = kd.self_learning.PlaquetteIsing(L=4, T=2.5, K=0.2)
>>> kd.self_learning.sample(model, n=16, seed=1, progress=False).estimate("energy")
""",
}
FURTHER |= dict.fromkeys(
    ("SemicircularBand", "TabulatedBand", "bands.FunctionBand"), FURTHER["FlatBand"]
)
FURTHER |= dict.fromkeys(
    ("KondoModel", "ImpurityModel", "DoubleQuantumDot"), FURTHER["AndersonModel"]
)
