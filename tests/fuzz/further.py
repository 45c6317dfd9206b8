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
>>> machine.kl_divergence(np.ones(16) / 16)
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
>>> table = [-1, 1], [1, 1]
>>> bands = kd.FlatBand(), kd.SemicircularBand(), kd.TabulatedBand(*table)
>>> for band in (*bands, kd.bands.FunctionBand(np.cosh)):
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
    "dynamics.Dynamics": """
>>> import kadanoff as kd
>>> aim = kd.AndersonModel(U=0.5, J_sw=0.4)
>>> run = kd.dynamics.solve(aim, keep=60, T=1e-2, Lambda=3.0, progress=False)
>>> run.green("d", [0.0, 0.1])
>>> run.hybridisation([0.0, 0.1])
>>> run.improved_iw([0, 1])
>>> run.matsubara("d", [0, 1])
>>> run.t_matrix([0.0, 0.1])
>>> run.thermal_average("d")
""",
    "greens.GreenFunction": """
>>> import kadanoff as kd
>>> G = kd.greens.GreenFunction([-1.0, 1.0], [0.5, 0.5], beta=10.0)
>>> G.at_first(4)
>>> G.spectrum([0.0, 0.1], 0.1)
>>> G.w([0.0, 0.1], 0.1)
>>> kd.greens.GreenFunction.own(np.ones(2), np.ones(2), 10.0)
""",
    "greens.LegendreSeries": """
>>> import kadanoff as kd
>>> kd.greens.LegendreSeries([0.1, 0.2], 10.0)
""",
    "greens.MatsubaraFunction": """
>>> import kadanoff as kd
>>> poles = kd.greens.GreenFunction([-1.0, 1.0], [0.5, 0.5], beta=10.0)
>>> G = kd.greens.MatsubaraFunction(poles.iw(32), 10.0, moments=poles.moments(4))
>>> G.iw(40)
>>> G.at_first(40)
>>> kd.greens.MatsubaraFunction.own(poles.iw(32), 10.0, moments=poles.moments(4))
""",
    "greens.RealAxisFunction": """
>>> import kadanoff as kd
>>> w = np.linspace(-1, 1, 21)
>>> G = kd.greens.RealAxisFunction.of_spectrum(w, np.sqrt(1 - w**2), beta=50.0)
>>> G.spectrum([0.0, 0.1])
>>> G.tau([0.0, 0.1])
""",
    "divergence.Spectrum": """
>>> import kadanoff as kd
>>> found = kd.divergence.spectrum(kd.KondoModel(J=0.3), sites=4)
>>> found.density(0.1, [0.0, 0.1], 0.05)
>>> found.log_probability(0.1)
""",
    "nrg.Errors": """
>>> import kadanoff as kd
>>> run = kd.nrg.solve(kd.KondoModel(J=0.3), keep=100, T_min=1e-2, progress=False)
>>> run.errors.total("entropy")
""",
    "nrg.Options": """
>>> import kadanoff as kd
>>> kd.nrg.Options().reaching(1e-3)
""",
    "Store": """
>>> import kadanoff as kd
>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     store = kd.Store(folder + "/fits", kind="fits")
...     kd.Store.open(folder + "/fits")
""",
    "effective.Sensitivity": """
>>> import kadanoff as kd
>>> slopes = np.array([[1.0, 0.5], [1.0, 0.2]])
>>> found = kd.effective.Sensitivity.of(slopes, unit=np.ones(2), parameters=("U", "V"))
>>> found.covariance(0.1)
>>> found.errors(0.1)
""",
    "transport.FermiLiquid": """
>>> import kadanoff as kd
>>> level = kd.AndersonModel(U=0.0, Gamma=0.01)
>>> found = kd.transport.FermiLiquid(
...     dot=level, chi_s=16.0, chi_c=64.0, chi_s_error=0.1, chi_c_error=0.1
... )
>>> found.error("R")
>>> found.differential_conductance(np.array([0.0, 1e-4]), T=1e-4, field=1e-4)
""",
    "dmft.BathFit": """
>>> import kadanoff as kd
>>> problem = kd.dmft.Impurity(U=1.0, beta=10, bath=kd.SemicircularBand(1.0))
>>> fit = kd.dmft.fit_bath(problem, 2, starts=1, seed=1)
>>> fit.error_of(kd.dmft.solve(problem, solver="ed", sites=2, fit={"starts": 1}).G_iw)
""",
    "dmft.Loop": """
>>> import kadanoff as kd
>>> kd.dmft.bethe(U=1.0, beta=20, solver="ipt").average("Z")
""",
    "dmft.Database": """
>>> import kadanoff as kd
>>> db = kd.dmft.database(
...     4, inputs=("hubbard1",), target="ed-2", beta=[5.0], seed=1, progress=False
... )
>>> db.Sigma_moments("hubbard1")
>>> db.tau(0)
>>> db.w_n(0)
""",
    "dmft.LearnedSolver": """
>>> import kadanoff as kd
>>> db = kd.dmft.database(
...     40, inputs=("hubbard1",), target="ed-2", beta=[5.0], seed=1, progress=False
... )
>>> problems = [db.impurity(i, 0) for i in range(2)]
>>> answers = [kd.dmft.solve(p, solver="ed") for p in problems]
>>> kd.dmft.learn(db, members=2, progress=False, seed=1).taught(problems, answers)
""",
    "dmft.MatsubaraBath": """
>>> import kadanoff as kd
>>> w_n = np.pi / 10 * (2 * np.arange(64) + 1)
>>> kd.dmft.MatsubaraBath(0.25 / (1j * w_n - 0.5), moments=(0.25, 0.125)).function(10.0)
""",
    "blockspin.Decimation": """
>>> import kadanoff as kd
>>> kd.blockspin.Decimation().probability(np.ones((3, 4), np.int8))
>>> rng = np.random.default_rng(1)
>>> kd.blockspin.LinearFilter(np.ones((2, 2))).draw(np.ones((3, 4, 4), np.int8), rng)
""",
    "blockspin.MatrixProduct": """
>>> import kadanoff as kd
>>> state = kd.blockspin.rbm_to_mps(kd.rbm.Machine.random(4, 3, seed=1).to_spin()[0])
>>> other = kd.blockspin.rbm_to_mps(kd.rbm.Machine.random(4, 2, seed=2).to_spin()[0])
>>> state.amplitudes(np.ones((2, 4), np.int8))
>>> state.log_amplitudes(np.ones((2, 4), np.int8))
>>> state.overlap(other)
>>> state.fidelity(other)
""",
    "blockspin.MigdalKadanoff": """
>>> import kadanoff as kd
>>> kd.blockspin.MigdalKadanoff().step(0.3, 0.1)
""",
    "rsmi.FilterRule": """
>>> import kadanoff as kd
>>> rule = kd.rsmi.FilterRule([[[0.0, 1.0], [0.5, 0.2]]])
>>> v = np.ones((3, 4), np.int8)
>>> rule.field(v)
>>> rule.probability(v)
>>> rule.known(kd.rsmi.Information(0.454, 0.0021, "certified", 120_000))
""",
    "rsmi.Geometry": """
>>> import kadanoff as kd
>>> geometry = kd.rsmi.Geometry((8, 8), (2, 2), buffer=1)
>>> geometry.flat(np.array([[0, 1]]), np.array([2, 2]))
""",
    "rsmi.JointDistribution": """
>>> import kadanoff as kd
>>> joint = kd.rsmi.chain(0.5)
>>> joint.gradient(np.ones(joint.shape))
""",
    "rsmi.SampledDistribution": """
>>> import kadanoff as kd
>>> joint = kd.rsmi.oracle(kd.ising.sample(L=8, T=2.5, n=50, seed=1), environments=50)
>>> joint.half(np.arange(10))
""",
    "self_learning.Samples": """
>>> import kadanoff as kd
>>> model = kd.self_learning.PlaquetteIsing(L=4, T=2.5, K=0.2)
>>> kd.self_learning.sample(model, n=16, seed=1, progress=False).estimate("energy")
""",
}
FURTHER["blockspin.LinearFilter"] = FURTHER["blockspin.Decimation"]
FURTHER |= dict.fromkeys(
    ("SemicircularBand", "TabulatedBand", "bands.FunctionBand"), FURTHER["FlatBand"]
)
FURTHER |= dict.fromkeys(
    ("KondoModel", "ImpurityModel", "DoubleQuantumDot"), FURTHER["AndersonModel"]
)
