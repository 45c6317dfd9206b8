"""An independent dense diagonalisation: matrices of ladder operators by Jordan and Wigner."""

import itertools

import numpy as np


def ladder(modes):
    """c_p of every mode as matrices."""
    minus, sign, one = np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([1.0, -1.0]), np.eye(2)
    found = []
    for p in range(modes):
        matrix = np.eye(1)
        for q in range(modes):
            matrix = np.kron(matrix, minus if q == p else sign if q < p else one)
        found.append(matrix)
    return found


class Dense:
    """All averages of a problem from the whole matrix; orbitals alternate spins, bath last."""

    def __init__(self, problem, e, V):
        M, K = problem.orbitals, len(e)
        c = ladder(2 * (M + K))
        self.beta = problem.beta
        self.d = [[c[2 * a + s] for s in range(2)] for a in range(M)]
        f = [[c[2 * (M + k) + s] for s in range(2)] for k in range(K)]
        n = [[x.T @ x for x in pair] for pair in self.d]
        self.n = n
        H = np.zeros_like(c[0])
        for s in range(2):
            for a, b in itertools.product(range(M), repeat=2):
                H += problem.one_body[a, b] * self.d[a][s].T @ self.d[b][s]
            for k in range(K):
                H += e[k] * f[k][s].T @ f[k][s]
                for a in range(M):
                    hop = V[a, k] * self.d[a][s].T @ f[k][s]
                    H += hop + hop.T
        U, J = problem.U, problem.J
        for a in range(M):
            H += U * n[a][0] @ n[a][1]
        for a, b in itertools.combinations(range(M), 2):
            total = (n[a][0] + n[a][1]) @ (n[b][0] + n[b][1])
            if problem.kind == "density":
                H += problem.U_prime * total
                H -= J * (n[a][0] @ n[b][0] + n[a][1] @ n[b][1])
                continue
            # U' n_a n_b - J (2 S_a S_b + n_a n_b / 2) + J pair hopping
            S = [self._spin(x) for x in (a, b)]
            dot = S[0][2] @ S[1][2] + 0.5 * (S[0][0] @ S[1][0].T + S[0][0].T @ S[1][0])
            H += (U - 2 * J) * total - J * (2 * dot + 0.5 * total)
            pair = self.d[a][0].T @ self.d[a][1].T @ self.d[b][1] @ self.d[b][0]
            H += J * (pair + pair.T)
        self.E, self.vectors = np.linalg.eigh(H)
        weight = np.exp(-self.beta * (self.E - self.E[0]))
        self.log_Z = np.log(weight.sum()) - self.beta * self.E[0]
        self.p = weight / weight.sum()

    def _spin(self, a):
        """S^+, None, S^z of an orbital."""
        up, down = self.d[a]
        return up.T @ down, None, 0.5 * (up.T @ up - down.T @ down)

    def mean(self, operator):
        rotated = self.vectors.T @ operator @ self.vectors
        return float(self.p @ np.diag(rotated))

    def green(self, a, b, z):
        x, y = (self.vectors.T @ self.d[i][0].T @ self.vectors for i in (a, b))
        weights = (self.p[:, None] + self.p) * x * y
        poles = self.E[:, None] - self.E
        return np.array([np.sum(weights / (w - poles)) for w in z])

    def response(self, A, B):
        """int_0^beta <A(tau) B> dtau."""
        x, y = (self.vectors.T @ o @ self.vectors for o in (A, B))
        gap = self.E[:, None] - self.E  # row m, column n
        near = np.abs(gap) < 1e-9
        ratio = np.where(
            near, self.beta * self.p, (self.p - self.p[:, None]) / np.where(near, 1.0, gap)
        )
        return float(np.sum(ratio * x * y))
