"""The jobs in PyTorch. Usage: python3 torch_peer.py FOLDER THREADS, with OMP_NUM_THREADS and OPENBLAS_NUM_THREADS set. Knows nothing of other peers.
Next: torch_models.py has the models, serve.py the conversation."""
import sys

import torch

from numpy_peer import blas
from serve import serve
from torch_models import Cd, LeNet, Network, Pcd, tensor


class J5:
    def __init__(self, data, _c, _draw):
        self.A, self.B = tensor(data, "A"), tensor(data, "B")
        self.C = torch.empty_like(self.A)

    def step(self, _i):
        torch.mm(self.A, self.B, out=self.C)

    def state(self):
        return [self.C]


class J6:
    """As one writes the formula."""

    def __init__(self, data, c, _draw):
        self.x, self.c = tensor(data, "z"), c

    def step(self, _i):
        self.out = torch.sigmoid(self.c["a"] * self.x + self.c["b"]) * torch.log1p(torch.exp(self.c["c"] * self.x))

    def state(self):
        return [self.out]


class J6InPlace(J6):
    """The same through two buffers that stay."""

    def __init__(self, data, c, _draw):
        super().__init__(data, c, _draw)
        self.out, self.t = torch.empty_like(self.x), torch.empty_like(self.x)

    def step(self, _i):
        torch.mul(self.x, self.c["a"], out=self.out).add_(self.c["b"]).sigmoid_()
        torch.mul(self.x, self.c["c"], out=self.t).exp_().log1p_()
        self.out.mul_(self.t)


if __name__ == "__main__":
    folder, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    torch.manual_seed(123)
    jobs = {"J1": Pcd, "J2": Cd, "J3": Network, "J4": Network, "J5": J5, "J6": J6, "J6 in place": J6InPlace, "J7": LeNet}
    serve({"version": f"PyTorch {torch.__version__}, {blas()}"}, jobs, folder)
