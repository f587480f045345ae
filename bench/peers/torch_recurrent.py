"""Recurrent models in PyTorch, as someone would write them who wants speed: nn.LSTM, nn.GRU and nn.RNN for whole sequences, autograd, no loop in Python
but the Gibbs chain. Knows neither jobs' sizes nor other peers. Next: ../recurrence/torch_peer.py, ../tutorials/torch_peer.py."""
import torch
import torch.nn.functional as F

from torch_models import tensor


class Job:
    """Plain gradient descent on `cost(i)`, which gives the number to report as well."""

    def step(self, _i):
        with torch.enable_grad():
            cost, told = self.cost()
        gradients = torch.autograd.grad(cost, self.params)
        with torch.no_grad():
            for p, g in zip(self.params, gradients):
                p.sub_(g, alpha=self.c["lr"])
        return float(told)


# Chunks of the library's weights in the order of the tutorial's (i f o g; r u n).
ORDER = {"lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}


class Layer:
    """nn.LSTM or nn.GRU with the tutorial's weights, [in, gates * out] instead of [gates * out, in]; an order of gates is its own inverse."""

    def __init__(self, cell, W, U):
        self.order, dim = ORDER[cell], U.shape[0]
        self.library = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell](dim, dim)
        with torch.no_grad():
            self.library.weight_ih_l0.copy_(self.sorted(W.t()))
            self.library.weight_hh_l0.copy_(self.sorted(U.t()))
            self.library.bias_ih_l0.zero_()
            self.library.bias_hh_l0.zero_()
        # One bias is trained, as in the tutorial; the second stays 0.
        self.library.bias_hh_l0.requires_grad_(False)
        self.params = [self.library.weight_ih_l0, self.library.weight_hh_l0, self.library.bias_ih_l0]

    def sorted(self, rows):
        chunks = rows.chunk(len(self.order))
        return torch.cat([chunks[n] for n in self.order])

    def state(self):
        W, U, b = (self.sorted(p.detach()) for p in self.params)
        return [W.t().contiguous(), U.t().contiguous(), b]


class Cell(Job):
    def __init__(self, data, c, _draw):
        self.c = c
        self.x, self.y = tensor(data, "x")[:c["steps"]].contiguous(), tensor(data, "y").long()
        W, U, V = (tensor(data, f"{c['cell']}.{name}") for name in "WUV")
        self.layer = Layer(c["cell"], W, U)
        self.V, self.d = V.requires_grad_(), torch.zeros(c["classes"], requires_grad=True)
        self.params = [*self.layer.params, self.V, self.d]

    def cost(self):
        states, _ = self.layer.library(self.x)
        cost = F.cross_entropy(torch.addmm(self.d, states.mean(0), self.V), self.y)
        return cost, cost.detach()

    def state(self):
        return [*self.layer.state(), self.V.detach(), self.d.detach()]


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
