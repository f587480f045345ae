"""Models in PyTorch, as someone would write them who wants speed: no autograd where the gradient is two products, addmm with its result in
place, in-place functions, draws by uniform_().lt_(p) (four times as fast on a CPU as torch.bernoulli). For use without gradients being
recorded. Knows neither jobs' sizes nor other peers. Next: torch_peer.py, ../tutorials/torch_peer.py."""
import torch
import torch.nn.functional as F


def tensor(data, name):
    return torch.from_numpy(data.array(name))


class Rbm:
    """Weights, buffers and the sampling both RBM jobs share."""

    def __init__(self, data, c, draw):
        self.c, self.x = c, tensor(data, "x")
        self.W, self.hb, self.vb = tensor(data, c["W"]), torch.zeros(c["hidden"]), torch.zeros(c["visible"])
        self.draws = draw == "random"
        self.u = {n: torch.empty(c["batch"], n) for n in (c["visible"], c["hidden"])}
        self.batches = len(self.x) // c["batch"]

    def minibatch(self, i):
        b = self.c["batch"]
        i %= self.batches
        return self.x[i * b:(i + 1) * b]

    def propup(self, v):
        return torch.addmm(self.hb, v, self.W)

    def propdown(self, h):
        return torch.addmm(self.vb, h, self.W.t())

    def sample(self, mean):
        """A Bernoulli draw of the mean; the mean itself in the draw-free version."""
        return self.u[mean.shape[1]].uniform_().lt_(mean) if self.draws else mean

    def update(self, v0, h0, v1, h1):
        rate = self.c["lr"] / self.c["batch"]
        self.W.addmm_(v0.t(), h0, alpha=rate).addmm_(v1.t(), h1, alpha=-rate)
        self.hb.add_(h0.sum(0) - h1.sum(0), alpha=rate)
        self.vb.add_(v0.sum(0) - v1.sum(0), alpha=rate)

    def state(self):
        return [self.W, self.hb, self.vb]


class Pcd(Rbm):
    """PCD-k, the pseudo-likelihood of one bit as its cost."""

    def __init__(self, data, c, draw):
        super().__init__(data, c, draw)
        self.chain, self.bit = torch.zeros(c["batch"], c["hidden"]), 0

    def free_energy(self, v):
        return -self.propup(v).exp_().log1p_().sum(1) - v @ self.vb

    def step(self, i):
        x = self.minibatch(i)
        ph = self.propup(x).sigmoid_()
        h = self.chain
        for _ in range(self.c["k"]):
            v = self.sample(self.propdown(h).sigmoid_())
            h = self.sample(self.propup(v).sigmoid_())
        self.chain = h
        nh = self.propup(v).sigmoid_()
        cost = self.pseudo_likelihood(x)
        self.update(x, ph, v, nh)
        return cost.item()

    def pseudo_likelihood(self, x):
        xi = x.round()
        fe = self.free_energy(xi)
        xi[:, self.bit].neg_().add_(1)
        fe_flip = self.free_energy(xi)
        self.bit = (self.bit + 1) % self.c["visible"]
        return F.logsigmoid(fe_flip - fe).mul_(self.c["visible"]).mean()

    def state(self):
        return [*super().state(), self.chain]


class Cd(Rbm):
    """CD-1, the cross-entropy of the reconstruction as its cost."""

    def step(self, i):
        x = self.minibatch(i)
        ph = self.propup(x).sigmoid_()
        pre = self.propdown(self.sample(ph))
        # x log(sigmoid(a)) + (1 - x) log(1 - sigmoid(a)) = x a - softplus(a)
        cost = torch.sum(x * pre - pre.exp().log1p_()) / self.c["batch"]
        v = self.sample(pre.sigmoid_())
        nh = self.propup(v).sigmoid_()
        self.update(x, ph, v, nh)
        return cost.item()


class Network:
    """Hidden layers under a softmax, gradients by hand. `activation` is "tanh" unless the job says "sigmoid"; `L2` decays the weights."""

    def __init__(self, data, c, _draw):
        self.c, self.x, self.y = c, tensor(data, "x"), tensor(data, "y").long()
        self.Ws = [tensor(data, name) for name in c["Ws"]]
        self.bs = [torch.zeros(W.shape[1]) for W in self.Ws]
        self.rows, self.batches = torch.arange(c["batch"]), len(self.x) // c["batch"]
        self.sigmoid, self.L2 = c.get("activation") == "sigmoid", c.get("L2", 0)

    def forward(self, x):
        """The input of each layer, and of the softmax."""
        layers = [x]
        for W, bias in zip(self.Ws, self.bs):
            a = torch.addmm(bias, layers[-1], W)
            layers.append(a if len(layers) == len(self.Ws) else a.sigmoid_() if self.sigmoid else a.tanh_())
        return layers

    def step(self, i):
        b, lr, i = self.c["batch"], self.c["lr"], i % self.batches
        y, layers = self.y[i * b:(i + 1) * b], self.forward(self.x[i * b:(i + 1) * b])
        log_p = F.log_softmax(layers.pop(), 1)
        cost = F.nll_loss(log_p, y)
        if self.L2:
            cost += self.L2 * sum(W.flatten().dot(W.flatten()) for W in self.Ws)
        d = log_p.exp_()
        d[self.rows, y] -= 1
        d.mul_(1 / b)
        for n in reversed(range(len(self.Ws))):
            a, W = layers[n], self.Ws[n]
            below = d.mm(W.t()) if n > 0 else None
            # beta is what decay leaves of the weights
            W.addmm_(a.t(), d, beta=1 - 2 * lr * self.L2, alpha=-lr)
            self.bs[n].sub_(d.sum(0), alpha=lr)
            if n > 0:
                d = below.mul_(a).mul_(1 - a) if self.sigmoid else below.mul_(a.square_().neg_().add_(1))
        return cost.item()

    def errors(self, n):
        return (self.forward(self.x[:n])[-1].argmax(1) != self.y[:n]).float().mean().item()

    def state(self):
        return [*self.Ws, *self.bs]


class LeNet:
    """As PyTorch's users write it: autograd, an update in place. Theano's conv2d turns its filters round; PyTorch's does not."""

    def __init__(self, data, c, draw):
        self.c, self.x, self.y = c, tensor(data, c["images"][draw]), tensor(data, "y").long()
        self.Ws = [tensor(data, name) for name in c["Ws"]]
        self.Ws[:2] = [self.turned(W) for W in self.Ws[:2]]
        self.bs = [torch.zeros(n) for n in (*c["kernels"], c["hidden"], 10)]
        for p in (*self.Ws, *self.bs):
            p.requires_grad_()

    @staticmethod
    def turned(W):
        return W.flip(2, 3).contiguous()

    def forward(self, x):
        a = x.view(-1, 1, 28, 28)
        for W, bias in zip(self.Ws[:2], self.bs[:2]):
            a = torch.tanh(F.max_pool2d(F.conv2d(a, W), 2) + bias.view(1, -1, 1, 1))
        a = torch.tanh(torch.addmm(self.bs[2], a.flatten(1), self.Ws[2]))
        return torch.addmm(self.bs[3], a, self.Ws[3])

    def step(self, i):
        b = self.c["batch"]
        i %= len(self.x) // b
        with torch.enable_grad():
            cost = F.cross_entropy(self.forward(self.x[i * b:(i + 1) * b]), self.y[i * b:(i + 1) * b])
            gradients = torch.autograd.grad(cost, (*self.Ws, *self.bs))
        for p, g in zip((*self.Ws, *self.bs), gradients):
            p.sub_(g, alpha=self.c["lr"])
        return cost.item()

    def errors(self, n):
        return (self.forward(self.x[:n]).argmax(1) != self.y[:n]).float().mean().item()

    def state(self):
        return [W.detach() for W in (*map(self.turned, self.Ws[:2]), *self.Ws[2:], *self.bs)]
