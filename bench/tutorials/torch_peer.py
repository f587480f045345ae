"""A step of each tutorial in PyTorch. Usage: python3 torch_peer.py FOLDER THREADS, with OMP_NUM_THREADS and OPENBLAS_NUM_THREADS set. Knows nothing of other
peers. Next: torch_tutorials.py and ../peers/torch_models.py, torch_recurrent.py have the models, ../peers/serve.py the conversation."""
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from numpy_peer import blas  # noqa: E402
from serve import Data, serve  # noqa: E402
from torch_models import Cd, LeNet, Network, Pcd  # noqa: E402
from torch_recurrent import RnnRbm  # noqa: E402
from torch_tutorials import Contractive, Denoising, Hmc, Lstm, Objective, Slu, validated  # noqa: E402

MADE = {
    "logistic_sgd": Network, "logistic_cg": Objective, "mlp": Network, "lenet": LeNet, "dA": Denoising, "cA": Contractive,
    "SdA-pretraining": Denoising, "SdA-finetuning": Network, "DBN-pretraining": Cd, "DBN-finetuning": Network, "rbm": Pcd,
    "rnnrbm": RnnRbm, "rnnslu": Slu, "lstm": Lstm, "hmc": Hmc,
}

if __name__ == "__main__":
    folder, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    torch.manual_seed(123)
    jobs = {name: validated(MADE[c["kind"]]) if "validation" in c else MADE[c["kind"]] for name, c in Data(folder).manifest["jobs"].items()}
    serve({"version": f"PyTorch {torch.__version__}, {blas()}"}, jobs, folder)
