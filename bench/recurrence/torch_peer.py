"""The recurrent jobs in PyTorch. Usage: python3 torch_peer.py FOLDER THREADS, with OMP_NUM_THREADS set. Knows nothing of other peers.
Next: ../peers/torch_recurrent.py has the models, ../peers/serve.py the conversation."""
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from serve import Data, serve  # noqa: E402
from torch_recurrent import Cell, RnnRbm  # noqa: E402

if __name__ == "__main__":
    folder, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(123)
    made = {"lstm": Cell, "gru": Cell, "rnnrbm": RnnRbm}
    jobs = {name: made[c["cell"]] for name, c in Data(folder).manifest["jobs"].items()}
    serve({"version": f"PyTorch {torch.__version__}"}, jobs, folder)
