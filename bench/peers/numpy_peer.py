"""The jobs in NumPy, as someone would write them who wants speed: results in preallocated arrays (out=), sigmoid by tanh (vectorised, unlike
a division by 1 + exp), float32 uniforms of PCG64 (NumPy's default and its fastest), updates in place.
Usage: python3 numpy_peer.py FOLDER THREADS, with OPENBLAS_NUM_THREADS set. Knows nothing of other peers. Next: serve.py."""
import ctypes
import sys

import numpy as np

from serve import serve

F = np.float32
HALF = F(0.5)


def sigmoid(a):
    a *= HALF
    np.tanh(a, out=a)
    a *= HALF
    a += HALF
    return a


def log_sigmoid(a):
    """log(sigmoid(a)), stable on both sides."""
    return np.minimum(a, 0) - np.log1p(np.exp(-np.abs(a)))


class Rbm:
    """Weights, buffers and the sampling both RBM jobs share."""

    def __init__(self, data, c, draw):
        self.c, self.x = c, data.array("x")
        self.W, self.hb, self.vb = data.array(c["W"]), np.zeros(c["hidden"], F), np.zeros(c["visible"], F)
        self.draws = draw == "random"
        self.rng = np.random.default_rng(123)
        self.u = {n: np.empty((c["batch"], n), F) for n in (c["visible"], c["hidden"])}
        self.G = np.empty_like(self.W)
        self.batches = len(self.x) // c["batch"]

    def minibatch(self, i):
        b = self.c["batch"]
        i %= self.batches
        return self.x[i * b:(i + 1) * b]

    def propup(self, v, out=None):
        pre = np.matmul(v, self.W, out=out)
        pre += self.hb
        return pre

    def propdown(self, h, out=None):
        pre = np.matmul(h, self.W.T, out=out)
        pre += self.vb
        return pre

    def sample(self, mean):
        """A Bernoulli draw in place of its mean; the mean itself in the draw-free version."""
        if self.draws:
            u = self.u[mean.shape[1]]
            self.rng.random(out=u, dtype=F)
            np.less(u, mean, out=mean)
        return mean

    def update(self, v0, h0, v1, h1):
        """W += lr/batch (v0' h0 - v1' h1), and the biases."""
        rate = F(self.c["lr"] / self.c["batch"])
        self.hb += rate * (h0.sum(0) - h1.sum(0))
        self.vb += rate * (v0.sum(0) - v1.sum(0))
        h0 *= rate
        h1 *= -rate
        np.matmul(np.concatenate([v0, v1]).T, np.concatenate([h0, h1]), out=self.G)
        self.W += self.G

    def state(self):
        return [self.W, self.hb, self.vb]


class J1(Rbm):
    def __init__(self, data, c, draw):
        super().__init__(data, c, draw)
        self.chain, self.bit = np.zeros((c["batch"], c["hidden"]), F), 0
        self.v = np.empty((c["batch"], c["visible"]), F)

    def free_energy(self, v):
        return -np.log1p(np.exp(self.propup(v))).sum(1) - v @ self.vb

    def step(self, i):
        x = self.minibatch(i)
        ph = sigmoid(self.propup(x))
        h = self.chain
        for _ in range(self.c["k"]):
            v = self.sample(sigmoid(self.propdown(h, out=self.v)))
            h = self.sample(sigmoid(self.propup(v, out=self.chain)))
        nh = sigmoid(self.propup(v))
        cost = self.pseudo_likelihood(x)
        self.update(x, ph, v, nh)
        return cost

    def pseudo_likelihood(self, x):
        xi = np.round(x)
        fe = self.free_energy(xi)
        xi[:, self.bit] = 1 - xi[:, self.bit]
        fe_flip = self.free_energy(xi)
        self.bit = (self.bit + 1) % self.c["visible"]
        return float(np.mean(self.c["visible"] * log_sigmoid(fe_flip - fe)))

    def state(self):
        return [*super().state(), self.chain]


class J2(Rbm):
    def step(self, i):
        x = self.minibatch(i)
        ph = sigmoid(self.propup(x))
        h = self.sample(ph.copy())
        pre = self.propdown(h)
        # x log(sigmoid(a)) + (1 - x) log(1 - sigmoid(a)) = x a - softplus(a)
        cost = float((x * pre - np.log1p(np.exp(pre))).sum(1).mean())
        v = self.sample(sigmoid(pre))
        nh = sigmoid(self.propup(v))
        self.update(x, ph, v, nh)
        return cost


def softmax_cost(logits, y, rows):
    """The mean of -log softmax at the labels, and its gradient in place of the logits."""
    logits -= logits.max(1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(1, keepdims=True)
    cost = -float(np.log(logits[rows, y]).mean())
    logits[rows, y] -= 1
    logits *= F(1 / len(y))
    return cost


class J3:
    def __init__(self, data, c, _draw):
        self.c, self.x, self.y = c, data.array("x"), data.array("y")
        self.Ws = [data.array(name) for name in c["Ws"]]
        self.bs = [np.zeros(W.shape[1], F) for W in self.Ws]
        self.Gs = [np.empty_like(W) for W in self.Ws]
        self.rows, self.batches = np.arange(c["batch"]), len(self.x) // c["batch"]

    def step(self, i):
        b, lr, i = self.c["batch"], F(self.c["lr"]), i % self.batches
        y, layers = self.y[i * b:(i + 1) * b], [self.x[i * b:(i + 1) * b]]
        for W, bias in zip(self.Ws, self.bs):
            a = layers[-1] @ W
            a += bias
            if len(layers) < len(self.Ws):
                np.tanh(a, out=a)
            layers.append(a)
        d = layers.pop()
        cost = softmax_cost(d, y, self.rows)
        for n in reversed(range(len(self.Ws))):
            a = layers[n]
            below = d @ self.Ws[n].T if n > 0 else None
            self.bs[n] -= lr * d.sum(0)
            d *= lr
            self.Ws[n] -= np.matmul(a.T, d, out=self.Gs[n])
            if n > 0:
                a *= a
                np.subtract(1, a, out=a)
                below *= a
                d = below
        return cost

    def state(self):
        return [*self.Ws, *self.bs]


class J4(J3):
    """Softmax regression is the network without hidden layers."""


class J5:
    def __init__(self, data, _c, _draw):
        self.A, self.B = data.array("A"), data.array("B")
        self.C = np.empty_like(self.A)

    def step(self, _i):
        np.matmul(self.A, self.B, out=self.C)

    def state(self):
        return [self.C]


class J6:
    def __init__(self, data, c, _draw):
        self.x = data.array("z")
        self.a, self.b, self.c = F(c["a"]), F(c["b"]), F(c["c"])
        self.s, self.t = np.empty_like(self.x), np.empty_like(self.x)

    def step(self, _i):
        s, t = self.s, self.t
        np.multiply(self.x, self.a, out=s)
        s += self.b
        sigmoid(s)
        np.multiply(self.x, self.c, out=t)
        np.exp(t, out=t)
        np.log1p(t, out=t)
        s *= t

    def state(self):
        return [self.s]


def blas():
    """The BLAS behind NumPy as it names itself; the reference BLAS has no name to ask for."""
    with open("/proc/self/maps") as maps:
        paths = sorted({line.split()[-1] for line in maps if "blas" in line.split("/")[-1].lower() and ".so" in line})
    for path in paths:
        lib = ctypes.CDLL(path)
        if hasattr(lib, "openblas_get_config"):
            lib.openblas_get_config.restype = lib.openblas_get_corename.restype = ctypes.c_char_p
            words = lib.openblas_get_config().decode().split()
            flavour = "pthread" if "pthread" in path else ""
            return f"{words[0]} {words[1]} {flavour} ({lib.openblas_get_corename().decode()} kernels)".replace("  ", " ")
    return "reference BLAS (slow: apt-get install libopenblas0-pthread)"


if __name__ == "__main__":
    folder = sys.argv[1]
    np.zeros((2, 2), F) @ np.zeros((2, 2), F)
    serve({"version": f"NumPy {np.__version__}, {blas()}"}, {"J1": J1, "J2": J2, "J3": J3, "J4": J4, "J5": J5, "J6": J6}, folder)
