"""Those tutorials in PyTorch that the other benches have not, as someone would write them who wants speed on a CPU: gradients by hand where they are a few
products, in-place functions, a library's layer and optimiser where there is one. Must not know sizes. Next: torch_peer.py."""
import torch
import torch.nn.functional as F

from torch_models import tensor
from torch_recurrent import Job, Layer


class Autoencoder:
    """Tied weights, cross-entropy. `encoded` gives the input of the encoder; `contract` what else is in cost and gradient."""

    def __init__(self, data, c, draw):
        self.c, self.x, self.draws = c, tensor(data, "x"), draw == "random"
        self.W, self.b, self.b_prime = tensor(data, c["W"]), torch.zeros(c["hidden"]), torch.zeros(c["visible"])
        self.u, self.batches = torch.empty(c["batch"], c["visible"]), len(self.x) // c["batch"]

    def step(self, i):
        n, i = self.c["batch"], i % self.batches
        x = self.x[i * n:(i + 1) * n]
        rate = -self.c["lr"] / n
        encoded = self.encoded(x)
        y = torch.addmm(self.b, encoded, self.W).sigmoid_()
        pre = torch.addmm(self.b_prime, y, self.W.t())
        # -x log(sigmoid(a)) - (1 - x) log(1 - sigmoid(a)) = softplus(a) - x a
        cost = torch.sum(pre.exp().log1p_() - x * pre)
        dz = pre.sigmoid_().sub_(x)
        dy = dz.mm(self.W)
        s = y * (1 - y)
        cost += self.contract(y, s, dy, rate)
        dy.mul_(s)
        self.W.addmm_(encoded.t(), dy, alpha=rate).addmm_(dz.t(), y, alpha=rate)
        self.b.add_(dy.sum(0), alpha=rate)
        self.b_prime.add_(dz.sum(0), alpha=rate)
        return cost.item() / n

    def state(self):
        return [self.W, self.b, self.b_prime]


class Denoising(Autoencoder):
    def encoded(self, x):
        keep = 1 - self.c["corruption"]
        return self.u.uniform_().lt_(keep).mul_(x) if self.draws else x * keep

    def contract(self, *_):
        return 0


class Contractive(Autoencoder):
    """The sum of squares of the Jacobian, s_j W_ij, taken apart: sum_j s_j^2 sum_i W_ij^2. What the gradient has of it reaches W before the rest does."""

    def encoded(self, x):
        return x

    def contract(self, y, s, dy, rate):
        level, squares = self.c["contraction"], s.square()
        columns = self.W.square().sum(0)
        total = squares.sum(0)
        dy.add_((s * (1 - 2 * y)).mul_(columns), alpha=2 * level)
        self.W.mul_(total.mul(2 * level * rate).add_(1))
        return level * total.dot(columns)


class Objective:
    """Mean cost and gradient of minibatches at theta, both from one forward pass, as an optimiser that takes them together (SciPy's `jac=True`) wants them."""

    def __init__(self, data, c, _draw):
        self.c, self.x, self.y = c, tensor(data, "x"), tensor(data, "y").long()
        self.theta, self.rows = data.array(c["theta"]).astype("float64"), torch.arange(c["batch"])

    def step(self, _i):
        b, n = self.c["batch"], self.c["perStep"]
        theta = torch.from_numpy(self.theta).float()
        self.gradient = torch.zeros_like(theta)
        (W, bias), (gW, gb) = ((t[:-10].view(784, 10), t[-10:]) for t in (theta, self.gradient))
        cost = torch.zeros(())
        for i in range(n):
            x, y = self.x[i * b:(i + 1) * b], self.y[i * b:(i + 1) * b]
            log_p = F.log_softmax(torch.addmm(bias, x, W), 1)
            cost += F.nll_loss(log_p, y)
            d = log_p.exp_()
            d[self.rows, y] -= 1
            gW.addmm_(x.t(), d)
            gb.add_(d.sum(0))
        self.gradient.mul_(1 / (n * b))
        return cost.item() / n

    def state(self):
        return [self.gradient]


class Slu(Job):
    """nn.RNN has no logistic sigmoid: products with the inputs and with the classifier are of the whole sentence, the recurrence is a loop."""

    def __init__(self, data, c, _draw):
        self.c = c
        weight = lambda name: tensor(data, f"rnnslu.{name}").requires_grad_()
        zeros = lambda n: torch.zeros(n, requires_grad=True)
        self.emb, self.wx, self.wh, self.w = (weight(n) for n in ("embeddings", "wx", "wh", "w"))
        self.bh, self.b, self.h0 = zeros(c["hidden"]), zeros(c["classes"]), zeros(c["hidden"])
        self.params = [self.emb, self.wx, self.wh, self.w, self.bh, self.b, self.h0]
        around = c["window"] // 2
        words = F.pad(tensor(data, "rnnslu.x").long(), (around, around), value=c["words"])
        self.windows, self.y = words.unfold(0, c["window"], 1).contiguous(), tensor(data, "rnnslu.y").long()

    def cost(self):
        below = torch.addmm(self.bh, F.embedding(self.windows, self.emb).flatten(1), self.wx)
        h, states, wh = self.h0, [], self.wh.t()
        for x in below.unbind(0):
            h = torch.addmv(x, wh, h).sigmoid()
            states.append(h)
        cost = F.cross_entropy(torch.addmm(self.b, torch.stack(states), self.w), self.y)
        return cost, cost.detach()

    def step(self, i):
        cost = super().step(i)
        self.emb.div_(self.emb.square().sum(1, keepdim=True).sqrt_())
        return cost

    def state(self):
        return [p.detach() for p in self.params]


class Lstm:
    """Padding comes after the words: the library's layer need not know of it, and the mean leaves its states out."""

    def __init__(self, data, c, draw):
        get = lambda name: tensor(data, f"lstm.{name}")
        self.draws, self.x, self.y, self.mask = draw == "random", get("x").long(), get("y").long(), get("mask").unsqueeze(2)
        self.layer = Layer("lstm", get("lstm_W"), get("lstm_U"))
        self.emb, self.U, self.b = get("Wemb").requires_grad_(), get("U").requires_grad_(), torch.zeros(c["classes"], requires_grad=True)
        self.optimizer = torch.optim.Adadelta([self.emb, *self.layer.params, self.U, self.b], lr=1, rho=0.95, eps=1e-6, foreach=True)

    def cost(self):
        states, _ = self.layer.library(F.embedding(self.x, self.emb))
        mean = (states * self.mask).sum(0) / self.mask.sum(0)
        mean = mean * torch.empty_like(mean).uniform_().lt_(0.5) if self.draws else mean * 0.5
        return F.cross_entropy(torch.addmm(self.b, mean, self.U), self.y)

    def step(self, _i):
        with torch.enable_grad():
            self.optimizer.zero_grad(set_to_none=True)
            cost = self.cost()
            cost.backward()
        self.optimizer.step()
        return cost.item()

    def state(self):
        return [self.emb.detach(), *self.layer.state(), self.U.detach(), self.b.detach()]


class Hmc:
    """The gradient of the Gaussian's energy by hand: its matrix is symmetric."""

    def __init__(self, data, c, draw):
        self.c, self.draws = c, draw == "random"
        self.mu, A, self.pos = (tensor(data, f"hmc.{n}") for n in ("mu", "covInv", "positions"))
        self.A = (A + A.t()) / 2
        self.offset = -(self.mu @ self.A)
        self.stepsize, self.rate = 1e-3, 0.9

    def gradient(self, x):
        return torch.addmm(self.offset, x, self.A)

    def hamiltonian(self, x, v):
        return 0.5 * (self.gradient(x).mul_(x - self.mu).add_(v.square())).sum(1)

    def step(self, _i):
        eps, pos = self.stepsize, self.pos
        v0 = torch.randn_like(pos) if self.draws else torch.zeros_like(pos)
        v = v0 - 0.5 * eps * self.gradient(pos)
        x = pos.add(v, alpha=eps)
        for _ in range(self.c["leapfrog"] - 1):
            v.sub_(self.gradient(x), alpha=eps)
            x.add_(v, alpha=eps)
        v.sub_(self.gradient(x), alpha=0.5 * eps)
        u = torch.rand(len(pos)) if self.draws else 0.5
        accept = (self.hamiltonian(pos, v0) - self.hamiltonian(x, v)).exp_().sub_(u).ge(0)
        self.pos = torch.where(accept.unsqueeze(1), x, pos)
        self.stepsize = min(max(eps * (1.02 if self.rate > 0.9 else 0.98), 0.001), 0.5)
        self.rate = 0.9 * self.rate + 0.1 * accept.float().mean().item()

    def state(self):
        return [self.pos.flatten(), torch.tensor([self.stepsize]), torch.tensor([self.rate])]


def validated(make):
    """A step of the job is to find the errors of some images, all in one go, after two steps of training."""

    class Validation:
        def __init__(self, data, c, draw):
            self.job, self.n = make(data, c, draw), c["validation"]
            for i in range(2):
                self.job.step(i)

        def step(self, _i):
            return self.job.errors(self.n)

        def state(self):
            return self.job.state()

    return Validation
