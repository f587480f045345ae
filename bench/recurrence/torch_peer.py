"""The recurrent jobs in PyTorch, as someone would write them who wants speed: nn.LSTM, nn.GRU and nn.RNN for whole sequences, autograd, no loop in Python but the
Gibbs chain. Usage: python3 torch_peer.py FOLDER THREADS, with OMP_NUM_THREADS set. Knows nothing of other peers. Next: serve.py."""
import os
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from serve import Data, serve  # noqa: E402


def tensor(data, name):
    return torch.from_numpy(data.array(name))


class Job:
    """Plain gradient descent on `cost(i)`, which gives the number to report as well."""

    def step(self, _i):
        cost, told = self.cost()
        gradients = torch.autograd.grad(cost, self.params)
        with torch.no_grad():
            for p, g in zip(self.params, gradients):
                p.sub_(g, alpha=self.c["lr"])
        return float(told)


# Chunks of the library's weights in the order of the tutorial's (i f o g; r u n).
ORDER = {"lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}


def turned(matrix, order):
    """[in, gates * out] of the tutorial from or to [gates * out, in] of the library; the orders are their own inverses."""
    chunks = matrix.t().chunk(len(order))
    return torch.cat([chunks[n] for n in order])


class Cell(Job):
    def __init__(self, data, c, _draw):
        self.c, self.order = c, ORDER[c["cell"]]
        self.x, self.y = tensor(data, "x")[:c["steps"]].contiguous(), tensor(data, "y").long()
        self.layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[c["cell"]](c["dim"], c["dim"])
        weight = lambda name: tensor(data, f"{c['cell']}.{name}")
        with torch.no_grad():
            self.layer.weight_ih_l0.copy_(turned(weight("W"), self.order))
            self.layer.weight_hh_l0.copy_(turned(weight("U"), self.order))
            self.layer.bias_ih_l0.zero_()
            self.layer.bias_hh_l0.zero_()
        self.V, self.d = weight("V").requires_grad_(), torch.zeros(c["classes"], requires_grad=True)
        # One bias is trained, as in the tutorial; the second stays 0.
        self.layer.bias_hh_l0.requires_grad_(False)
        self.params = [self.layer.weight_ih_l0, self.layer.weight_hh_l0, self.layer.bias_ih_l0, self.V, self.d]

    def cost(self):
        states, _ = self.layer(self.x)
        cost = F.cross_entropy(torch.addmm(self.d, states.mean(0), self.V), self.y)
        return cost, cost.detach()

    def state(self):
        W, U, b, V, d = (p.detach() for p in self.params)
        chunks = b.chunk(len(self.order))
        back = lambda m: torch.cat([m.chunk(len(self.order))[n] for n in self.order]).t().contiguous()
        return [back(W), back(U), torch.cat([chunks[n] for n in self.order]), V, d]


class RnnRbm(Job):
    def __init__(self, data, c, draw):
        self.c, self.draws = c, draw == "random"
        self.v = tensor(data, "roll")[:c["steps"]].contiguous()
        self.W, self.Wuh, self.Wuv = (tensor(data, f"rnnrbm.{n}").requires_grad_() for n in ("W", "Wuh", "Wuv"))
        self.bv, self.bh = (torch.zeros(c[n], requires_grad=True) for n in ("visible", "hidden"))
        self.rnn = torch.nn.RNN(c["visible"], c["recurrent"])
        with torch.no_grad():
            self.rnn.weight_ih_l0.copy_(tensor(data, "rnnrbm.Wvu").t())
            self.rnn.weight_hh_l0.copy_(tensor(data, "rnnrbm.Wuu").t())
            self.rnn.bias_ih_l0.zero_()
            self.rnn.bias_hh_l0.zero_()
        self.rnn.bias_hh_l0.requires_grad_(False)
        self.params = [self.W, self.bv, self.bh, self.Wuh, self.Wuv, self.rnn.weight_ih_l0, self.rnn.weight_hh_l0, self.rnn.bias_ih_l0]

    def sample(self, mean):
        return torch.empty_like(mean).uniform_().lt_(mean) if self.draws else mean

    def gibbs(self, v, bv, bh):
        h = self.sample(torch.addmm(bh, v, self.W).sigmoid_())
        return torch.addmm(bv, h, self.W.t()).sigmoid_()

    def cost(self):
        v, steps = self.v, self.c["steps"]
        u, _ = self.rnn(v)
        before = torch.cat([torch.zeros(1, u.shape[1]), u[:-1]])
        bv, bh = torch.addmm(self.bv, before, self.Wuv), torch.addmm(self.bh, before, self.Wuh)
        with torch.no_grad():
            sample = v
            for _ in range(self.c["k"]):
                sample = self.sample(self.gibbs(sample, bv, bh))
            mean = self.gibbs(sample, bv, bh)
            monitor = (torch.xlogy(v, mean) + torch.xlogy(1 - v, 1 - mean)).sum() / steps

        def free_energy(x):
            return -(x * bv).sum() - F.softplus(torch.addmm(bh, x, self.W)).sum()

        return (free_energy(v) - free_energy(sample)) / steps, monitor

    def state(self):
        W, bv, bh, Wuh, Wuv, Wvu, Wuu, bu = (p.detach() for p in self.params)
        return [W, bv, bh, Wuh, Wuv, Wvu.t().contiguous(), Wuu.t().contiguous(), bu]


if __name__ == "__main__":
    folder, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(123)
    made = {"lstm": Cell, "gru": Cell, "rnnrbm": RnnRbm}
    jobs = {name: made[c["cell"]] for name, c in Data(folder).manifest["jobs"].items()}
    serve({"version": f"PyTorch {torch.__version__}"}, jobs, folder)
